"""`gatehouse keys retire` and `keys revoke`: a key leaves at once, and what it signed is refused."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import pytest

from chalicelib import wiring
from chalicelib.rotation.steps import PUBLISH_S, RETIRE_S
from chalicelib.store.aws.caller import AwsRefused
from infra.stage.aws import Stage
from infra.stage.keys import find_signing_key, rotate, take_out
from infra.stage.people import People
from tests.cli.conftest import Gatehouse
from tests.cli.cut import CHANGING, Cut, cut_at
from tests.cli.test_rotations_at_once import overtaken
from tests.support.fixed import BCRYPT_COST, Clock
from tests.support.function_aws import Ask, around_calls, function_aws
from tests.support.http import Http
from tests.support.rotation import ES_API, LONGEST_S, PERSON, login_form
from tests.support.stages import client_of
from tests.support.tenant_documents import SMALL_API, client, small_document

CACHE_S = 61
APIS: list[dict[str, Any]] = [
    {
        "identifier": SMALL_API,
        "name": "Small",
        "token_lifetime": LONGEST_S,
        "introspection_clients": ["app"],
        "token_dialect": "access_token",
    },
    {"identifier": ES_API, "name": "Es", "signing_alg": "ES256"},
]
OFFLINE_APIS = [api | {"allow_offline_access": True} for api in APIS]


@pytest.fixture
def own(gatehouse: Gatehouse) -> Gatehouse:
    """The command, on a stage that signs with both algorithms, with a person in it."""
    gatehouse.provision(small_document(apis=APIS))
    People.of(gatehouse.stage, "staff", BCRYPT_COST).add(PERSON["password"], None, username=PERSON["username"])
    return gatehouse


@pytest.fixture
def http(own: Gatehouse, externals: wiring.Externals) -> Iterator[Http]:
    """A client of the handler on that stage."""
    with client_of(own.stage, externals) as http:
        yield http


@pytest.fixture
def now(clock: Clock) -> int:
    return int(clock())


def kid(own: Gatehouse, status: str, alg: str = "RS256") -> str:
    (found,) = (key.kid for key in own.stage.config().keys().of(alg) if key.status == status)
    return found


def statuses(stage: Stage, alg: str = "RS256") -> dict[str, str]:
    return {key.kid: key.status for key in stage.config().keys().of(alg)}


def in_kms(own: Gatehouse, arn: str) -> tuple[str, bool]:
    """Return the state of a key, and whether it is tagged as retired."""
    kms, key_id = own.stage.clients.kms, arn.rpartition("/")[2]
    tags = {tag["TagKey"] for tag in kms.list_resource_tags(KeyId=key_id)["Tags"]}
    return kms.describe_key(KeyId=key_id)["KeyMetadata"]["KeyState"], "gatehouse-retired" in tags


def login(http: Http, scope: str = "openid") -> dict[str, Any]:
    answer: dict[str, Any] = http.token(login_form(SMALL_API) | {"scope": scope}).json()
    return answer


def published(http: Http) -> list[str]:
    return [key["kid"] for key in http.get("/.well-known/jwks.json").json()["keys"]]


@dataclass
class Life:
    """The answers of our own endpoints about an access token."""

    userinfo: int
    is_active: bool


def life(http: Http, token: str) -> Life:
    userinfo = http.get("/userinfo", headers={"authorization": f"Bearer {token}"}).status_code
    form = {"token": token, "client_id": "app", "client_secret": str(client()["client_secret"])}
    return Life(userinfo, http.post("/oauth/introspect", data=form).json()["active"])


def test_revoked_current_key_makes_way_for_one_that_signs_at_once(own: Gatehouse, http: Http, clock: Clock) -> None:
    leaked = find_signing_key(own.stage, kid(own, "current"))
    old = login(http)["access_token"]
    assert life(http, old) == Life(200, True)
    ran = own.run("keys", "revoke", leaked.kid, "--yes")
    made = kid(own, "current")
    clock.advance(CACHE_S)
    new = login(http)["access_token"]

    assert ran.rows[-2:] == [
        ["create", "RS256", "key", made, "current"],
        ["delete", "RS256", "key", leaked.kid, "from", "the", "JWKS;", "disabled", "in", "KMS"],
    ]
    assert (ran.code, made != leaked.kid, leaked.kid in published(http)) == (0, True, False)
    assert in_kms(own, leaked.key_arn) == ("Disabled", True)
    assert (life(http, old), life(http, new)) == (Life(401, False), Life(200, True))


def test_refresh_token_outlives_a_revoked_key(own: Gatehouse, http: Http, clock: Clock) -> None:
    form = small_document(apis=OFFLINE_APIS, clients=[client(grant_types=["password", "refresh_token"])])
    assert own.apply(form).code == 0
    refresh_token = login(http, "openid offline_access")["refresh_token"]
    own.run("keys", "revoke", kid(own, "current"), "--yes")
    clock.advance(CACHE_S)
    credentials = {"client_id": "app", "client_secret": str(client()["client_secret"])}
    answer = http.refresh(refresh_token, credentials).json()

    assert life(http, answer["access_token"]) == Life(200, True)


def test_published_next_key_takes_the_place_of_a_revoked_one(own: Gatehouse, now: int) -> None:
    leaked = kid(own, "current")
    rotate(own.stage, now)
    following = kid(own, "next")
    ran = own.run("keys", "revoke", leaked, typed="y\n")

    assert statuses(own.stage) == {following: "current"}
    assert "until they read it anew" in ran.err and "signs at once" in ran.err


def test_revoked_key_does_not_wait_for_a_next_one_that_is_disabled(own: Gatehouse, now: int) -> None:
    leaked = kid(own, "current")
    rotate(own.stage, now)
    following = find_signing_key(own.stage, kid(own, "next"))
    own.stage.clients.kms.disable_key(KeyId=following.key_id)
    ran = own.run("keys", "revoke", leaked, "--yes")

    assert (ran.code, list(statuses(own.stage).values())) == (0, ["current"])
    assert {leaked, following.kid} & set(statuses(own.stage)) == set()


@pytest.mark.parametrize("status", ["next", "previous"])
def test_key_that_does_not_sign_is_revoked_without_another(own: Gatehouse, now: int, status: str) -> None:
    rotate(own.stage, now)
    if status == "previous":
        rotate(own.stage, now + PUBLISH_S)
    leaked, current = find_signing_key(own.stage, kid(own, status)), kid(own, "current")
    ran = own.run("keys", "revoke", leaked.kid, "--yes")

    assert (ran.code, statuses(own.stage)) == (0, {current: "current"})
    assert in_kms(own, leaked.key_arn) == ("Disabled", True)


def test_revoked_key_is_never_taken_again(own: Gatehouse, now: int) -> None:
    leaked = find_signing_key(own.stage, kid(own, "current"))
    own.run("keys", "revoke", leaked.kid, "--yes")
    own.stage.clients.kms.enable_key(KeyId=leaked.key_id)
    rotate(own.stage, now)

    assert leaked.key_arn not in {key.key_arn for key in own.stage.config().keys().keys}


def test_revocation_says_its_cost_and_asks(own: Gatehouse) -> None:
    before = statuses(own.stage)
    refused = own.run("keys", "revoke", kid(own, "current"), typed="n\n")

    assert (refused.code, statuses(own.stage)) == (1, before)
    for words in ("is the current RS256 key", "Every token that it signed stops verifying", "503", "cache the JWKS"):
        assert words in refused.err


@pytest.mark.parametrize("command", ["retire", "revoke"])
@pytest.mark.parametrize("unknown", ["nokey", "-" + 42 * "y"])
def test_unknown_kid_is_an_error_of_the_operator(own: Gatehouse, command: str, unknown: str) -> None:
    ran = own.run("keys", command, unknown, "--yes")

    assert ran.code == 2
    assert ran.err == f"No key of stage {own.stage.name} has the kid {unknown}. See `gatehouse keys list`.\n"


@pytest.mark.parametrize("status", ["current", "next"])
def test_key_that_signs_or_will_is_not_retired(own: Gatehouse, now: int, status: str) -> None:
    rotate(own.stage, now)
    before = statuses(own.stage)
    ran = own.run("keys", "retire", kid(own, status), "--yes")

    assert (ran.code, statuses(own.stage)) == (2, before)
    assert f"is the {status} key. Replace it by `gatehouse keys rotate`" in ran.err


def test_previous_key_is_retired_early_only_if_the_operator_says_so(own: Gatehouse, now: int) -> None:
    rotate(own.stage, now)
    rotate(own.stage, now + PUBLISH_S)
    previous = kid(own, "previous")
    asked = own.run("keys", "retire", previous, typed="n\n")
    ran = own.run("keys", "retire", previous, "--yes")

    assert (asked.code, ran.code) == (1, 0)
    assert f"Tokens of {previous} live for up to 31 more days. Every token" in asked.err
    assert previous not in statuses(own.stage)


def test_previous_key_whose_tokens_have_ended_is_retired_without_a_question(own: Gatehouse, now: int) -> None:
    rotate(own.stage, now - PUBLISH_S - RETIRE_S)
    rotate(own.stage, now - RETIRE_S)
    previous = find_signing_key(own.stage, kid(own, "previous"))
    ran = own.run("keys", "retire", previous.kid)

    assert (ran.code, ran.err) == (0, "")
    assert in_kms(own, previous.key_arn) == ("Disabled", True)


def test_removal_in_json_says_what_changed(own: Gatehouse) -> None:
    leaked = kid(own, "current")
    ran = own.run("keys", "revoke", leaked, "--yes", "--json")

    assert [(one["action"], one["detail"]) for one in json.loads(ran.out)["changes"]] == [
        ("create", "current"),
        ("delete", "from the JWKS; disabled in KMS"),
    ]


def test_revocation_that_is_cut_off_at_any_call_ends_the_same_at_its_next_run(own: Gatehouse, now: int) -> None:
    def revoke() -> None:
        take_out(own.stage, leaked, now)

    leaked = find_signing_key(own.stage, kid(own, "current"))
    with cut_at(own.stage, -1) as whole:
        revoke()
    for number, name in enumerate(whole.made):
        for when in ("before-call", "after-call") if name.startswith((*CHANGING, "Disable")) else ("before-call",):
            leaked = find_signing_key(own.stage, kid(own, "current"))
            made = len(own.stage.clients.kms.list_keys()["Keys"])
            with cut_at(own.stage, number, when), pytest.raises(Cut):
                revoke()
            revoke()

            assert list(statuses(own.stage).values()) == ["current"], (name, when)
            assert leaked.kid not in statuses(own.stage)
            assert in_kms(own, leaked.key_arn) == ("Disabled", True), (name, when)
            assert len(own.stage.clients.kms.list_keys()["Keys"]) == made + 1, (name, when)


def test_revocation_beside_a_rotation_leaves_no_leaked_key(own: Gatehouse, now: int) -> None:
    rotate(own.stage, now)
    leaked = find_signing_key(own.stage, kid(own, "next"))
    # The schedule promotes the leaked key while it is being revoked.
    with overtaken(own, "kms.TagResource", lambda: rotate(own.stage, now + PUBLISH_S)):
        take_out(own.stage, leaked, now + PUBLISH_S)

    assert sorted(statuses(own.stage).values()) == ["current", "previous"]
    assert leaked.kid not in statuses(own.stage)


def test_process_that_cached_a_revoked_key_signs_with_the_new_one_after_one_failure(
    own: Gatehouse, externals: wiring.Externals
) -> None:
    leaked = find_signing_key(own.stage, kid(own, "current"))
    stage = replace(own.stage, aws=function_aws())

    def refuse(operation: str, parameters: Mapping[str, Any], ask: Ask) -> dict[str, Any]:
        # moto lets a disabled key sign.
        if operation == "Sign" and parameters["KeyId"] == leaked.key_id:
            raise AwsRefused("DisabledException", {}, 400)
        return ask()

    with client_of(stage, externals) as http:
        login(http)
        own.run("keys", "revoke", leaked.kid, "--yes")
        with around_calls(stage, refuse):
            found = [http.token(login_form(SMALL_API)).status_code for _ in range(2)]

    assert found == [503, 200]

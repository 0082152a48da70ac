"""`gatehouse keys`: rotation, step by step, as those who verify tokens see it."""

import json
import re
from collections.abc import Iterator

import jwt
import pytest

from chalicelib import wiring
from chalicelib.rotation.public_key import thumbprint
from chalicelib.rotation.steps import PUBLISH_S
from infra.stage.keys import rotate
from infra.stage.people import People
from tests.cli.conftest import Gatehouse
from tests.support.fixed import BCRYPT_COST, ISSUER, Clock
from tests.support.http import Http
from tests.support.rotation import ES_API, LONGEST_S, PERSON
from tests.support.stages import client_of
from tests.support.tenant_documents import SMALL_API, client, small_document

CACHE_S = 60
APIS = [
    {"identifier": SMALL_API, "name": "Small", "token_lifetime": LONGEST_S},
    {"identifier": ES_API, "name": "Es", "signing_alg": "ES256"},
]
AUDIENCES = {"RS256": SMALL_API, "ES256": ES_API}
each_alg = pytest.mark.parametrize("alg", AUDIENCES)


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
    """The time at which the first rotation is done."""
    return int(clock())


def token(http: Http, alg: str) -> str:
    credentials = {"client_id": "app", "client_secret": str(client()["client_secret"]), **PERSON}
    response = http.token({"grant_type": "password", "audience": AUDIENCES[alg], **credentials})
    return str(response.json()["access_token"])


def published(http: Http, alg: str) -> list[str]:
    """Return the kids of this algorithm in the JWKS."""
    keys = http.get("/.well-known/jwks.json").json()["keys"]
    return [key["kid"] for key in keys if key["alg"] == alg]


def verified_by(http: Http, access_token: str, alg: str) -> str:
    """Verify a token with the JWKS as it is now, and return the kid that it took."""
    keys = jwt.PyJWKSet.from_dict(http.get("/.well-known/jwks.json").json())
    kid = str(jwt.get_unverified_header(access_token)["kid"])
    # The test's clock is ahead of the one that PyJWT looks at.
    ahead_s = 3600
    jwt.decode(access_token, keys[kid], [alg], audience=AUDIENCES[alg], issuer=ISSUER, leeway=ahead_s)
    return kid


def kids(own: Gatehouse, alg: str) -> dict[str, str]:
    """Return the kid of each status."""
    return {key.status: key.kid for key in own.stage.config().keys().keys if key.alg == alg}


@each_alg
def test_next_key_is_published_before_it_signs(own: Gatehouse, http: Http, now: int, alg: str) -> None:
    current = kids(own, alg)["current"]
    changes, waits = rotate(own.stage, now)
    following = kids(own, alg)["next"]

    assert ("create", f"{alg} key {following}", "next") in [(one.action, one.what, one.detail) for one in changes]
    assert any(wait.startswith(f"{alg}: {following} is published as next.") for wait in waits)
    assert published(http, alg) == [current, following]
    assert verified_by(http, token(http, alg), alg) == current


def test_next_key_must_be_published_for_two_hours_and_ten_minutes(own: Gatehouse, now: int) -> None:
    rotate(own.stage, now)
    keys = own.stage.config().keys()
    changes, waits = rotate(own.stage, now + PUBLISH_S - 1)

    assert PUBLISH_S == 2 * 60 * 60 + 10 * 60
    assert (changes, own.stage.config().keys()) == ([], keys)
    assert waits == [
        f"{alg}: {kids(own, alg)['next']} must be published for 1 more minutes." for alg in ("RS256", "ES256")
    ]


@each_alg
def test_published_key_signs_and_old_tokens_still_verify(
    own: Gatehouse, http: Http, clock: Clock, now: int, alg: str
) -> None:
    old_token, old = token(http, alg), kids(own, alg)["current"]
    rotate(own.stage, now)
    new = kids(own, alg)["next"]
    rotate(own.stage, now + PUBLISH_S)
    clock.advance(CACHE_S + 1)

    assert kids(own, alg) == {"current": new, "previous": old}
    assert verified_by(http, token(http, alg), alg) == new
    assert verified_by(http, old_token, alg) == old


def test_process_with_a_cached_key_set_signs_with_a_key_that_is_published(
    own: Gatehouse, http: Http, externals: wiring.Externals, now: int
) -> None:
    token(http, "RS256")
    rotate(own.stage, now)
    rotate(own.stage, now + PUBLISH_S)
    late = token(http, "RS256")

    with client_of(own.stage, externals) as other:
        assert verified_by(other, late, "RS256") == kids(own, "RS256")["previous"]


@each_alg
def test_old_key_is_retired_after_the_longest_token_and_not_before(
    own: Gatehouse, http: Http, now: int, alg: str
) -> None:
    old = kids(own, alg)["current"]
    rotate(own.stage, now)
    rotate(own.stage, now + PUBLISH_S)
    ended = now + PUBLISH_S + LONGEST_S + CACHE_S

    early, waits = rotate(own.stage, ended - 1)
    assert (early, kids(own, alg)["previous"]) == ([], old)
    assert f"{alg}: tokens of {old} live for 1 more minutes." in waits

    late, _ = rotate(own.stage, ended)
    assert (("delete", f"{alg} key {old}")) in [(change.action, change.what) for change in late]
    assert published(http, alg) == [kids(own, alg)["current"]] != [old]


def test_rotation_starts_again_after_the_last_one_ended(own: Gatehouse, now: int) -> None:
    for at in (0, PUBLISH_S, PUBLISH_S + LONGEST_S + CACHE_S):
        rotate(own.stage, now + at)
    later = now + 60 * 86_400
    rotate(own.stage, later)
    changes, _ = rotate(own.stage, later + PUBLISH_S - 1)

    assert set(kids(own, "RS256")) == {"current", "next"}
    assert changes == []


def test_each_key_is_one_of_kms_with_the_tag_of_its_stage(own: Gatehouse, now: int) -> None:
    rotate(own.stage, now)
    arns = [key.key_arn for key in own.stage.config().keys().keys]
    tags = [own.stage.clients.kms.list_resource_tags(KeyId=arn)["Tags"] for arn in arns]

    assert len(set(arns)) == 4
    assert tags == [[{"TagKey": "gatehouse-stage", "TagValue": own.stage.name}]] * 4


def test_command_takes_one_step_and_then_says_what_it_waits_for(own: Gatehouse) -> None:
    first = own.run("keys", "rotate")
    second = own.run("keys", "rotate")

    following = [kids(own, alg)["next"] for alg in ("RS256", "ES256")]
    assert first.rows[1:3] == [
        ["create", "RS256", "key", following[0], "next"],
        ["create", "ES256", "key", following[1], "next"],
    ]
    assert second.out.startswith(f"Keys of stage {own.stage.name}: nothing to change.\nRS256: {following[0]} must be ")
    assert (first.code, second.code, first.err + second.err) == (0, 0, "")


def test_list_shows_every_key_with_its_status(own: Gatehouse, now: int) -> None:
    rotate(own.stage, now)
    rows = own.run("keys", "list").rows

    assert rows[0] == ["kid", "alg", "status", "age_days", "since", "until"]
    assert sorted(row[:3] for row in rows[1:-1]) == sorted(
        [kid, alg, status] for alg in ("RS256", "ES256") for status, kid in kids(own, alg).items()
    )
    time = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ"
    assert all(re.fullmatch(f"0 {time} {time}", " ".join(row[3:])) for row in rows[1:-1])
    assert " ".join(rows[-1]) == "A key signs for 90 days (keys.rotation_days: 90)."


def test_kid_is_whole_where_lines_are_short(own: Gatehouse) -> None:
    rows = own.run("keys", "list", columns=40).rows

    assert [row[0] for row in rows[1:3]] == [kids(own, alg)["current"] for alg in ("RS256", "ES256")]


def test_list_in_json_says_which_key_of_kms_each_one_is(own: Gatehouse) -> None:
    listed = json.loads(own.run("keys", "list", "--json").out)

    assert [set(one) for one in listed] == [
        {"kid", "alg", "status", "since", "until", "age_days", "key_arn", "rotation_days"}
    ] * 2
    assert [one["key_arn"] for one in listed] == [key.key_arn for key in own.stage.config().keys().keys]


def test_rotation_in_json_says_what_changed_and_what_is_waited_for(own: Gatehouse) -> None:
    said = json.loads(own.run("keys", "rotate", "--json").out)

    assert [change["action"] for change in said["changes"]] == ["create", "create"]
    assert len(said["waits"]) == 2


def test_kid_is_the_thumbprint_of_rfc_7638() -> None:
    # The example of RFC 7638 3.1.
    modulus = (
        "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjh"
        "Mstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvR"
        "L5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqD"
        "Kgw"
    )

    assert thumbprint({"kty": "RSA", "n": modulus, "e": "AQAB"}) == "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"

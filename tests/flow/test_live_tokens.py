"""Introspection and /userinfo of a token whose user has changed since say what holds now. Through HTTP."""

from collections.abc import Callable
from typing import Any

import pytest

from chalicelib.model.user import User
from infra.stage.aws import Stage
from tests.support.calls import calls_of
from tests.support.clients import make_api, make_client
from tests.support.config import document_of
from tests.support.faults import aws_error, failing
from tests.support.fixed import Clock
from tests.support.http import BACKEND, TIMESHEETS, Http
from tests.support.people import PASSWORD, PeopleMaker
from tests.support.tokens import body_of, claims_of

NEW = "quite another passphrase"
INACTIVE = b'{"active":false}'
Change = Callable[[User], Any]


@pytest.fixture(params=["block", "delete", "new password"])
def end(request: pytest.FixtureRequest, people: PeopleMaker) -> Change:
    """Do to a user what an operator does."""
    employees = people.of("employees")
    changes: dict[str, Change] = {
        "block": lambda user: employees.set_blocked(user, True),
        "delete": employees.delete,
        "new password": lambda user: employees.set_password(user, NEW),
    }
    return changes[request.param]


def login(http: Http, user: User, password: str = PASSWORD, **params: str) -> dict[str, Any]:
    given = {"username": user.username, "password": password, "scope": "openid offline_access"}
    return body_of(http.login(**given | params))


def refresh(http: Http, token: str) -> dict[str, Any]:
    return body_of(http.refresh(token))


def lives(http: Http, token: str, client: dict[str, str] = BACKEND) -> bool:
    """Whether a token is live, which introspection and /userinfo agree on."""
    introspected = http.post("/oauth/introspect", data={"token": token, **client})
    userinfo = http.get("/userinfo", headers={"Authorization": f"Bearer {token}"})
    is_live = bool(introspected.json()["active"])
    assert introspected.status_code == 200
    assert is_live or introspected.content == INACTIVE
    assert userinfo.status_code == (200 if is_live else 401)
    return is_live


@pytest.mark.parametrize("audience", [TIMESHEETS, None])
def test_token_is_over_as_soon_as_its_person_is(
    http: Http, people: PeopleMaker, end: Change, audience: str | None
) -> None:
    user = people.make()
    body = http.login(username=user.username, audience=audience, scope="openid").json()
    assert lives(http, body["access_token"])
    end(user)

    assert not lives(http, body["access_token"])


def test_refreshed_token_is_over_as_soon_as_its_person_is(http: Http, people: PeopleMaker, end: Change) -> None:
    user = people.make()
    token = refresh(http, login(http, user)["refresh_token"])["access_token"]
    assert lives(http, token)
    end(user)

    assert not lives(http, token)


def test_api_that_introspects_is_told_too(http: Http, stage: Stage, people: PeopleMaker, end: Change) -> None:
    api = {"client_id": make_client(stage, secret="s"), "client_secret": "s"}
    user, audience = people.make(), make_api(stage, introspection_clients=[api["client_id"]])
    token = login(http, user, audience=audience)["access_token"]
    assert lives(http, token, api)
    end(user)

    assert not lives(http, token, api)


def test_unblocked_persons_token_is_live_again(http: Http, people: PeopleMaker) -> None:
    user, employees = people.make(), people.of("employees")
    token = login(http, user)["access_token"]
    employees.set_blocked(user, True)
    employees.set_blocked(user, False)

    assert lives(http, token)


@pytest.mark.parametrize("ahead_s", [-3600, -0.5, 0, 0.5, 3600], ids=str)
def test_token_before_and_after_a_new_password_are_told_apart_whatever_the_clocks_say(
    http: Http, people: PeopleMaker, clock: Clock, ahead_s: float
) -> None:
    clock.advance(ahead_s)
    user = people.make()
    before = login(http, user)["access_token"]
    people.of("employees").set_password(user, NEW)
    after = login(http, user, NEW)["access_token"]

    assert (lives(http, before), lives(http, after)) == (False, True)
    people.of("employees").set_password(user, f"{NEW} once more")
    assert not lives(http, after)


def test_same_password_again_ends_the_tokens_of_before(http: Http, people: PeopleMaker) -> None:
    user = people.make()
    before = login(http, user)["access_token"]
    people.of("employees").set_password(user, PASSWORD)

    assert not lives(http, before)


def test_family_that_the_tenant_keeps_gives_live_tokens_after_a_new_password(
    http: Http, stage: Stage, people: PeopleMaker
) -> None:
    tenant = document_of(stage, "tenant")
    stage.config().put("tenant", tenant | {"revoke_refresh_tokens_on_password_change": False})
    try:
        user = people.make()
        body = login(http, user)
        people.of("employees").set_password(user, NEW)
    finally:
        stage.config().put("tenant", tenant)

    assert not lives(http, body["access_token"])
    assert lives(http, refresh(http, body["refresh_token"])["access_token"])


@pytest.mark.parametrize("change", ["metadata", "families", "unblock"])
def test_other_changes_end_no_access_token(http: Http, people: PeopleMaker, change: str) -> None:
    user, employees = people.make(), people.of("employees")
    token = login(http, user)["access_token"]
    changes: dict[str, Callable[[], Any]] = {
        "metadata": lambda: employees.users.put_metadata(user, {"app_metadata": {"a": 1}}, 0),
        "families": lambda: employees.end_families(user),
        "unblock": lambda: employees.set_blocked(user, False),
    }
    changes[change]()

    assert lives(http, token)


def test_record_from_before_the_version_compares_the_seconds(
    http: Http, stage: Stage, people: PeopleMaker, clock: Clock
) -> None:
    user = people.make()
    token, table = login(http, user)["access_token"], f"{stage.prefix}users-employees"
    for reset_at, is_live in ((int(clock()) - 1, True), (int(clock()), True), (int(clock()) + 1, False)):
        stage.clients.dynamodb.update_item(
            TableName=table,
            Key={"pk": {"S": f"cred#{user.user_id}"}},
            UpdateExpression="SET last_password_reset = :at REMOVE password_version",
            ExpressionAttributeValues={":at": {"N": str(reset_at)}},
        )
        assert lives(http, token) is is_live


def test_clients_own_token_has_no_person_to_look_up(http: Http, stage: Stage) -> None:
    own = {"client_id": "demo-m2m", "client_secret": "demo-m2m-secret"}
    token = http.token({"grant_type": "client_credentials", "audience": TIMESHEETS, **own}).json()["access_token"]
    http.post("/oauth/introspect", data={"token": token, **own})
    with calls_of(stage) as calls:
        assert http.post("/oauth/introspect", data={"token": token, **own}).json()["active"] is True

    assert calls.made == []


def test_person_is_looked_up_by_one_read_and_only_for_whom_it_concerns(http: Http, stage: Stage) -> None:
    token = http.login().json()["access_token"]
    other = {"client_id": "demo-m2m", "client_secret": "demo-m2m-secret"}
    for client in (BACKEND, other):
        http.post("/oauth/introspect", data={"token": token, **client})
    with calls_of(stage) as calls:
        http.post("/oauth/introspect", data={"token": token, **other})
        assert calls.made == []
        http.post("/oauth/introspect", data={"token": token, **BACKEND})

    assert calls.made == ["GetItem"]


def test_introspection_that_cannot_look_the_person_up_says_so_and_not_inactive(http: Http, stage: Stage) -> None:
    token = http.login().json()["access_token"]
    http.post("/oauth/introspect", data={"token": token, **BACKEND})
    with failing(stage, "GetItem", aws_error("ThrottlingException")):
        response = http.post("/oauth/introspect", data={"token": token, **BACKEND})

    assert (response.status_code, response.json()["error"]) == (503, "temporarily_unavailable")


def test_jti_is_an_opaque_text_of_its_own_in_each_token(http: Http, people: PeopleMaker) -> None:
    user = people.make()
    people.of("employees").set_password(user, NEW)
    jtis = {claims_of(http.login(username=user.username, password=NEW))["jti"] for _ in range(3)}

    assert len(jtis) == 3

"""Roles and permissions in tokens: what policies permit, what the claim says, what a refresh takes away."""

from typing import Any

import jwt
import pytest

from chalicelib.accounts.authorization import Authorizations, RoleCatalog, make_role_id
from chalicelib.model.user import Permission, User
from infra.stage.aws import Stage
from tests.support.clients import make_api, make_client
from tests.support.config import document_of
from tests.support.fixed import Clock
from tests.support.http import Http
from tests.support.people import PASSWORD, PeopleMaker
from tests.support.tokens import claims_in

READ, CREATE, DELETE, APPROVE = ALL = (
    "read:timesheets",
    "create:timesheets",
    "delete:timesheets",
    "approve:timesheets",
)
SECRET = "a secret of the tests"
# In another order than the API's.
EDITOR = {"editor": [CREATE, READ], "boss": [APPROVE]}


def api(stage: Stage, **changes: Any) -> str:
    """Make an API that enforces policies, and whose tokens show permissions."""
    values = {"enforce_policies": True, "token_dialect": "access_token_authz", "role_permissions": EDITOR}
    return make_api(stage, **values | changes)


def login(http: Http, user: User, audience: str, **params: str) -> dict[str, Any]:
    response = http.login(**{"username": user.username, "password": PASSWORD, "audience": audience} | params)
    assert response.status_code == 200, response.text
    answer: dict[str, Any] = response.json()
    return answer


def refresh(http: Http, answer: dict[str, Any], **params: str) -> dict[str, Any]:
    response = http.refresh(answer["refresh_token"], **params)
    assert response.status_code == 200, response.text
    renewed: dict[str, Any] = response.json()
    return renewed


def granted(answer: dict[str, Any]) -> tuple[str, Any]:
    """Return the scope of an answer, which its token has too, and the token's permissions."""
    claims = claims_in(answer["access_token"])
    assert claims["scope"] == answer["scope"]
    return answer["scope"], claims.get("permissions")


@pytest.mark.parametrize(
    ("case", "scope"),
    [
        ((("editor",), ""), f"{READ} {CREATE}"),
        ((("boss", "editor"), ""), f"{READ} {CREATE} {APPROVE}"),
        ((("editor",), f"{APPROVE} {CREATE}"), CREATE),
        ((("editor",), APPROVE), ""),
        ((("editor",), f"openid {APPROVE}"), "openid"),
        ((("unknown",), ""), ""),
        (((), ""), ""),
    ],
)
def test_enforced_api_grants_what_is_asked_and_permitted_in_its_own_order(
    http: Http, stage: Stage, people: PeopleMaker, case: tuple[tuple[str, ...], str], scope: str
) -> None:
    roles, asked = case
    user = people.make(roles=roles)
    answer = login(http, user, api(stage), **({"scope": asked} if asked else {}))

    of_api = [one for one in scope.split() if one != "openid"]
    assert granted(answer) == (scope, of_api)


def test_direct_permission_counts_at_its_own_api_alone(http: Http, stage: Stage, people: PeopleMaker) -> None:
    audience, other = api(stage), api(stage)
    user = people.make(roles=("editor",), permissions=(Permission(audience, DELETE),))

    assert granted(login(http, user, audience)) == (f"{READ} {CREATE} {DELETE}", [READ, CREATE, DELETE])
    assert granted(login(http, user, other)) == (f"{READ} {CREATE}", [READ, CREATE])


@pytest.mark.parametrize(
    ("dialect", "shown"),
    [
        ("access_token", ("JWT", None)),
        ("rfc9068_profile", ("at+jwt", None)),
        ("access_token_authz", ("JWT", [READ, CREATE])),
        ("rfc9068_profile_authz", ("at+jwt", [READ, CREATE])),
    ],
)
def test_claim_stands_in_tokens_of_an_authz_dialect_alone(
    http: Http, stage: Stage, people: PeopleMaker, dialect: str, shown: tuple[str, Any]
) -> None:
    answer = login(http, people.make(roles=("editor",)), api(stage, token_dialect=dialect))

    typ = jwt.get_unverified_header(answer["access_token"])["typ"]
    assert (typ, granted(answer)[1]) == shown


def test_api_that_enforces_nothing_grants_as_ever_and_shows_what_the_person_holds(
    http: Http, stage: Stage, people: PeopleMaker
) -> None:
    audience = api(stage, enforce_policies=False)
    user = people.make(roles=("editor",), permissions=(Permission(audience, DELETE),))

    assert granted(login(http, user, audience)) == (" ".join(ALL), [READ, CREATE, DELETE])
    assert granted(login(http, user, audience, scope=APPROVE)) == (APPROVE, [READ, CREATE, DELETE])


@pytest.mark.parametrize("enforced", [True, False])
def test_machine_has_its_client_grant_as_permissions(http: Http, stage: Stage, enforced: bool) -> None:
    audience = api(stage, enforce_policies=enforced)
    client_id = make_client(
        stage, secret=SECRET, grant_types=["client_credentials"], client_grants={audience: [APPROVE, READ]}
    )
    client = {"client_id": client_id, "client_secret": SECRET}
    answer = http.token({"grant_type": "client_credentials", "audience": audience, **client}).json()

    assert set(answer["scope"].split()) == {READ, APPROVE}
    assert granted(answer)[1] == [READ, APPROVE]


def test_client_with_apis_gets_no_permission_outside_of_them(http: Http, stage: Stage, people: PeopleMaker) -> None:
    for enforced in (True, False):
        audience = api(stage, enforce_policies=enforced)
        apis = [{"audience": audience, "scope": [READ, DELETE]}]
        client = {"client_id": make_client(stage, secret=SECRET, apis=apis), "client_secret": SECRET}
        answer = login(http, people.make(roles=("editor",)), audience, **client)

        assert granted(answer)[1] == [READ]


def test_role_that_is_taken_away_is_gone_at_the_next_refresh_and_one_that_is_given_is_not_gained(
    http: Http, stage: Stage, people: PeopleMaker
) -> None:
    audience = api(stage, allow_offline_access=True)
    for name in ("editor", "boss"):
        stage.config().put(f"role#{make_role_id(name)}", {"name": name, "description": None, "permissions": []})
    user = people.make(roles=("editor",))
    authorizations = Authorizations(people.of("employees").records, RoleCatalog(stage.config()))
    first = login(http, user, audience, scope=f"offline_access {' '.join(ALL)}")
    assert granted(first) == (f"offline_access {READ} {CREATE}", [READ, CREATE])

    authorizations.add_roles(user.user_id, [make_role_id("boss")])
    second = refresh(http, first)
    assert granted(second) == (f"offline_access {READ} {CREATE}", [READ, CREATE])
    assert http.refresh(second["refresh_token"], scope=APPROVE).json()["error"] == "invalid_scope"

    authorizations.remove_roles(user.user_id, [make_role_id("editor")])
    assert granted(refresh(http, second)) == ("offline_access", [])
    assert granted(login(http, user, audience)) == (APPROVE, [APPROVE])


def test_role_that_permits_less_permits_less_at_the_next_refresh(
    http: Http, stage: Stage, people: PeopleMaker, clock: Clock
) -> None:
    audience = api(stage, allow_offline_access=True)
    first = login(http, people.make(roles=("editor",)), audience, scope=f"offline_access {READ} {CREATE}")
    key = f"api#{audience}"
    stage.config().put(key, document_of(stage, key) | {"role_permissions": {"editor": [READ]}})
    clock.advance(61)

    assert granted(refresh(http, first)) == (f"offline_access {READ}", [READ])


def test_introspection_shows_the_permissions(http: Http, stage: Stage, people: PeopleMaker) -> None:
    client = {"client_id": make_client(stage, secret=SECRET), "client_secret": SECRET}
    token = login(http, people.make(roles=("boss",)), api(stage), **client)["access_token"]
    shown = http.post("/oauth/introspect", data={**client, "token": token}).json()

    assert (shown["active"], shown["permissions"]) == (True, [APPROVE])


def test_id_token_and_userinfo_know_no_permissions(http: Http, stage: Stage, people: PeopleMaker) -> None:
    answer = login(http, people.make(roles=("editor",)), api(stage), scope=f"openid profile {READ}")

    assert not {"permissions", "roles"} & set(claims_in(answer["id_token"]))

"""Roles and permissions in tokens: what policies permit, what the claim says, what a refresh takes away."""

from typing import Any

import jwt
import pytest

from chalicelib.accounts.authorization import Authorizations, RoleCatalog, make_role_id
from chalicelib.model.user import Permission
from chalicelib.scopes import OIDC_SCOPES
from infra.stage.aws import Stage
from infra.tenant.checks.token_sizes import token_size
from infra.tenant.schema import Api, Client
from tests.support.clients import make_client
from tests.support.config import document_of
from tests.support.fixed import Clock
from tests.support.http import Http
from tests.support.people import PeopleMaker
from tests.support.roles import ALL, APPROVE, CREATE, DELETE, READ, api, granted, login, refresh
from tests.support.tokens import claims_in

SECRET = "a secret of the tests"


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


def test_longest_token_of_a_role_that_the_tools_compute_is_hardly_longer_than_the_real_one(
    http: Http, stage: Stage, people: PeopleMaker
) -> None:
    audience = api(stage, allow_offline_access=True)
    asked = f"{' '.join(OIDC_SCOPES)} {' '.join(ALL)}"
    first = login(http, people.make(roles=("editor",)), audience, scope=asked)
    token = refresh(http, first)["access_token"]
    document = document_of(stage, f"api#{audience}")
    values = {name: document[name] for name in ("identifier", "name", "scopes", "token_dialect", "enforce_policies")}
    client = Client(client_id="demo-backend", name="x", grant_types=("password",), realms=("employees",))
    computed = token_size(Api.model_validate(values), client, {READ, CREATE})

    assert 0 <= computed - len(token.rpartition(".")[0]) <= 200

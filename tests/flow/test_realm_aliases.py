"""Realms by other names, and the realm that grant_type=password ignores: through HTTP."""

from collections.abc import Iterator

import pytest
from typer.testing import CliRunner

from chalicelib import wiring
from infra.cli.main import app
from infra.stage.attacks import Attacks
from infra.stage.aws import Stage
from infra.stage.people import People
from infra.stage.provision import apply
from infra.tenant.schema import TenantFile
from tests.support.calls import calls_of
from tests.support.config import document_of
from tests.support.fixed import BCRYPT_COST
from tests.support.http import Http, visible_parts
from tests.support.stages import client_of, provision_stage
from tests.support.tokens import claims_of

AUTH0S = "Username-Password-Authentication"
WARNING = "realm is ignored beside grant_type=password, which logs in at the tenant's default_directory."


def with_aliases(demo: TenantFile, **aliases: tuple[str, ...]) -> TenantFile:
    realms = [realm.model_copy(update={"aliases": aliases.get(realm.name, ())}) for realm in demo.realms]
    return demo.model_copy(update={"realms": tuple(realms)})


@pytest.fixture(scope="module")
def aliased(stage: Stage, demo: TenantFile) -> Stage:
    return provision_stage("aliased", with_aliases(demo, employees=(AUTH0S, "staff"), partners=("friends",)))


@pytest.fixture
def http(aliased: Stage, externals: wiring.Externals) -> Iterator[Http]:
    with client_of(aliased, externals) as client:
        yield client


@pytest.mark.parametrize("realm", [AUTH0S, "staff", "employees"])
def test_realm_is_taken_by_its_name_and_by_each_alias(http: Http, realm: str) -> None:
    answer = http.realm_login(realm)

    assert answer.status_code == 200
    assert claims_of(answer)["sub"].startswith("employees|")
    assert http.log[-1]["realm"] == "employees"


@pytest.mark.parametrize("realm", [AUTH0S.lower(), f"{AUTH0S} ", "friends", "partners", "nowhere", "../employees"])
def test_realm_that_the_client_lacks_or_nobody_has_is_answered_alike(http: Http, aliased: Stage, realm: str) -> None:
    http.realm_login("nowhere")
    with calls_of(aliased) as calls:
        answer = http.realm_login(realm)

    assert answer.json()["error_description"] == "Unknown realm."
    assert visible_parts(answer) == visible_parts(http.realm_login("another"))
    assert calls.made == []


def test_alias_costs_no_call_more(http: Http, aliased: Stage) -> None:
    http.realm_login("employees")
    with calls_of(aliased) as calls:
        http.realm_login(AUTH0S)

    assert len(calls.made) == 5


def test_tools_take_an_alias_for_the_realm(http: Http, aliased: Stage) -> None:
    for _ in range(2):
        http.realm_login(AUTH0S, username="tried here alone", password="wrong")

    assert People.of(aliased, AUTH0S, BCRYPT_COST).realm.name == "employees"
    assert [row.failed for row in Attacks(aliased).of_user(AUTH0S, "tried here alone")] == [2, 2]
    Attacks(aliased).unblock_user(AUTH0S, "tried here alone")
    assert Attacks(aliased).of_user("employees", "tried here alone") == []


def test_tokens_of_a_realm_are_revoked_by_its_alias(http: Http, aliased: Stage) -> None:
    token = http.realm_login("employees", scope="offline_access").json()["refresh_token"]
    ran = CliRunner().invoke(app, ["tokens", "revoke", "--realm", AUTH0S, "--stage", aliased.name])

    assert (ran.exit_code, ran.stdout) == (0, "Ended all refresh tokens of employees.\n")
    assert http.refresh(token).status_code == 400


def test_alias_of_a_realm_that_left_the_file_stays_until_it_is_pruned(stage: Stage, demo: TenantFile) -> None:
    whole = with_aliases(demo, employees=("one",), partners=("two", "three"))
    leaving = provision_stage("leaving", whole)
    fewer = with_aliases(demo, employees=("one", "three", "partners"))
    fewer = fewer.model_copy(update={"realms": tuple(realm for realm in fewer.realms if realm.name != "partners")})
    apply(leaving, fewer)
    kept = document_of(leaving, "tenant")["realm_aliases"]
    again = apply(leaving, fewer, dry_run=True).changes
    apply(leaving, fewer, prune=True)

    assert kept == {"one": "employees", "two": "partners", "three": "employees"}
    assert {change.action for change in again} == {"keep"}
    pruned = document_of(leaving, "tenant")["realm_aliases"]
    assert pruned == {"one": "employees", "three": "employees", "partners": "employees"}


@pytest.mark.parametrize("realm", ["customers", "employees", AUTH0S, "nowhere"])
@pytest.mark.parametrize("password", [None, "wrong"])
def test_realm_beside_the_password_grant_is_ignored_and_the_log_says_so(
    http: Http, realm: str, password: str | None
) -> None:
    without = http.login(**{"password": password} if password else {})
    answer = http.login(realm=realm, **{"password": password} if password else {})

    assert answer.status_code == without.status_code
    assert "warnings" not in http.log[-2]
    assert http.log[-1]["warnings"] == [WARNING]


def test_realm_of_the_realm_grant_is_no_warning(http: Http) -> None:
    http.realm_login("employees")

    assert "warnings" not in http.log[-1]

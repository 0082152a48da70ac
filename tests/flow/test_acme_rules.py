"""The example rules in real logins: what a client and its API get of each."""

from collections.abc import Iterator

import pytest

from chalicelib import wiring
from examples.acme_rules import RULES
from infra.rules.settings import settings_of
from infra.stage.aws import Stage
from infra.tenant.schema import TenantFile
from tests.support.http import BACKEND, TIMESHEETS, Http
from tests.support.people import PASSWORD, PeopleMaker
from tests.support.rules import client_with_rules
from tests.support.stages import provision_stage
from tests.support.tokens import claims_in

ROLES = "https://acme.example.com/roles"
CLOSED = "mon-sun 00:00-00:00"


@pytest.fixture
def acme(stage: Stage, externals: wiring.Externals) -> Iterator[Http]:
    """A client of the handler that runs the example rules."""
    with client_with_rules(stage, externals, *RULES) as http:
        yield http


def with_metadata(demo: TenantFile, **metadata: str) -> TenantFile:
    """Return the demo tenant with this metadata on demo-backend."""
    clients = [
        client.model_copy(update={"client_metadata": metadata}) if client.client_id == "demo-backend" else client
        for client in demo.clients
    ]
    return demo.model_copy(update={"clients": tuple(clients)})


def test_roles_are_in_both_tokens(acme: Http) -> None:
    answer = acme.login(scope="openid").json()
    assert [claims_in(answer[token])[ROLES] for token in ("access_token", "id_token")] == [["manager"]] * 2


def test_unverified_email_is_denied(acme: Http, people: PeopleMaker) -> None:
    user = people.make(email_verified=False)
    answer = acme.login(username=user.username, password=PASSWORD)
    assert answer.status_code == 403
    assert answer.json() == {"error": "access_denied", "error_description": "Please verify your email address."}


@pytest.mark.parametrize(
    ("roles", "scope"),
    [
        (["manager"], "read:timesheets create:timesheets approve:timesheets"),
        (["admin"], "read:timesheets create:timesheets delete:timesheets"),
        ([], "read:timesheets create:timesheets"),
    ],
)
def test_scopes_are_those_of_the_roles(acme: Http, people: PeopleMaker, roles: list[str], scope: str) -> None:
    user = people.make(email_verified=True, app_metadata={"roles": roles})
    answer = acme.login(username=user.username, password=PASSWORD).json()
    assert answer["scope"] == claims_in(answer["access_token"])["scope"] == scope


def test_first_client_is_remembered_and_kept_at_a_refresh(acme: Http, people: PeopleMaker) -> None:
    user = people.make(email_verified=True)
    login = {"username": user.username, "password": PASSWORD}
    answer = acme.login(**login, scope="offline_access", **BACKEND).json()
    native = {"client_id": "demo-native", "client_secret": None}
    assert acme.login(**login | native).status_code == 200
    refreshed = acme.refresh(answer["refresh_token"])
    assert refreshed.status_code == 200
    assert people.of("employees").find(user.user_id).app_metadata == {"first_client": "demo-backend"}


def test_address_outside_of_the_clients_list_is_denied(
    demo: TenantFile, stage: Stage, externals: wiring.Externals
) -> None:
    own = provision_stage("acme-addresses", with_metadata(demo, allowed_addresses="192.0.2.0/24"))
    statuses = []
    for ip in ("192.0.2.7", "198.51.100.7"):
        with client_with_rules(own, externals, *RULES, ip=ip) as http:
            statuses.append(http.login().status_code)
    assert statuses == [200, 403]


def test_closed_office_is_open_to_those_on_duty(demo: TenantFile, stage: Stage, externals: wiring.Externals) -> None:
    own = provision_stage("acme-hours", with_metadata(demo, office_hours=CLOSED))
    with client_with_rules(own, externals, *RULES) as http:
        denied = http.login()
    settings_of(own).write({"ON_DUTY": "alice@example.com"})
    with client_with_rules(own, externals, *RULES) as http:
        assert (denied.status_code, http.login().status_code) == (403, 200)
    assert denied.json()["error_description"] == "This application can be used in office hours alone."


def test_second_factor_is_asked_where_the_client_requires_it_and_not_at_a_refresh(
    demo: TenantFile, stage: Stage, externals: wiring.Externals
) -> None:
    own = provision_stage("acme-mfa", with_metadata(demo, mfa="required"))
    with client_with_rules(own, externals) as http:
        token = http.login(scope="offline_access").json()["refresh_token"]
    with client_with_rules(own, externals, *RULES) as http:
        assert http.login(audience=TIMESHEETS).status_code != 200
        assert http.refresh(token).status_code == 200

"""Auth0's password-realm grant, and realms in general, through HTTP."""

from collections.abc import Iterator

import httpx
import jwt
import pytest

from chalicelib import wiring
from infra.stage.aws import Stage
from infra.tenant.schema import TenantFile
from tests.support.calls import calls_of
from tests.support.clients import make_client
from tests.support.fixed import Hashes
from tests.support.http import ALICE, PASSWORD_REALM, Http
from tests.support.people import PASSWORD, PeopleMaker
from tests.support.stages import client_of, provision_stage

UNKNOWN_REALM = {"error": "invalid_request", "error_description": "Unknown realm."}
WRONG = {"error": "invalid_grant", "error_description": "Wrong email or password."}
ALICE_CUSTOMER = {"username": "alice@example.com", "password": "a different directory"}


def sub_of(response: httpx.Response) -> str:
    """Return the sub of a response's access token."""
    assert response.status_code == 200
    return str(jwt.decode(response.json()["access_token"], options={"verify_signature": False})["sub"])


def test_realm_of_the_request_is_searched(http: Http, people: PeopleMaker) -> None:
    user = people.make("customers")

    assert sub_of(http.realm_login("customers", username=user.email, password=PASSWORD)) == user.user_id


def test_same_email_in_two_realms_is_two_people(http: Http) -> None:
    employee = sub_of(http.realm_login("employees", username="alice@example.com"))
    customer = sub_of(http.realm_login("customers", **ALICE_CUSTOMER))

    assert employee.startswith("employees|")
    assert customer.startswith("customers|")


def test_password_of_one_realm_opens_no_other(http: Http) -> None:
    assert http.realm_login("customers", username="alice@example.com").json() == WRONG
    assert http.realm_login("employees", **ALICE_CUSTOMER).json() == WRONG


def test_grant_gives_what_the_password_grant_gives(http: Http) -> None:
    by_realm, by_default = http.realm_login("employees"), http.login()

    assert sub_of(by_realm) == sub_of(by_default)
    assert {**by_realm.json(), "access_token": ""} == {**by_default.json(), "access_token": ""}


@pytest.mark.parametrize("realm", [None, ""])
def test_missing_realm_is_an_invalid_request(http: Http, hashes: Hashes, realm: str | None) -> None:
    response = http.realm_login(realm)

    assert (response.status_code, response.json()) == (
        400,
        {"error": "invalid_request", "error_description": "Missing required parameter: realm"},
    )
    assert hashes.count == 0


def test_unknown_realm_is_an_invalid_request(http: Http, hashes: Hashes) -> None:
    response = http.realm_login("nowhere")

    assert (response.status_code, response.json()) == (400, UNKNOWN_REALM)
    assert hashes.count == 0


def test_realm_that_is_not_enabled_answers_the_same_bytes_as_an_unknown_one(
    http: Http, people: PeopleMaker, hashes: Hashes
) -> None:
    partner = people.make("partners")

    disabled = http.realm_login("partners", username=partner.email, password=PASSWORD)
    unknown = http.realm_login("nowhere", username=partner.email, password=PASSWORD)

    assert disabled.status_code == unknown.status_code == 400
    assert disabled.content == unknown.content
    assert hashes.count == 0


def test_realm_is_enabled_for_each_client_by_itself(http: Http, stage: Stage, people: PeopleMaker) -> None:
    partner = people.make("partners")
    client_id = make_client(stage, secret="a secret", realms=["partners"])
    client = {"client_id": client_id, "client_secret": "a secret"}

    assert sub_of(http.realm_login("partners", username=partner.email, password=PASSWORD, **client)) == partner.user_id
    assert http.realm_login("employees", **client).json() == UNKNOWN_REALM
    assert http.login(**client).json() == UNKNOWN_REALM


@pytest.mark.parametrize("realm", ["customers", "partners", "nowhere", "../"])
def test_realm_beside_the_password_grant_is_ignored(http: Http, realm: str) -> None:
    assert sub_of(http.login(realm=realm)).startswith("employees|")


@pytest.fixture(scope="module")
def without_default(stage: Stage, demo: TenantFile) -> Stage:
    """A stage whose tenant has no default directory."""
    return provision_stage("nodefault", demo, default_directory=None)


@pytest.fixture
def undirected(without_default: Stage, externals: wiring.Externals) -> Iterator[Http]:
    with client_of(without_default, externals) as client:
        yield client


@pytest.mark.parametrize("realm", [None, "employees"])
def test_password_grant_without_a_default_directory_is_refused(
    undirected: Http, hashes: Hashes, realm: str | None
) -> None:
    response = undirected.login(realm=realm)

    assert (response.status_code, response.json()) == (
        400,
        {
            "error": "invalid_request",
            "error_description": "Authorization server not configured with default connection.",
        },
    )
    assert hashes.count == 0


def test_realm_grant_needs_no_default_directory(undirected: Http) -> None:
    assert undirected.realm_login("employees").status_code == 200


def test_namesakes_in_two_realms_are_locked_out_each_by_itself(http: Http, people: PeopleMaker) -> None:
    email = "namesake@example.com"
    customer = people.make("customers", email=email)
    people.make("employees", username="namesake", email=email)

    locked = [http.realm_login("employees", username=email, password="guess").status_code for _ in range(11)]

    assert locked == [400] * 10 + [429]
    assert http.realm_login("employees", username=email, password=PASSWORD).status_code == 429
    assert sub_of(http.realm_login("customers", username=email, password=PASSWORD)) == customer.user_id


def test_unknown_namesakes_in_two_realms_are_locked_out_each_by_itself(http: Http) -> None:
    locked = [http.realm_login("employees", username="none@example.com", password="x").status_code for _ in range(11)]

    assert locked == [400] * 10 + [429]
    assert http.realm_login("customers", username="none@example.com").json() == WRONG


ODD_REALMS = {
    "parent": "../",
    "parent of a name": "../employees",
    "encoded": "%2f",
    "encoded twice": "%252e%252e%252f",
    "prefix": "users-employees",
    "table": "gatehouse-test-users-employees",
    "key": "realm#employees",
    "case": "EMPLOYEES",
    "space": " employees",
    "NUL": "employees\x00",
    "fullwidth": "\uff45mployees",
    "two": "employees,customers",
    "wildcard": "*",
    "long": "e" * 5000,
    "hostile": 'x"\\\r\n<b>',
}


@pytest.mark.parametrize("realm", ODD_REALMS.values(), ids=ODD_REALMS)
def test_odd_realm_name_is_unknown_and_names_no_table(http: Http, stage: Stage, hashes: Hashes, realm: str) -> None:
    # Warm: the client and the API are known, so that any call below were for the realm.
    http.realm_login("employees")
    warm = hashes.count

    with calls_of(stage) as calls:
        response = http.realm_login(realm)

    assert (response.status_code, response.json()) == (400, UNKNOWN_REALM)
    assert calls.made == []
    assert hashes.count == warm


@pytest.mark.parametrize(
    "grant_type",
    [
        PASSWORD_REALM.upper(),
        PASSWORD_REALM.replace("http", "HTTP", 1),
        PASSWORD_REALM.replace("password-realm", "Password-Realm"),
        f"{PASSWORD_REALM}/",
        f"{PASSWORD_REALM}#",
        f" {PASSWORD_REALM}",
        PASSWORD_REALM.replace("http:", "https:"),
        "Password",
        "password ",
        "password-realm",
    ],
)
def test_grant_type_off_by_a_character_is_unsupported(http: Http, hashes: Hashes, grant_type: str) -> None:
    response = http.login(realm="employees", grant_type=grant_type)

    assert response.status_code == 400
    assert response.json() == {
        "error": "unsupported_grant_type",
        "error_description": f"Unsupported grant type: {grant_type}",
    }
    assert hashes.count == 0


def test_unknown_user_and_wrong_password_answer_the_same_bytes_in_a_realm(http: Http, hashes: Hashes) -> None:
    wrong = http.realm_login("customers", username="bob@example.com", password="wrong")
    unknown = http.realm_login("customers", username="rob@example.com", password="wrong")

    assert wrong.json() == WRONG
    assert wrong.content == unknown.content
    assert hashes.count == 2


def test_username_is_no_identifier_where_the_realm_takes_emails_alone(http: Http, people: PeopleMaker) -> None:
    user = people.make("customers", username="only-by-email", email="only-by-email@example.com")

    assert http.realm_login("customers", username=user.username, password=PASSWORD).json() == WRONG
    assert http.realm_login("customers", username=user.email, password=PASSWORD).status_code == 200


def test_log_names_the_realm_that_was_searched_and_no_other(http: Http) -> None:
    http.realm_login("customers", **ALICE_CUSTOMER)
    http.realm_login("partners", **ALICE)

    searched, refused = http.log
    assert searched["realm"] == "customers"
    assert "realm" not in refused

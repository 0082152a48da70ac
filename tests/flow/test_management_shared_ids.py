"""People of the Management API whose id several realms have, and queries without a value."""

from dataclasses import replace

import pytest

from chalicelib.accounts.authorization import make_role_id
from chalicelib.store.people.user_records import UserRecords
from infra.stage.aws import Stage
from tests.support.management import Backend, refusal
from tests.support.people import PeopleMaker

REALMS = ("customers", "employees")


@pytest.fixture
def shared(stage: Stage, people: PeopleMaker) -> str:
    """The user_id of two people, who were imported into two realms."""
    shared = ""
    for realm in REALMS:
        made = people.make(realm)
        shared = shared or f"auth0|shared{made.email.partition('@')[0]}"
        store = UserRecords(stage.dynamo, f"{stage.prefix}users-{realm}")
        store.delete(made)
        store.create(replace(made, user_id=shared))
    return shared


@pytest.mark.parametrize(
    "query",
    [
        'identities.connection:""',
        'identities.connection:" "',
        'email:""',
        'username:""',
        'user_id:""',
        'email:"a@example.com" AND identities.connection:""',
    ],
)
def test_empty_value_of_a_query_is_400_and_lists_nobody(backend: Backend, query: str) -> None:
    assert refusal(backend.send("GET", "/users", params={"q": query})) == (400, "invalid_query_string")


def test_query_for_an_id_of_several_realms_finds_each(backend: Backend, shared: str) -> None:
    found = backend.get("/users", q=f'user_id:"{shared}"')
    one = backend.get("/users", q=f'user_id:"{shared}" AND identities.connection:"customers"')
    other = backend.get("/users", q=f'user_id:"{shared}"', connection="employees")

    assert [entry["identities"][0]["connection"] for entry in found] == [*REALMS]
    assert [[entry["identities"][0]["connection"] for entry in page] for page in (one, other)] == [
        ["customers"],
        ["employees"],
    ]


@pytest.mark.parametrize(
    "path",
    ["/tickets/password-change", "/tickets/email-verification", "/jobs/verification-email", "/roles/{role}/users"],
)
def test_connection_names_the_realm_of_an_id_in_a_body(
    backend: Backend, stage: Stage, people: PeopleMaker, shared: str, path: str
) -> None:
    role_id = make_role_id("shared-role")
    stage.config().put(f"role#{role_id}", {"name": "shared-role", "description": None, "permissions": []})
    body = {"users": [shared]} if "{role}" in path else {"user_id": shared}
    where = path.format(role=role_id)

    refused = backend.send("POST", where, json=body)
    unknown = backend.send("POST", where, json=body, params={"connection": "nowhere"})
    taken = backend.send("POST", where, json=body, params={"connection": "customers"})

    assert refusal(refused) == (409, "auth0_idp_error")
    assert refusal(unknown) == (404, "inexistent_user")
    assert taken.status_code in (201, 204), taken.text
    roles = [people.of(realm).find(shared).roles for realm in REALMS]
    assert roles == [("shared-role",) if "{role}" in path else (), ()]

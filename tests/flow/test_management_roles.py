"""Roles and permissions of people through the Management API (contract.md, "Management API")."""

import pytest

from chalicelib.accounts.authorization import make_role_id
from chalicelib.model.user import Permission
from infra.stage.aws import Stage
from tests.support.calls import calls_of
from tests.support.http import TIMESHEETS, Http
from tests.support.management import Backend, refusal
from tests.support.people import PeopleMaker
from tests.support.roles import CREATE, READ, api, granted, login

ROLE = make_role_id("managed")
READS = {"resource_server_identifier": TIMESHEETS, "permission_name": "read:timesheets"}
UNKNOWN = {"resource_server_identifier": TIMESHEETS, "permission_name": "fly:timesheets"}


@pytest.fixture(autouse=True)
def role(stage: Stage) -> None:
    """A role that the stage has."""
    permissions = [{"api": TIMESHEETS, "value": "approve:timesheets"}]
    document = {"name": "managed", "description": "Of this test", "permissions": permissions}
    stage.config().put(f"role#{ROLE}", document)


def test_roles_of_the_stage_are_read(backend: Backend) -> None:
    assert {"id": ROLE, "name": "managed", "description": "Of this test"} in backend.get("/roles")
    assert backend.get(f"/roles/{ROLE}")["name"] == "managed"
    (permission,) = backend.get(f"/roles/{ROLE}/permissions")
    assert permission == {
        "resource_server_identifier": TIMESHEETS,
        "resource_server_name": "Timesheets",
        "permission_name": "approve:timesheets",
        "description": "Approve timesheets",
    }
    assert refusal(backend.send("GET", "/roles/rol_0000000000000000")) == (404, "not_found")


def test_roles_of_a_person_are_given_and_taken_away(backend: Backend, people: PeopleMaker) -> None:
    path = f"/users/{people.make().user_id}/roles"

    assert backend.get(path) == []
    assert backend.send("POST", path, json={"roles": [ROLE]}).status_code == 204
    assert [one["id"] for one in backend.get(path)] == [ROLE]
    assert backend.get(path, include_totals="true")["total"] == 1
    assert backend.send("DELETE", path, json={"roles": [ROLE]}).status_code == 204
    assert backend.get(path) == []


def test_permissions_of_a_person_say_where_they_come_from(backend: Backend, people: PeopleMaker) -> None:
    user_id = people.make().user_id
    path = f"/users/{user_id}/permissions"
    assert backend.send("POST", path, json={"permissions": [READS]}).status_code == 204
    assert backend.send("POST", f"/roles/{ROLE}/users", json={"users": [user_id]}).status_code == 204

    held = {one["permission_name"]: [source["source_type"] for source in one["sources"]] for one in backend.get(path)}
    assert held == {"approve:timesheets": ["ROLE"], "read:timesheets": ["DIRECT"]}
    assert backend.send("DELETE", path, json={"permissions": [READS]}).status_code == 204
    assert [one["permission_name"] for one in backend.get(path)] == ["approve:timesheets"]


def test_people_who_have_a_role_are_listed_page_by_page(backend: Backend, people: PeopleMaker) -> None:
    users = [people.make(roles=("managed",)), people.make("customers", roles=("managed",))]
    other, found, query = people.make(roles=("manage",)), list[dict[str, str]](), {"take": "50"}
    while query:
        page = backend.get(f"/roles/{ROLE}/users", **query)
        found += page["users"]
        query = {"take": "50", "from": page["next"]} if "next" in page else {}
    ids = [one["user_id"] for one in found]

    assert {user.user_id for user in users} <= set(ids)
    assert other.user_id not in ids
    assert len(ids) == len(set(ids))
    assert set(found[0]) == {"user_id", "email", "name", "picture"}
    assert backend.send("GET", "/roles/rol_0000000000000000/users").status_code == 404


def test_roles_of_a_person_are_those_that_tokens_have(backend: Backend, http: Http, people: PeopleMaker) -> None:
    user = people.make()
    audience = api(people.stage, role_permissions={"managed": [CREATE, READ]})
    assert granted(login(http, user, audience)) == ("", [])
    backend.send("POST", f"/users/{user.user_id}/roles", json={"roles": [ROLE]})
    assert granted(login(http, user, audience)) == (f"{READ} {CREATE}", [READ, CREATE])
    backend.send("DELETE", f"/users/{user.user_id}/roles", json={"roles": [ROLE]})

    assert granted(login(http, user, audience)) == ("", [])


def test_unknown_roles_permissions_and_people_are_404(backend: Backend, people: PeopleMaker) -> None:
    path = f"/users/{people.make().user_id}"
    answers = [
        backend.send("POST", f"{path}/roles", json={"roles": ["rol_0000000000000000"]}),
        backend.send("POST", f"{path}/permissions", json={"permissions": [UNKNOWN]}),
        backend.send("POST", f"/roles/{ROLE}/users", json={"users": ["employees|nobody"]}),
        backend.send("GET", "/users/employees|nobody/roles"),
    ]

    assert [answer.status_code for answer in answers] == [404] * 4


@pytest.mark.parametrize("method", ["POST", "DELETE"])
@pytest.mark.parametrize(
    "member",
    [
        ("roles", "rol_0000000000000000"),
        ("roles", ""),
        # Longer than a key of DynamoDB may be.
        ("roles", "rol_" + "0" * 3_000),
        ("permissions", UNKNOWN),
        ("permissions", {**UNKNOWN, "resource_server_identifier": "https://nowhere.example.com/" + "0" * 3_000}),
    ],
    ids=str,
)
def test_role_or_permission_that_the_stage_lacks_is_404_to_take_too(
    stage: Stage, backend: Backend, people: PeopleMaker, method: str, member: tuple[str, object]
) -> None:
    kind, entry = member
    path = f"/users/{people.make().user_id}/{kind}"
    with calls_of(stage) as calls:
        answer = backend.send(method, path, json={kind: [entry]})

    assert refusal(answer) == (404, "not_found")
    assert "0" * 2_000 not in str(calls.parameters)


def test_role_and_permission_that_left_the_stage_are_taken_away(backend: Backend, people: PeopleMaker) -> None:
    gone = Permission("https://gone.example.com", "read:gone")
    user = people.make(roles=("gone",), permissions=(gone,))
    path = f"/users/{user.user_id}"
    named = {"resource_server_identifier": gone.api, "permission_name": gone.value}

    assert backend.send("DELETE", f"{path}/roles", json={"roles": [make_role_id("gone")]}).status_code == 204
    assert backend.send("DELETE", f"{path}/permissions", json={"permissions": [named]}).status_code == 204
    after = people.of("employees").find(user.user_id)
    assert (after.roles, after.permissions) == ((), ())


def test_log_names_what_was_given_and_taken_and_to_whom(backend: Backend, people: PeopleMaker) -> None:
    users = [people.make(), people.make("customers")]
    ids, path = [user.user_id for user in users], f"/users/{users[0].user_id}"
    backend.send("POST", f"/roles/{ROLE}/users", json={"users": ids})
    backend.send("DELETE", f"{path}/roles", json={"roles": [ROLE]})
    backend.send("POST", f"{path}/permissions", json={"permissions": [READS]})
    backend.send("DELETE", f"{path}/permissions", json={"permissions": [READS]})
    lines = [line for line in backend.http.log if line.get("event") == "sapi"]

    assert [(line["user"], line["action"].partition(": ")[2]) for line in lines] == [
        (", ".join(ids), ROLE),
        (ids[0], ROLE),
        (ids[0], f"read:timesheets of {TIMESHEETS}"),
        (ids[0], f"read:timesheets of {TIMESHEETS}"),
    ]
    assert lines[0]["realm"] == "employees, customers"


def test_log_names_who_got_a_role_before_a_change_failed(backend: Backend, people: PeopleMaker, stage: Stage) -> None:
    full = tuple(Permission(TIMESHEETS, f"{number}" * 20) for number in range(28))
    first, second = people.make(), people.make(permissions=full)
    answer = backend.send("POST", f"/roles/{ROLE}/users", json={"users": [first.user_id, second.user_id]})

    assert refusal(answer) == (400, "invalid_body")
    line = backend.http.log[-1]
    assert (line["event"], line["user"]) == ("fapi", first.user_id)


@pytest.mark.parametrize("body", [{}, {"roles": []}, {"roles": "x"}, {"roles": [1]}, {"roles": [ROLE], "x": 1}])
def test_malformed_body_is_400(backend: Backend, people: PeopleMaker, body: dict[str, object]) -> None:
    answer = backend.send("POST", f"/users/{people.make().user_id}/roles", json=body)

    assert refusal(answer) == (400, "invalid_body")


@pytest.mark.parametrize(
    ("method", "path", "scope"),
    [
        ("GET", "/roles", "read:users"),
        ("GET", "/users/x/roles", "read:roles"),
        ("POST", "/users/x/roles", "read:users"),
        ("DELETE", "/users/x/permissions", "read:users"),
        ("POST", "/roles/x/users", "update:users"),
        ("GET", "/roles/x/users", "read:users"),
    ],
)
def test_other_scope_is_403(stage: Stage, backend: Backend, method: str, path: str, scope: str) -> None:
    assert refusal(Backend.of(stage, backend.http, [scope]).send(method, path)) == (403, "insufficient_scope")

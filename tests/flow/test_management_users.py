"""People through the Management API (contract.md, "Management API")."""

import json
from typing import Any

import pytest

from infra.stage.aws import Stage
from tests.support.faults import before
from tests.support.http import Http
from tests.support.management import Backend, refusal
from tests.support.people import PASSWORD, PeopleMaker

NEW = {"connection": "customers", "email": "New.Person@example.com", "password": "quiet words at 753"}


def made(backend: Backend, **members: Any) -> dict[str, Any]:
    """Make a person, and return the answer."""
    answer = backend.send("POST", "/users", json=NEW | members)
    assert answer.status_code == 201, answer.text
    body: dict[str, Any] = answer.json()
    return body


def patched(backend: Backend, user_id: str, **members: Any) -> dict[str, Any]:
    answer = backend.send("PATCH", f"/users/{user_id}", json=members)
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


def can_log_in(http: Http, realm: str, username: str, password: str) -> bool:
    return http.realm_login(realm, username=username, password=password).status_code == 200


def test_person_is_made_and_read_and_logs_in(backend: Backend) -> None:
    body = made(backend, email="made@example.com", given_name="M", user_metadata={"plan": "free"})

    assert body["user_id"].startswith("customers|")
    assert (body["email"], body["email_verified"], body["blocked"]) == ("made@example.com", False, False)
    assert (body["given_name"], body["user_metadata"], body["app_metadata"]) == ("M", {"plan": "free"}, {})
    assert body["created_at"] == body["updated_at"]
    assert body["created_at"].endswith("Z")
    (identity,) = body["identities"]
    assert identity == {
        "connection": "customers",
        "provider": "auth0",
        "user_id": body["user_id"].partition("|")[2],
        "isSocial": False,
    }
    assert backend.get(f"/users/{body['user_id']}") == body
    assert can_log_in(backend.http, "customers", "made@example.com", NEW["password"])
    seen = backend.get(f"/users/{body['user_id']}")
    assert (seen["logins_count"], seen["last_ip"]) == (1, backend.http.source_ip)
    assert "last_login" in seen


def test_no_answer_and_no_log_line_has_a_password_or_a_hash(backend: Backend) -> None:
    body = made(backend, email="secret@example.com")
    changed = patched(backend, body["user_id"], password="other quiet words 358", app_metadata={"k": "hidden value"})
    told = json.dumps([body, changed, backend.get(f"/users/{body['user_id']}"), backend.http.log])

    assert "$2b$" not in told
    assert NEW["password"] not in told
    assert "hidden value" not in json.dumps(backend.http.log)


def test_change_leaves_a_log_line_with_who_what_and_whom(backend: Backend) -> None:
    user_id = made(backend, email="logged@example.com")["user_id"]
    patched(backend, user_id, nickname="N", app_metadata={"k": 1})
    backend.send("DELETE", f"/users/{user_id}")
    lines = [line for line in backend.http.log if line.get("event") == "sapi"]

    assert [line["action"] for line in lines] == [
        "POST /api/v2/users",
        "PATCH /api/v2/users/{id}: app_metadata, nickname",
        "DELETE /api/v2/users/{id}",
    ]
    assert {(line["client_id"], line["realm"], line["user"]) for line in lines} == {
        (backend.client["client_id"], "customers", user_id)
    }


@pytest.mark.parametrize("email", ["taken@example.com", " TAKEN@example.com ", "Taken@EXAMPLE.com"])
def test_taken_email_is_409(backend: Backend, people: PeopleMaker, email: str) -> None:
    if not backend.get("/users-by-email", email="taken@example.com"):
        people.make("customers", email="taken@example.com")

    answer = backend.send("POST", "/users", json=NEW | {"email": email})
    assert refusal(answer) == (409, "auth0_idp_error")
    assert answer.json()["message"] == "The user already exists."


def test_own_user_id_stands_behind_the_realms_name_once(backend: Backend) -> None:
    body = made(backend, email="own-id@example.com", user_id="own.id-1")
    again = backend.send("POST", "/users", json=NEW | {"email": "other-id@example.com", "user_id": "own.id-1"})

    assert body["user_id"] == "customers|own.id-1"
    assert refusal(again) == (409, "auth0_idp_error")


@pytest.mark.parametrize(
    ("members", "named"),
    [
        ({"unknown": 1}, "unknown is unknown."),
        ({"email": 5}, "email"),
        ({"email_verified": "true"}, "email_verified"),
        ({"blocked": None}, "blocked"),
        ({"app_metadata": []}, "app_metadata"),
        ({"user_id": "a|b"}, "user_id"),
        ({"user_id": ""}, "user_id"),
        # A path that is decoded once too often would name somebody else.
        ({"user_id": "a%41"}, "user_id"),
        ({"connection": "nowhere"}, "connection"),
        ({"connection": None}, "connection"),
        ({"email": "no address"}, "email"),
        ({"email": None}, "needs: email"),
        ({"picture": "javascript:1"}, "picture"),
        ({"phone_number": "1"}, "phone_number"),
        ({"name": "a\nb"}, "name"),
    ],
)
def test_malformed_person_is_400_with_a_sentence_that_names_the_member(
    backend: Backend, members: dict[str, Any], named: str
) -> None:
    answer = backend.send("POST", "/users", json=NEW | {"email": "bad@example.com"} | members)

    assert refusal(answer) == (400, "invalid_body")
    assert named in answer.json()["message"]


def test_each_fault_of_a_body_has_a_sentence(backend: Backend) -> None:
    answer = backend.send("POST", "/users", json={"email": 1, "x": 2})

    assert refusal(answer) == (400, "invalid_body")
    assert answer.json()["message"].count(".") == 3
    assert all(name in answer.json()["message"] for name in ("email", "x is unknown.", "connection is missing."))


def test_weak_password_is_400_and_changes_nothing(backend: Backend) -> None:
    user_id = made(backend, email="weak@example.com")["user_id"]
    before = backend.get(f"/users/{user_id}")
    tried = [
        backend.send("POST", "/users", json=NEW | {"email": "weak2@example.com", "password": "short"}),
        backend.send("PATCH", f"/users/{user_id}", json={"password": "short", "nickname": "N", "blocked": True}),
    ]

    assert [refusal(answer) for answer in tried] == [(400, "invalid_password")] * 2
    assert backend.get("/users-by-email", email="weak2@example.com") == []
    assert backend.get(f"/users/{user_id}") == before


def test_metadata_are_merged_at_the_first_level_and_null_removes(backend: Backend) -> None:
    metadata = {"kept": [1], "changed": {"a": 1, "b": 2}, "gone": 1}
    user_id = made(backend, email="merge@example.com", app_metadata=metadata)["user_id"]

    body = patched(backend, user_id, app_metadata={"changed": {"c": 3}, "gone": None, "new": None, "text": "x"})
    assert body["app_metadata"] == {"kept": [1], "changed": {"c": 3}, "text": "x"}
    assert patched(backend, user_id, app_metadata={})["app_metadata"] == body["app_metadata"]
    assert patched(backend, user_id, app_metadata=None)["app_metadata"] == {}


def test_null_removes_a_text(backend: Backend) -> None:
    user_id = made(backend, email="texts@example.com", nickname="N", picture="https://example.com/p.png")["user_id"]

    body = patched(backend, user_id, nickname=None, picture=None)
    assert {"nickname", "picture"} & set(body) == set()


def test_new_email_is_unverified_and_the_old_one_logs_nobody_in(backend: Backend) -> None:
    user_id = made(backend, email="old@example.com", email_verified=True)["user_id"]
    body = patched(backend, user_id, email="newer@example.com")

    assert (body["email"], body["email_verified"]) == ("newer@example.com", False)
    logins = [
        can_log_in(backend.http, "customers", email, NEW["password"])
        for email in ("old@example.com", "newer@example.com")
    ]
    assert logins == [False, True]
    assert patched(backend, user_id, email="newest@example.com", email_verified=True)["email_verified"]


def test_new_password_takes_the_place_of_the_old_one_and_ends_refresh_tokens(backend: Backend) -> None:
    user_id = made(backend, email="password@example.com")["user_id"]
    login = {"username": "password@example.com", "scope": "offline_access"}
    token = backend.http.realm_login("customers", password=NEW["password"], **login).json()["refresh_token"]
    body = patched(backend, user_id, password="other quiet words 358")
    logins = [
        can_log_in(backend.http, "customers", "password@example.com", password)
        for password in (NEW["password"], "other quiet words 358")
    ]

    assert "last_password_reset" in body
    assert logins == [False, True]
    assert backend.http.refresh(token).json()["error"] == "invalid_grant"


def test_block_ends_refresh_tokens_and_unblock_lets_in_again(backend: Backend) -> None:
    user_id = made(backend, email="block@example.com")["user_id"]
    login = {"username": "block@example.com", "password": NEW["password"]}
    token = backend.http.realm_login("customers", **login, scope="offline_access").json()["refresh_token"]

    assert patched(backend, user_id, blocked=True)["blocked"]
    assert backend.http.realm_login("customers", **login).json()["error"] == "unauthorized"
    assert not patched(backend, user_id, blocked=False)["blocked"]
    assert backend.http.realm_login("customers", **login).status_code == 200
    assert backend.http.refresh(token).json()["error"] == "invalid_grant"


def test_deleted_person_is_gone_and_the_email_is_free(backend: Backend) -> None:
    user_id = made(backend, email="delete@example.com")["user_id"]
    answers = [backend.send(method, f"/users/{user_id}", json={}) for method in ("DELETE", "DELETE")]

    assert (answers[0].status_code, answers[0].content) == (204, b"")
    assert refusal(answers[1]) == (404, "inexistent_user")
    assert not can_log_in(backend.http, "customers", "delete@example.com", NEW["password"])
    assert made(backend, email="delete@example.com")["user_id"] != user_id


@pytest.mark.parametrize(
    "user_id", ["customers|nobody", "nobody", "nowhere|x", "%00", "-", "a" * 300, "%C3%A9", "a%2Fb"]
)
@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
def test_unknown_person_is_404(backend: Backend, method: str, user_id: str) -> None:
    body = {"json": {"nickname": "N"}} if method == "PATCH" else {}

    assert refusal(backend.send(method, f"/users/{user_id}", **body)) == (404, "inexistent_user")


@pytest.mark.parametrize(
    "members", [{}, {"unknown": 1}, {"connection": "employees"}, {"blocked": 1}, {"app_metadata": 1}, {"email": "x"}]
)
def test_malformed_change_is_400(backend: Backend, people: PeopleMaker, members: dict[str, Any]) -> None:
    user_id = people.make("customers").user_id

    assert refusal(backend.send("PATCH", f"/users/{user_id}", json=members)) == (400, "invalid_body")


def test_change_to_the_email_of_another_is_409(backend: Backend, people: PeopleMaker) -> None:
    first, second = people.make("customers"), people.make("customers")

    answer = backend.send("PATCH", f"/users/{first.user_id}", json={"email": second.email.upper()})
    assert refusal(answer) == (409, "auth0_idp_error")


@pytest.mark.parametrize(
    ("method", "path", "scope"),
    [
        ("GET", "/users", "create:users"),
        ("GET", "/users/x", "update:users"),
        ("GET", "/users-by-email?email=a@example.com", "update:users"),
        ("POST", "/users", "read:users"),
        ("PATCH", "/users/x", "read:users"),
        ("DELETE", "/users/x", "update:users"),
    ],
)
def test_other_scope_is_403(stage: Stage, backend: Backend, method: str, path: str, scope: str) -> None:
    assert refusal(Backend.of(stage, backend.http, [scope]).send(method, path)) == (403, "insufficient_scope")


def test_verification_mail_is_queued_if_it_is_asked_for(backend: Backend, people: PeopleMaker) -> None:
    body = made(backend, email="verify-me@example.com", verify_email=True)

    assert not body["email_verified"]


def test_two_changes_of_metadata_at_once_lose_nothing(backend: Backend, people: PeopleMaker, stage: Stage) -> None:
    user_id = people.make("customers").user_id
    people_of = people.of("customers")

    def meanwhile() -> None:
        people_of.change(people_of.find(user_id), {"app_metadata": {"other": 1}})

    with before(stage, "TransactWriteItems", meanwhile, about="app_metadata"):
        patched(backend, user_id, app_metadata={"mine": 1})
    assert backend.get(f"/users/{user_id}")["app_metadata"] == {"other": 1, "mine": 1}


def test_login_in_between_loses_nothing(backend: Backend, people: PeopleMaker, stage: Stage) -> None:
    user = people.make("customers")

    def meanwhile() -> None:
        assert can_log_in(backend.http, "customers", user.email, PASSWORD)

    with before(stage, "TransactWriteItems", meanwhile, about="app_metadata"):
        patched(backend, user.user_id, app_metadata={"mine": 1})
    seen = backend.get(f"/users/{user.user_id}")
    assert (seen["app_metadata"], seen["logins_count"]) == ({"mine": 1}, 1)


def test_metadata_of_many_changes_stay_below_64_kib(backend: Backend, people: PeopleMaker) -> None:
    user_id = people.make("customers").user_id
    patched(backend, user_id, app_metadata={"a": "x" * 40_000})

    answer = backend.send("PATCH", f"/users/{user_id}", json={"app_metadata": {"b": "x" * 40_000}})
    assert refusal(answer) == (400, "invalid_body")
    assert backend.get(f"/users/{user_id}")["app_metadata"] == {"a": "x" * 40_000}


@pytest.mark.parametrize("name", ["user_metadata", "app_metadata"])
def test_number_that_no_json_has_is_400(backend: Backend, people: PeopleMaker, name: str) -> None:
    body = f'{{"{name}": {{"deep": [{{"x": 1e400}}]}}}}'
    path, headers = f"/users/{people.make('customers').user_id}", {"Content-Type": "application/json"}

    assert refusal(backend.send("PATCH", path, content=body, headers=headers)) == (400, "invalid_body")
    assert backend.get(path)[name] == {}


@pytest.mark.parametrize("change", [{"email": "moved-on{n}@example.com"}, {"username": "moved-on{n}"}])
def test_deletion_frees_the_name_that_a_parallel_change_has_just_given(
    backend: Backend, stage: Stage, people: PeopleMaker, change: dict[str, str]
) -> None:
    user = people.make()
    given = {name: value.format(n=user.username) for name, value in change.items()}

    with before(stage, "TransactWriteItems", lambda: patched(backend, user.user_id, **given), about="Delete"):
        assert backend.send("DELETE", f"/users/{user.user_id}").status_code == 204

    users = people.of("employees").users
    for name in (*given.values(), user.email, user.username):
        assert users.locate(name, ("username", "email")) is None
    people.make(**given)

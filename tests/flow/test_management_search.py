"""People are found and listed by the Management API: by email, by search, page by page."""

from typing import Any

import pytest

from chalicelib.flows.management.paging import encode_key
from tests.support.fixed import Clock
from tests.support.management import Backend, refusal
from tests.support.people import PeopleMaker


def test_people_are_found_by_email_in_any_spelling_and_realm(backend: Backend, people: PeopleMaker) -> None:
    both = [people.make(realm, email="Same.Name@example.com") for realm in ("customers", "employees")]

    for typed in ("same.name@EXAMPLE.com", " Same.Name@example.com"):
        found = backend.get("/users-by-email", email=typed)
        assert [one["user_id"] for one in found] == [user.user_id for user in both]
    (shown,) = backend.get("/users", q='email:"same.name@example.com" AND identities.connection:"employees"')
    assert shown["user_id"] == both[1].user_id
    assert (
        backend.get("/users-by-email", email="same.name@example.com", fields="email")
        == [{"email": "Same.Name@example.com"}] * 2
    )
    assert refusal(backend.send("GET", "/users-by-email")) == (400, "invalid_query_string")


def test_search_takes_exact_values_alone(backend: Backend, people: PeopleMaker) -> None:
    user = people.make("employees")
    found = [
        [one["user_id"] for one in backend.get("/users", q=q)]
        for q in (
            f"username:{user.username}",
            f'username:"{user.username.upper()}"',
            f'user_id:"{user.user_id}"',
            f"user_id:{user.user_id}",
            f'email:"{user.email}" AND identities.connection:employees',
        )
    ]

    assert found == [[user.user_id]] * 5
    assert backend.get("/users", q=f"email:{user.username}") == []
    assert backend.get("/users", q="user_id:nobody") == []
    totals = backend.get("/users", q=f"username:{user.username}", include_totals="true")
    assert (totals["total"], totals["start"], totals["limit"], len(totals["users"])) == (1, 0, 50, 1)


@pytest.mark.parametrize(
    "q",
    [
        "jane", "name:jane", "email:*", "email:a*", "email:a OR email:b", "email:a email:b", "NOT email:a", "email:",
        "email:a AND", "email:a AND username:b", 'email:"a', "email:[a TO b]", "(email:a)", "app_metadata.plan:free",
        "email:a AND email:b", "email:~a",
    ],
)  # fmt: skip
def test_other_search_is_400_and_says_what_is_taken(backend: Backend, q: str) -> None:
    answer = backend.send("GET", "/users", params={"q": q})

    assert refusal(answer) == (400, "invalid_query_string")
    assert "email, username or user_id" in answer.json()["message"]


def test_sorting_is_refused(backend: Backend) -> None:
    assert refusal(backend.send("GET", "/users?sort=email:1")) == (400, "invalid_query_string")


def listed(backend: Backend, realm: str, take: int) -> list[str]:
    """Return the ids of all pages by key."""
    ids: list[str] = []
    query: dict[str, Any] = {"connection": realm, "take": take}
    while query:
        body = backend.get("/users", **query)
        assert len(body["users"]) <= take
        ids += [one["user_id"] for one in body["users"]]
        query = {"connection": realm, "take": take, "from": body["next"]} if "next" in body else {}
    return ids


def test_pages_by_key_show_everybody_once(backend: Backend, people: PeopleMaker, clock: Clock) -> None:
    ids = {people.make("partners").user_id for _ in range(7)}
    found = listed(backend, "partners", 3)
    clock.advance(10)

    assert ids <= set(found)
    assert len(found) == len(set(found))
    assert found == listed(backend, "partners", 100)


def test_pages_are_stable_while_people_come_and_go(backend: Backend, people: PeopleMaker) -> None:
    ids = {people.make("partners").user_id for _ in range(6)}
    first = backend.get("/users", connection="partners", take=3)
    shown = [one["user_id"] for one in first["users"]]
    people.of("partners").delete(people.of("partners").find(shown[-1]))
    people.make("partners")
    rest: list[str] = []
    query: dict[str, Any] = {"from": first["next"]}
    while query:
        body = backend.get("/users", connection="partners", take=3, **query)
        rest += [one["user_id"] for one in body["users"]]
        query = {"from": body["next"]} if "next" in body else {}

    assert ids <= {*shown, *rest}
    assert not set(shown) & set(rest)


def test_pages_by_number_cover_all_realms(backend: Backend, people: PeopleMaker) -> None:
    for realm in ("customers", "employees", "partners"):
        people.make(realm)
    pages = [backend.get("/users", page=page, per_page=2) for page in range(3)]
    whole = backend.get("/users", per_page=6)

    assert [one for page in pages for one in page] == whole
    assert {"length", "limit", "start", "users"} <= set(backend.get("/users", include_totals="true"))


@pytest.mark.parametrize("key", ["x", "nowhere\0customers|x", "customers\0\n", "customers"])
def test_forged_place_of_a_page_is_400(backend: Backend, key: str) -> None:
    answer = backend.send("GET", "/users", params={"take": 1, "from": encode_key(key)})
    assert refusal(answer) == (400, "invalid_query_string")

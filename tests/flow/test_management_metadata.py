"""Metadata of the Management API at their limits: how they are measured, stored and listed."""

import json
from typing import Any

import pytest

from infra.stage.aws import Stage
from infra.tenant.schema import TenantFile
from tests.support.management import Backend, refusal
from tests.support.people import PeopleMaker
from tests.support.stages import provision_stage

KIB = 1024
# As Lambda has it, of all that the function returns.
LAMBDA_BYTES = 6_000_000
# As DynamoDB has it, of one item.
DYNAMODB_BYTES = 400_000
JSON = {"Content-Type": "application/json"}


@pytest.mark.parametrize("letter", ["x", "é", "語", "🙂", '"'])
def test_metadata_are_measured_as_they_are_sent(backend: Backend, people: PeopleMaker, letter: str) -> None:
    user_id = people.make("customers").user_id
    size = len(json.dumps(letter, ensure_ascii=False).encode()) - 2
    fits = {"text": letter * ((60 * KIB) // size)}

    for name in ("app_metadata", "user_metadata"):
        content = json.dumps({name: fits}, ensure_ascii=False).encode()
        answer = backend.send("PATCH", f"/users/{user_id}", content=content, headers=JSON)
        assert answer.status_code == 200, answer.text
        more = {name: {"more": letter * ((6 * KIB) // size)}}
        assert refusal(backend.send("PATCH", f"/users/{user_id}", json=more)) == (400, "invalid_body")
    seen = backend.get(f"/users/{user_id}")
    assert seen["app_metadata"] == seen["user_metadata"] == fits
    assert backend.http.realm_login("customers", username=seen["email"]).status_code == 200


def test_longest_profile_is_stored(backend: Backend, people: PeopleMaker) -> None:
    user_id = people.make("customers").user_id
    texts = dict.fromkeys(("name", "nickname"), "🙂" * 300)
    picture = {"picture": "https://example.com/" + "\N{SLIGHTLY SMILING FACE}" * 2000}

    for change in (
        *({name: {"text": "\N{SLIGHTLY SMILING FACE}" * 15_700}} for name in ("app_metadata", "user_metadata")),
        texts,
        picture,
    ):
        content = json.dumps(change, ensure_ascii=False).encode()
        answer = backend.send("PATCH", f"/users/{user_id}", content=content, headers=JSON)
        assert answer.status_code == 200, answer.text
    of_realm = people.of("customers").users
    item = of_realm.dynamo.read(of_realm.profile_of(user_id))
    assert item
    assert sum(len(f"{name}{value}".encode()) for name, value in item.items()) < DYNAMODB_BYTES


@pytest.fixture
def stage(stage: Stage, demo: TenantFile) -> Stage:
    """A stage of these tests' own, whose people they know."""
    return provision_stage("metadata", demo)


@pytest.fixture
def laden(people: PeopleMaker) -> list[str]:
    """People whose metadata no answer of Lambda could hold together."""
    metadata: dict[str, Any] = {"text": "é" * (32 * KIB - 10)}
    return [people.make("customers", app_metadata=metadata, user_metadata=metadata).user_id for _ in range(17)]


def test_page_by_key_ends_before_it_is_too_large_and_the_next_goes_on(backend: Backend, laden: list[str]) -> None:
    found, after, sizes = list[str](), dict[str, str](), list[int]()
    while not sizes or after:
        answer = backend.send("GET", "/users", params={"connection": "customers", "take": "100", **after})
        body = answer.json()
        found += [one["user_id"] for one in body["users"]]
        sizes.append(len(json.dumps(answer.text)))
        after = {"from": body["next"]} if "next" in body else {}

    assert set(laden) <= set(found)
    assert len(found) == len(set(found))
    assert len(sizes) > 1
    assert max(sizes) < LAMBDA_BYTES


def test_page_by_number_that_is_too_large_names_per_page(backend: Backend, laden: list[str]) -> None:
    answer = backend.send("GET", "/users", params={"connection": "customers", "per_page": "100"})
    smaller = backend.send("GET", "/users", params={"connection": "customers", "per_page": "5"})
    few = backend.send("GET", "/users", params={"connection": "customers", "per_page": "100", "fields": "user_id"})

    assert refusal(answer) == (400, "invalid_query_string")
    assert "per_page" in answer.json()["message"]
    assert (len(smaller.json()), smaller.status_code) == (5, 200)
    assert len(few.json()) >= len(laden)

"""GET /roles/{id}/users: pages of the people who have a role, each test on a stage whose people it knows."""

import itertools
from typing import Any

import pytest

from chalicelib.accounts.authorization import make_role_id
from chalicelib.flows.management.people import MOST_KEYS, MOST_PAGES
from infra.stage.aws import Stage
from infra.tenant.schema import TenantFile
from tests.support.http import TIMESHEETS
from tests.support.management import Backend, refusal
from tests.support.people import PeopleMaker
from tests.support.stages import provision_stage

OTHERS = 9
_names = itertools.count(1)


@pytest.fixture
def stage(stage: Stage, demo: TenantFile) -> Stage:
    """A stage of the test's own, on the moto that the shared one keeps running."""
    return provision_stage(f"members{next(_names)}", demo)


@pytest.fixture
def role(stage: Stage) -> tuple[str, str]:
    """A role that nobody has: its path and its name."""
    name = f"rare{next(_names)}"
    role_id = make_role_id(name)
    document = {"name": name, "description": None, "permissions": [{"api": TIMESHEETS, "value": "read:timesheets"}]}
    stage.config().put(f"role#{role_id}", document)
    return f"/roles/{role_id}/users", name


@pytest.fixture
def members(people: PeopleMaker, role: tuple[str, str]) -> set[str]:
    """Some people who have the role, among others who do not."""
    for _ in range(OTHERS):
        people.make()
    return {people.make(realm, roles=(role[1],)).user_id for realm in ("customers", "employees", "employees")}


def pages(backend: Backend, path: str, **query: Any) -> list[list[str]]:
    """Return the user_ids of each page."""
    found, after = list[list[str]](), dict[str, str]()
    while True:
        page = backend.get(path, **query, **after)
        found.append([one["user_id"] for one in page["users"]])
        if "next" not in page:
            return found
        after = {"from": page["next"]}


@pytest.mark.parametrize("take", [1, 2, 3, 100])
def test_page_is_full_unless_it_is_the_last(
    backend: Backend, role: tuple[str, str], members: set[str], take: int
) -> None:
    *full, last = pages(backend, role[0], take=take)

    assert all(len(page) == take for page in full)
    assert sorted(itertools.chain(*full, last)) == sorted(members)


def test_page_by_number_is_one_of_those_who_have_the_role(
    backend: Backend, role: tuple[str, str], members: set[str]
) -> None:
    numbered = [backend.get(role[0], page=page, per_page=2) for page in (0, 1, 2)]

    assert [len(page) for page in numbered] == [2, 1, 0]
    assert {one["user_id"] for page in numbered for one in page} == members


def test_total_is_of_those_who_have_the_role(backend: Backend, role: tuple[str, str], members: set[str]) -> None:
    page = backend.get(role[0], per_page=1, include_totals="true")

    assert (page["start"], page["limit"], page["length"], page["total"]) == (0, 1, 1, len(members))


def test_thousand_people_without_the_role_end_a_page_and_not_the_list(
    backend: Backend, role: tuple[str, str], people: PeopleMaker
) -> None:
    for _ in range(MOST_KEYS * MOST_PAGES + 2):
        people.make("partners")
    member = people.make("partners", roles=(role[1],)).user_id

    assert [*itertools.chain(*pages(backend, role[0], take=1))] == [member]
    too_far = backend.send("GET", role[0], params={"per_page": "2"})
    assert refusal(too_far) == (400, "invalid_query_string")

"""No person of one realm is seen, changed or deleted through an id of another: generated ids, equal ones too."""

from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chalicelib.model.user import User
from infra.stage.aws import Stage
from tests.support.management import Backend
from tests.support.people import PeopleMaker

REALMS = ("customers", "employees", "partners")
# An id as it may have been imported: of this realm's form, of another's, of no realm's, with odd characters.
IDS = st.builds(
    "{}{}{}".format,
    st.sampled_from([*REALMS, "auth0", "Customers", "customer", ""]),
    st.sampled_from(["|", "||", "#", ""]),
    st.text("ab#|%/", min_size=2, max_size=4),
)
HOLDERS = st.sets(st.sampled_from(REALMS), max_size=3)
ACTIONS = st.sampled_from(["GET", "PATCH", "DELETE"])


@pytest.fixture
def people_of(stage: Stage) -> PeopleMaker:
    return PeopleMaker(stage, 4)


def put(people: PeopleMaker, realm: str, user_id: str) -> None:
    """Store a user, as an import of before may have, whatever other realms have."""
    people.of(realm).records.create(User(user_id=user_id, email=f"{realm}@{abs(hash(user_id))}.example.com"))


def expected_realm(user_id: str, holders: set[str]) -> str | None:
    """Return the realm whose person an id means: that of its name, or the one that has it."""
    named = user_id.partition("|")[0]
    if named in REALMS:
        return named if named in holders else None
    return next(iter(holders)) if len(holders) == 1 else None


def states(people: PeopleMaker, user_id: str) -> dict[str, Any]:
    return {realm: people.of(realm).users.read(user_id) for realm in REALMS}


@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(user_id=IDS, holders=HOLDERS, action=ACTIONS)
def test_an_id_reaches_the_person_whom_it_means_and_nobody_else(
    backend: Backend, people_of: PeopleMaker, user_id: str, holders: set[str], action: str
) -> None:
    for realm in holders:
        put(people_of, realm, user_id)
    before, meant = states(people_of, user_id), expected_realm(user_id, holders)
    body: dict[str, Any] = {"json": {"nickname": "changed"}} if action == "PATCH" else {}
    try:
        answer = backend.send(action, f"/users/{quote(user_id, safe='')}", **body)
        after = states(people_of, user_id)

        refused = 409 if is_unclear(user_id, holders) else 404
        assert answer.status_code == (({"DELETE": 204}.get(action, 200)) if meant else refused)
        if action == "GET" and meant:
            assert answer.json()["identities"][0]["connection"] == meant
        unmeant = [realm for realm in REALMS if realm != meant or action == "GET"]
        assert {realm: after[realm] for realm in unmeant} == {realm: before[realm] for realm in unmeant}
    finally:
        for realm, user in states(people_of, user_id).items():
            if user is not None:
                people_of.of(realm).delete(user)


def is_unclear(user_id: str, holders: set[str]) -> bool:
    return user_id.partition("|")[0] not in REALMS and len(holders) > 1


@pytest.mark.parametrize("action", ["GET", "PATCH", "DELETE"])
def test_connection_names_the_one_of_several_with_an_id(backend: Backend, people_of: PeopleMaker, action: str) -> None:
    user_id = f"auth0|of-two-{action}"
    for realm in ("customers", "partners"):
        put(people_of, realm, user_id)
    before = states(people_of, user_id)
    body: dict[str, Any] = {"json": {"nickname": "changed"}} if action == "PATCH" else {}
    answer = backend.send(action, f"/users/{user_id}?connection=partners", **body)
    after = states(people_of, user_id)

    assert answer.status_code in (200, 204)
    assert after["customers"] == before["customers"]
    assert (after["partners"] == before["partners"]) == (action == "GET")
    assert backend.send("GET", f"/users/{user_id}?connection=employees").status_code == 404
    assert backend.send("GET", f"/users/{user_id}?connection=nowhere").status_code == 404

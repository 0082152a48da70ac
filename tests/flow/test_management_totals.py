"""`total` of lists of people (contract.md, "include_totals"): counters that whatever makes or deletes people moves."""

from chalicelib.store.people.counts import SHARDS, recount
from chalicelib.store.people.user_records import UserRecords
from infra.stage.aws import Stage
from tests.support.accounts import CLIENT
from tests.support.calls import calls_of
from tests.support.faults import aws_error, failing
from tests.support.management import Backend
from tests.support.people import PASSWORD, PeopleMaker
from tests.support.threads import at_once

REALM = "customers"


def total(backend: Backend, **query: str) -> int:
    found: int = backend.get("/users", include_totals="true", per_page="1", **query)["total"]
    return found


def records(stage: Stage) -> UserRecords:
    return UserRecords(stage.dynamo, f"{stage.prefix}users-{REALM}")


def test_total_follows_whoever_comes_and_goes(backend: Backend, people: PeopleMaker) -> None:
    before, of_all = total(backend, connection=REALM), total(backend)
    added = people.make(REALM)
    made = backend.send("POST", "/users", json={"connection": REALM, "email": "total@example.com"}).json()
    signed = {**CLIENT, "connection": REALM, "email": "total2@example.com", "password": PASSWORD}
    assert backend.http.post("/dbconnections/signup", json=signed).status_code == 200

    assert total(backend, connection=REALM) == before + 3
    assert total(backend) == of_all + 3
    assert backend.send("DELETE", f"/users/{made['user_id']}").status_code == 204
    people.of(REALM).delete(added)
    assert total(backend, connection=REALM) == before + 1
    assert total(backend, connection="employees") + total(backend, connection=REALM) <= total(backend)


def test_what_is_refused_or_fails_is_not_counted(stage: Stage, backend: Backend, people: PeopleMaker) -> None:
    user = people.make(REALM)
    before = total(backend, connection=REALM)

    assert backend.send("POST", "/users", json={"connection": REALM, "email": user.email}).status_code == 409
    with failing(stage, "TransactWriteItems", aws_error("InternalServerError")):
        assert backend.send("POST", "/users", json={"connection": REALM, "email": "no@example.com"}).status_code == 503
        assert backend.send("DELETE", f"/users/{user.user_id}").status_code == 503
    assert total(backend, connection=REALM) == before


def test_person_whom_two_delete_at_once_is_counted_once(stage: Stage, backend: Backend, people: PeopleMaker) -> None:
    user = people.make(REALM)
    before = total(backend, connection=REALM)

    at_once(4, lambda _: records(stage).delete(user))
    assert total(backend, connection=REALM) == before - 1


def test_recount_sets_a_total_that_is_wrong(stage: Stage, backend: Backend, people: PeopleMaker) -> None:
    people.make(REALM)
    store = records(stage)
    right = total(backend, connection=REALM)
    for shard in range(SHARDS):
        stage.dynamo.put(store.table, {"pk": f"count#{shard}", "people": 5 * shard})

    assert recount(stage.dynamo, store.table, store.all()) == (600, sum(1 for _ in store.all()))
    assert total(backend, connection=REALM) == right


def test_total_costs_one_call_and_a_list_without_it_none(stage: Stage, backend: Backend, people: PeopleMaker) -> None:
    people.make(REALM)
    backend.get("/users", connection=REALM)
    with calls_of(stage) as plain:
        backend.get("/users", connection=REALM)
    with calls_of(stage) as counted:
        backend.get("/users", connection=REALM, include_totals="true")

    assert len(counted.made) == len(plain.made) + 1

"""Revocations at large stand in shards, so that no item is read by every request (docs/adr/0031)."""

import itertools
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from chalicelib import wiring
from chalicelib.errors import TemporarilyUnavailable
from chalicelib.store.revocations import SHARDS, WHOLE_REALM, RevocationStore
from infra.stage.aws import Stage
from tests.cli.conftest import Gatehouse
from tests.support.calls import calls_of
from tests.support.clients import make_client
from tests.support.config import document_of
from tests.support.faults import aws_error, failing
from tests.support.http import PASSWORD_REALM, Http
from tests.support.people import PeopleMaker
from tests.support.stages import client_of
from tests.support.threads import at_once

_numbers = itertools.count(1)

Client = dict[str, str]
StoreMaker = Callable[[int], RevocationStore]


@pytest.fixture
def realm() -> str:
    """The name of a realm that no other test revokes."""
    return f"sharded-{next(_numbers)}"


@pytest.fixture
def store_at(stage: Stage) -> StoreMaker:
    """Makes the store of a process that reads one shard alone."""
    return lambda shard: RevocationStore(stage.dynamo, f"{stage.prefix}sessions", always(shard))


@pytest.fixture
def mine(stage: Stage) -> Client:
    """A client of this test alone, whose refresh tokens stay as they are."""
    policy = document_of(stage, "client#demo-basic")["refresh_token"]
    return {"client_id": make_client(stage, secret="s", refresh_token=policy), "client_secret": "s"}


@pytest.fixture
def shards(stage: Stage, externals: wiring.Externals) -> Iterator[list[Http]]:
    """A process for each shard, which reads that one alone."""
    made = []
    for number in range(SHARDS):
        with client_of(stage, replace(externals, choose=always(number))) as process:
            made.append(process)
    yield made


def always(number: int) -> Callable[[int], int]:
    return lambda _: number


def counts(stage: Stage, store_at: StoreMaker, realm: str, client_id: str = "any") -> list[int]:
    """Return the count that each shard has, freshly read."""
    return [stage.dynamo.read(store_at(shard).read_of(realm, client_id)) for shard in range(SHARDS)]


def login(http: Http, client: Client, username: str | None) -> str:
    given = {"grant_type": PASSWORD_REALM, "realm": "employees", "username": username, "scope": "offline_access"}
    token: str = http.login(**{**given, **client}).json()["refresh_token"]
    return token


def put_before(stage: Stage, realm: str, **numbers: int) -> None:
    """Write the one item that the version before had."""
    stage.dynamo.put(f"{stage.prefix}sessions", {"pk": f"revoked#{realm}", "sk": "counts", **numbers})


def test_revocation_holds_in_every_shard_once_the_command_returns(
    shards: list[Http], shared: Gatehouse, people: PeopleMaker, mine: Client
) -> None:
    user = people.make()
    tokens = [login(process, mine, user.username) for process in shards]
    assert shards[1].refresh(tokens[0], mine).status_code == 200
    assert shared.run("tokens", "revoke", "--client", mine["client_id"], "--realm", "employees").code == 0

    assert {process.refresh(tokens[2], mine).status_code for process in shards} == {400}
    token = login(shards[3], mine, user.username)
    assert {process.refresh(token, mine).status_code for process in shards} == {200}


def test_count_of_the_version_before_holds_until_the_next_revocation(
    stage: Stage, store_at: StoreMaker, realm: str
) -> None:
    put_before(stage, realm, **{WHOLE_REALM: 3})
    assert counts(stage, store_at, realm) == [3] * SHARDS

    store_at(0).revoke(realm, "any")
    assert counts(stage, store_at, realm) == [4] * SHARDS
    assert counts(stage, store_at, realm, "another client") == [3] * SHARDS


def test_function_of_the_version_before_hears_of_a_revocation(stage: Stage, store_at: StoreMaker, realm: str) -> None:
    store_at(0).revoke(realm)
    store_at(0).revoke(realm)
    key = {"pk": {"S": f"revoked#{realm}"}, "sk": {"S": "counts"}}
    item = stage.clients.dynamodb.get_item(TableName=f"{stage.prefix}sessions", Key=key)["Item"]

    assert item[WHOLE_REALM] == {"N": "2"}


def test_process_reads_the_item_of_the_version_before_once(stage: Stage, store_at: StoreMaker, realm: str) -> None:
    store = store_at(7)
    for expected in (2, 1):
        with calls_of(stage) as calls:
            assert stage.dynamo.read(store.read_of(realm, "any")) == 0
        assert str(calls.parameters).count(f"revoked#{realm}") == expected

    store_at(0).revoke(realm)
    assert stage.dynamo.read(store.read_of(realm, "any")) == 1


def test_revocation_that_broke_off_is_completed_by_the_next_one(stage: Stage, store_at: StoreMaker, realm: str) -> None:
    store_at(0).revoke(realm, "first")
    about = f'"revoked#{realm}#9"'
    with (
        failing(stage, "UpdateItem", aws_error("InternalServerError"), about=about),
        pytest.raises(TemporarilyUnavailable),
    ):
        store_at(0).revoke(realm, "first")
    assert counts(stage, store_at, realm, "first") == [2] * 9 + [1] * 7

    store_at(0).revoke(realm, "second")
    assert counts(stage, store_at, realm, "first") == [2] * SHARDS
    assert counts(stage, store_at, realm, "second") == [1] * SHARDS


def test_first_revocation_that_broke_off_is_completed_too(stage: Stage, store_at: StoreMaker, realm: str) -> None:
    put_before(stage, realm, **{WHOLE_REALM: 3})
    about = f'"revoked#{realm}#9"'
    with (
        failing(stage, "PutItem", aws_error("InternalServerError"), about=about),
        pytest.raises(TemporarilyUnavailable),
    ):
        store_at(0).revoke(realm)
    assert counts(stage, store_at, realm) == [4] * 9 + [3] * 7

    store_at(0).revoke(realm)
    assert counts(stage, store_at, realm) == [5] * SHARDS


def test_revocations_at_the_same_time_leave_every_shard_alike(stage: Stage, store_at: StoreMaker, realm: str) -> None:
    before = counts(stage, store_at, realm, "0")
    at_once(6, lambda number: store_at(0).revoke(realm, str(number % 2)))

    assert before == [0] * SHARDS
    for client_id in ("0", "1"):
        (count,) = set(counts(stage, store_at, realm, client_id))
        assert 1 <= count <= 3

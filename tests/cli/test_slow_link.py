"""The command where AWS answers late, or not at all: it has the patience that a function has not."""

import itertools
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import bcrypt
import pytest

from chalicelib.errors import TemporarilyUnavailable
from chalicelib.model.user import User
from chalicelib.store.aws.caller import AwsUnreachable
from chalicelib.store.aws.http_reply import Reply
from chalicelib.store.configuration.client_secrets import sha256
from chalicelib.store.configuration.vault import data_key_alias
from chalicelib.store.people.counts import SHARDS
from chalicelib.store.people.user_records import UserRecords
from infra.stage.aws import Stage, reach
from infra.stage.keys import data_key_changes
from infra.stage.kms_keys import give_alias
from infra.stage.provision import up
from infra.tenant.file import load
from tests.cli.conftest import Gatehouse
from tests.cli.test_apply import MADE, document_of
from tests.faults.kinds import throttled
from tests.faults.wire import Try, watching
from tests.support.slow_link import SlowLink, serve_wsgi
from tests.support.tenant_documents import client, small_document, write

MANY = 330
HASH = bcrypt.hashpw(b"a password", bcrypt.gensalt(4)).decode()


@contextmanager
def over(link: SlowLink) -> Iterator[SlowLink]:
    """Let the clients that are made inside this block reach AWS over a link."""
    with serve_wsgi(link) as url, pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", url)
        yield link


def with_users(count: int) -> dict[str, Any]:
    users = [{"username": f"user{number}", "password_hash": HASH} for number in range(count)]
    return small_document(users={"staff": users})


def keys_of(stage: Stage) -> list[str]:
    kms = stage.clients.kms
    found = [kms.describe_key(KeyId=key["KeyId"])["KeyMetadata"] for key in kms.list_keys(Limit=1000)["Keys"]]
    return [key["Arn"] for key in found if key["Description"].startswith(f"Gatehouse {stage.name}:")]


def test_hundreds_of_people_are_listed_over_a_slow_link(own: Gatehouse) -> None:
    store = UserRecords(own.stage.dynamo, f"{own.stage.prefix}users-staff")
    for number in range(MANY):
        store.create(User(user_id=f"staff|{number}", username=f"user{number}", created_at=number, updated_at=number))
    with over(SlowLink()) as link:
        ran = own.run("users", "list", "--realm", "staff")

    assert (ran.code, ran.err) == (0, "")
    assert [row[0] for row in ran.rows if row[0].startswith("staff|")] == [f"staff|{number}" for number in range(MANY)]
    # A page has 200 items, and a person has three, beside the counters of all.
    assert link.made.count("Scan") == (MANY * 3 + SHARDS) // 200 + 1


def test_stage_comes_up_over_a_slow_link_and_leaves_no_key_behind(gatehouse: Gatehouse) -> None:
    with over(SlowLink(late=("CreateKey",))):
        first = gatehouse.up(small_document())
    again = gatehouse.up(small_document())

    assert (first.code, first.err, again.code) == (0, "", 0)
    assert len(keys_of(gatehouse.stage)) == 2


def test_users_are_made_over_a_slow_link(own: Gatehouse) -> None:
    with over(SlowLink(late=("TransactWriteItems",))) as link:
        ran = own.apply(with_users(2), "--with-users")

    assert (ran.code, ran.err) == (0, "")
    assert "Users made: 2." in ran.out
    assert link.made.count("TransactWriteItems") == 2


def test_apply_that_ends_early_says_how_far_it_came_and_goes_on_when_it_runs_again(own: Gatehouse) -> None:
    numbers = itertools.count(1)

    def third_write(operation: str) -> bool:
        return operation == "TransactWriteItems" and next(numbers) == 3

    with over(SlowLink(late=(), denied=third_write)):
        ended = own.apply(with_users(5), "--with-users")
    again = own.apply(with_users(5), "--with-users")

    assert ended.code == 1
    said, why = ended.err.splitlines()
    assert said == "2 of 5 users are there. The same command goes on from there."
    assert "AccessDeniedException" in why
    assert (again.code, again.err) == (0, "")
    assert "Users made: 3." in again.out


def test_secret_that_is_stored_was_shown_wherever_the_apply_ends(own: Gatehouse) -> None:
    clients = [client(client_id=name, client_secret=None) for name in ("one", "two", "three")]
    numbers = itertools.count(1)

    def second_write_and_all_after(operation: str) -> bool:
        return operation == "PutItem" and next(numbers) >= 2

    with over(SlowLink(late=(), denied=second_write_and_all_after)):
        ended = own.apply(small_document(clients=clients))
    shown = dict(MADE.findall(ended.out))
    again = own.apply(small_document(clients=clients))
    shown |= dict(MADE.findall(again.out))

    assert (ended.code, again.code) == (1, 0)
    for name, secret in shown.items():
        assert document_of(own, f"client#{name}")["secrets"][0]["sha256"] == sha256(secret)
    assert set(shown) == {"one", "two", "three"}


@pytest.mark.usefixtures("aws")
def test_key_whose_answer_a_proxy_lost_is_not_made_again() -> None:
    link = SlowLink(late=(), lost=lambda operation: operation == "CreateKey")
    with over(link), pytest.raises(TemporarilyUnavailable) as failed:
        data_key_changes(reach("lostanswer"), dry_run=False)

    assert (failed.value.reason, link.made.count("CreateKey")) == ("create_key: 504", 1)


@pytest.mark.usefixtures("aws")
def test_key_whose_connection_broke_is_not_made_again() -> None:
    stage = reach("broken")

    def act(one: Try) -> None:
        if one.call.operation == "CreateKey":
            raise AwsUnreachable("ConnectionClosedError")

    with watching(stage, after=act) as wire, pytest.raises(TemporarilyUnavailable) as failed:
        data_key_changes(stage, dry_run=False)

    assert failed.value.reason == "create_key: ConnectionClosedError"
    assert [one.call.operation for one in wire.tries].count("CreateKey") == 1


@pytest.mark.usefixtures("aws")
def test_key_that_was_throttled_is_tried_again() -> None:
    stage = reach("throttled")

    def act(one: Try) -> Reply | None:
        return throttled(one) if (one.call.operation, one.number) == ("CreateKey", 1) else None

    with watching(stage, act) as wire:
        data_key_changes(stage, dry_run=False)

    assert [one.number for one in wire.tries if one.call.operation == "CreateKey"] == [1, 2]
    assert len(keys_of(stage)) == 1


@pytest.mark.usefixtures("aws")
def test_alias_whose_answer_was_lost_is_not_taken_for_anothers() -> None:
    stage = reach("lostalias")

    def act(one: Try) -> None:
        if (one.call.operation, one.number) == ("CreateAlias", 1):
            raise AwsUnreachable("ConnectionClosedError")

    with watching(stage, after=act) as wire:
        data_key_changes(stage, dry_run=False)

    assert [one.number for one in wire.tries if one.call.operation == "CreateAlias"] == [1, 2]
    assert data_key_changes(stage, dry_run=False) == []


@pytest.mark.usefixtures("aws")
def test_alias_of_another_key_is_not_taken_for_ours() -> None:
    stage = reach("takenalias")
    kms, alias = stage.clients.kms, data_key_alias(stage.name)
    ours, other = (kms.create_key()["KeyMetadata"]["Arn"] for _ in range(2))
    kms.create_alias(AliasName=alias, TargetKeyId=other)

    with pytest.raises(kms.exceptions.AlreadyExistsException):
        give_alias(stage, alias, ours)


def test_change_set_whose_answer_was_lost_is_the_same_at_the_next_try(gatehouse: Gatehouse) -> None:
    sent: list[dict[str, Any]] = []

    def note(params: dict[str, Any], **_: Any) -> None:
        sent.append(params)

    events = gatehouse.stage.cloudformation.meta.events
    for operation in ("CreateChangeSet", "ExecuteChangeSet"):
        events.register(f"provide-client-params.cloudformation.{operation}", note)
    up(gatehouse.stage, load(Path(write(gatehouse.directory, small_document()))))
    for operation in ("CreateChangeSet", "ExecuteChangeSet"):
        events.unregister(f"provide-client-params.cloudformation.{operation}", note)

    tokens = [params.get("ClientToken") or params.get("ClientRequestToken") for params in sent]
    assert len(sent) == 6
    assert all(tokens)
    assert len(set(tokens)) == 6


def test_terminal_is_told_how_many_people_were_read(own: Gatehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    own.apply(with_users(3), "--with-users")
    monkeypatch.setenv("FORCE_COLOR", "1")
    ran = own.run("users", "list", "--realm", "staff", "--json")

    assert ran.code == 0
    assert "3 people read" in ran.err
    assert len(json.loads(ran.out)) == 3


def test_tools_wait_as_long_as_the_sdk_does() -> None:
    stage = reach("any")
    clients = (stage.clients.dynamodb, stage.clients.kms, stage.clients.sesv2(), stage.cloudformation)
    # botocore gives its options their attributes at run time.
    configs: list[Any] = [client.meta.config for client in clients]

    assert {config.read_timeout for config in configs} == {60}
    assert {config.connect_timeout for config in configs} == {60}
    assert {config.retries["mode"] for config in configs} == {"adaptive"}

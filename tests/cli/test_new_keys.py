"""KMS keys that were made a moment ago, which KMS may not find yet, and keys that a run left behind."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from chalicelib.errors import TemporarilyUnavailable
from chalicelib.rotation.kms_keys import PAUSE_S, TRIES
from chalicelib.rotation.steps import PUBLISH_S, RETIRE_S
from infra.stage.aws import Stage
from infra.stage.keys import rotate
from infra.stage.provision import up
from infra.tenant.file import load
from infra.tenant.schema import TenantFile
from tests.cli.conftest import Gatehouse
from tests.support.fixed import Clock
from tests.support.tenant_documents import small_document, write

ON_NEW_KEYS = ["GetPublicKey", "EnableKeyRotation", "CreateAlias", "GenerateDataKey"]


@pytest.fixture
def file(tmp_path: Path) -> TenantFile:
    return load(Path(write(tmp_path, small_document())))


@pytest.fixture
def stage(gatehouse: Gatehouse, clock: Clock) -> Stage:
    """A stage that does not exist yet, whose waits are the clock's."""
    return replace(gatehouse.stage, pause=clock.pause)


@contextmanager
def not_found(stage: Stage, operation: str, times: int, code: str = "NotFoundException") -> Iterator[Counter[str]]:
    """Let KMS not find a key for the first calls of an operation. Yield how often each operation was called."""
    calls: Counter[str] = Counter()

    def refuse(model: Any, **_: Any) -> None:
        calls[model.name] += 1
        if model.name == operation and calls[operation] <= times:
            refusal: Any = stage.clients.kms.exceptions.from_code(code)
            raise refusal({"Error": {"Code": code, "Message": "it is not there"}}, operation)

    stage.clients.kms.meta.events.register("before-call", refuse)
    try:
        yield calls
    finally:
        stage.clients.kms.meta.events.unregister("before-call", refuse)


@pytest.mark.parametrize("times", [1, TRIES])
@pytest.mark.parametrize("operation", ON_NEW_KEYS)
def test_key_that_kms_does_not_find_yet_is_asked_for_again(
    stage: Stage, file: TenantFile, clock: Clock, operation: str, times: int
) -> None:
    with not_found(stage, operation, times) as calls:
        up(stage, file)

    assert (TRIES * PAUSE_S, clock.paused) == (30, [PAUSE_S] * times)
    assert (calls["CreateKey"], calls[operation]) == (2, times + 1)
    assert up(stage, file) == []


@pytest.mark.parametrize("operation", ["GetPublicKey", "EnableKeyRotation", "CreateAlias"])
def test_key_that_kms_never_finds_ends_the_run_and_is_used_by_the_next(
    stage: Stage, file: TenantFile, clock: Clock, operation: str
) -> None:
    with not_found(stage, operation, 10**6), pytest.raises((ClientError, TemporarilyUnavailable)):
        up(stage, file)
    with not_found(stage, "", 0) as calls:
        up(stage, file)

    assert sum(clock.paused) == 30
    assert calls["CreateKey"] == (1 if operation == "GetPublicKey" else 0)


def test_refusal_of_another_kind_is_not_tried_again(stage: Stage, file: TenantFile, clock: Clock) -> None:
    with (
        not_found(stage, "GetPublicKey", 1, "KMSInternalException"),
        pytest.raises(TemporarilyUnavailable) as failed,
    ):
        up(stage, file)

    assert (failed.value.reason, clock.paused) == ("get_public_key: KMSInternalException", [])


def test_first_key_is_published_before_the_second_is_made(stage: Stage, tmp_path: Path) -> None:
    document = small_document()
    document["apis"].append({"identifier": "https://es", "name": "Es", "signing_alg": "ES256"})
    made: list[tuple[str, ...]] = []

    def note(model: Any, **_: Any) -> None:
        if model.name == "CreateKey":
            made.append(stage.config().keys().algs)

    stage.clients.kms.meta.events.register("before-call", note)
    up(stage, load(Path(write(tmp_path, document))))
    stage.clients.kms.meta.events.unregister("before-call", note)

    assert made == [(), ("RS256",), ("RS256", "ES256")]


def test_retired_key_is_not_taken_for_one_that_was_left(stage: Stage, file: TenantFile, clock: Clock) -> None:
    up(stage, file)
    first, now = stage.config().keys().keys[0], int(clock())
    for at in (0, PUBLISH_S, PUBLISH_S + RETIRE_S, PUBLISH_S + RETIRE_S):
        rotate(stage, now + at)
    keys = stage.config().keys().keys

    assert [key.status for key in keys] == ["current", "next"]
    assert first.key_arn not in {key.key_arn for key in keys}


def test_key_of_another_stage_or_kind_or_state_is_not_taken(stage: Stage, file: TenantFile) -> None:
    kms = stage.clients.kms
    others: list[str] = []
    for name, spec in ((f"{stage.name}-2", "RSA_2048"), (stage.name, "RSA_4096"), (stage.name, "RSA_2048")):
        tags = [{"TagKey": "gatehouse-stage", "TagValue": name}]
        made: Any = kms.create_key(KeySpec=spec, KeyUsage="SIGN_VERIFY", Tags=tags)  # type: ignore[arg-type]  # the stub wants literals
        others.append(made["KeyMetadata"]["Arn"])
    kms.disable_key(KeyId=others[-1].rpartition("/")[2])
    up(stage, file)

    assert stage.config().keys().keys[0].key_arn not in others


def test_key_whose_tags_may_not_be_read_is_somebody_elses(stage: Stage, file: TenantFile) -> None:
    def refuse(model: Any, **_: Any) -> None:
        if model.name == "ListResourceTags":
            error: Any = {"Error": {"Code": "AccessDeniedException", "Message": "its policy"}}
            raise stage.clients.kms.exceptions.ClientError(error, "ListResourceTags")

    stage.clients.kms.meta.events.register("before-call", refuse)
    up(stage, file)
    stage.clients.kms.meta.events.unregister("before-call", refuse)

    assert stage.config().keys().algs == ("RS256",)


def test_retirement_of_a_key_that_kms_has_deleted_goes_on(stage: Stage, file: TenantFile, clock: Clock) -> None:
    up(stage, file)
    now = int(clock())
    for at in (0, PUBLISH_S):
        rotate(stage, now + at)
    with not_found(stage, "TagResource", 1):
        rotate(stage, now + PUBLISH_S + RETIRE_S)

    assert [key.status for key in stage.config().keys().keys] == ["current"]

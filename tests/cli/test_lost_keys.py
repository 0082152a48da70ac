"""KMS keys that are gone for good: what `up` says of the data key, and how `keys rotate` replaces a signing key."""

import json
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.kms.models import kms_backends

from chalicelib.rotation.steps import PUBLISH_S, RETIRE_S
from chalicelib.store.configuration.vault import STAGE_OWNER, data_key_alias, sealer_of, store_data_key
from infra.local.emulated_aws import REGION
from infra.stage.aws import Stage
from infra.stage.cloudformation.stack_status import Unsound
from infra.stage.keys import rotate, stage_key
from infra.stage.provision import up
from infra.tenant.file import load
from infra.tenant.schema import TenantFile
from tests.cli.account import holdings, table_names
from tests.cli.conftest import Gatehouse
from tests.support.fixed import Clock
from tests.support.tenant_documents import small_document, write


@pytest.fixture
def now(clock: Clock) -> int:
    return int(clock())


def tenant(own: Gatehouse) -> TenantFile:
    return load(Path(write(own.directory, small_document())))


def data_key(own: Gatehouse) -> str:
    return own.stage.clients.kms.describe_key(KeyId=data_key_alias(own.stage.name))["KeyMetadata"]["Arn"]


def lose(arn: str) -> None:
    """Delete a key, as KMS does at the end of its waiting period: its aliases go with it."""
    kms_backends[DEFAULT_ACCOUNT_ID][REGION].delete_key(arn.rpartition("/")[2])


def delete_item(line: str) -> dict[str, Any]:
    """Return what the AWS CLI makes of the command at the end of a line."""

    words = shlex.split(line[line.index("aws dynamodb delete-item") :])
    return {"TableName": words[4], "Key": json.loads(words[6])}


# The stage key


@pytest.mark.parametrize("command", ["up", "apply"])
def test_stage_key_whose_data_key_was_deleted_is_said_and_no_other_data_key_is_made(
    own: Gatehouse, command: str
) -> None:
    lose(data_key(own))
    before = holdings(own.stage)
    ran = getattr(own, command)(small_document())

    assert (ran.code, ran.out) == (1, "")
    assert ran.err.startswith("the stage key does not open: the data key that sealed it was deleted in KMS, ")
    assert holdings(own.stage) == before


def test_stage_whose_data_key_was_deleted_gets_new_ones_by_what_up_says(own: Gatehouse) -> None:
    lose(data_key(own))
    said = own.up(small_document()).err.splitlines()
    own.stage.clients.dynamodb.delete_item(**delete_item(said[2]))
    ran = own.up(small_document())

    assert [row[:3] for row in ran.rows[1:3]] == [["create", "data", "key"], ["create", "stage", "key"]]
    assert (ran.code, len(stage_key(own.stage).mac("test", b""))) == (0, 32)
    assert own.up(small_document()).out.endswith("nothing to change.\n")


def test_stage_key_under_a_data_key_that_was_replaced_is_said_too(own: Gatehouse) -> None:
    lose(data_key(own))
    kms = own.stage.clients.kms
    other = kms.create_key()["KeyMetadata"]["Arn"]
    kms.create_alias(AliasName=data_key_alias(own.stage.name), TargetKeyId=other)
    ran = own.up(small_document())

    assert ran.code == 1
    assert "the stage key does not open" in ran.err


def test_alias_that_leads_to_another_data_key_is_led_back_by_what_up_says(own: Gatehouse) -> None:
    kms, alias, right = own.stage.clients.kms, data_key_alias(own.stage.name), data_key(own)
    other = kms.create_key()["KeyMetadata"]["Arn"]
    kms.update_alias(AliasName=alias, TargetKeyId=other)
    ran = own.up(small_document())

    assert ran.code == 1
    assert f"Lead it back: aws kms update-alias --alias-name {alias} --target-key-id {right}" in ran.err


@contextmanager
def refusing(own: Gatehouse, operation: str, code: str, words: str) -> Iterator[None]:
    """Let KMS refuse an operation."""
    kms = own.stage.clients.kms

    def refuse(**_: Any) -> None:
        refusal: Any = kms.exceptions.from_code(code)
        raise refusal({"Error": {"Code": code, "Message": words}}, operation)

    kms.meta.events.register(f"before-call.kms.{operation}", refuse)
    yield
    kms.meta.events.unregister(f"before-call.kms.{operation}", refuse)


@pytest.mark.parametrize("code", ["DisabledException", "KMSInvalidStateException"])
def test_stage_key_whose_data_key_cannot_open_is_said_with_kmss_words(own: Gatehouse, code: str) -> None:
    words = "arn:of:it is pending deletion"
    with (
        refusing(own, "Decrypt", code, f"{words}."),
        pytest.raises(Unsound, match=f"does not open: {words}. Mend that key"),
    ):
        up(own.stage, tenant(own))


def test_data_key_that_is_about_to_be_deleted_is_said_before_a_new_stage_is_made(own: Gatehouse, aws: Stage) -> None:
    other, kms = replace(own, stage=replace(aws, name=f"{own.stage.name}x")), own.stage.clients.kms
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    kms.create_alias(AliasName=data_key_alias(other.stage.name), TargetKeyId=key)
    kms.schedule_key_deletion(KeyId=key)
    ran = other.up(small_document())

    assert (ran.code, ran.out) == (1, "")
    assert ran.err.startswith("the data key is about to be deleted in KMS. To keep it: aws kms cancel-key-deletion")
    assert table_names(other.stage) == []


def test_data_key_that_is_disabled_is_one_fault_and_not_two(own: Gatehouse) -> None:
    own.stage.clients.kms.disable_key(KeyId=data_key(own).rpartition("/")[2])
    with (
        refusing(own, "Decrypt", "DisabledException", "arn:of:it is disabled."),
        pytest.raises(Unsound, match=r"^the data key is disabled in KMS\. To use it again: ") as fault,
    ):
        up(own.stage, tenant(own))

    assert str(fault.value).count("\n") == 0


def test_caller_who_may_not_decrypt_is_told_of_no_fault(own: Gatehouse) -> None:
    with refusing(own, "Decrypt", "AccessDeniedException", "You are not authorized to perform: kms:Decrypt"):
        assert up(own.stage, tenant(own)) == []


def test_stage_key_that_was_sealed_for_something_else_does_not_pass(own: Gatehouse) -> None:
    kms = own.stage.clients.kms
    plain = kms.decrypt(
        CiphertextBlob=sealer_of(own.stage.name, (own.stage.config().stage_key() or {})["data_key"])[1],
        EncryptionContext={"gatehouse": STAGE_OWNER},
    )["Plaintext"]
    sealed = kms.encrypt(KeyId=data_key(own), Plaintext=plain, EncryptionContext={"gatehouse": "other"})
    own.stage.config().put("stage_key", {"data_key": store_data_key(sealed["CiphertextBlob"])})

    assert own.up(small_document()).code == 1


# Signing keys


def statuses(own: Gatehouse) -> dict[str, str]:
    return {key.kid: key.status for key in own.stage.config().keys().keys}


def key_of(own: Gatehouse, status: str) -> Any:
    (found,) = (key for key in own.stage.config().keys().keys if key.status == status)
    return found


def test_deleted_current_key_is_replaced_by_one_that_signs_at_once(own: Gatehouse, now: int) -> None:
    lost = key_of(own, "current")
    lose(lost.key_arn)
    _, waits = rotate(own.stage, now)
    made = key_of(own, "current")

    assert statuses(own) == {made.kid: "current", lost.kid: "previous"}
    assert waits[0] == f"RS256: who caches the JWKS may refuse tokens of {made.kid} until that is read anew."
    assert own.up(small_document()).code == 0


def test_published_next_key_takes_the_place_of_a_deleted_current_one(own: Gatehouse, now: int) -> None:
    rotate(own.stage, now)
    lost, following = key_of(own, "current"), key_of(own, "next")
    lose(lost.key_arn)
    rotate(own.stage, now + 1)

    assert statuses(own) == {following.kid: "current", lost.kid: "previous"}


def test_current_key_that_is_deleted_while_a_previous_one_lives_is_replaced_too(own: Gatehouse, now: int) -> None:
    rotate(own.stage, now)
    rotate(own.stage, now + PUBLISH_S)
    oldest, lost = key_of(own, "previous"), key_of(own, "current")
    lose(lost.key_arn)
    rotate(own.stage, now + PUBLISH_S + 1)
    made = key_of(own, "current")

    assert statuses(own) == {made.kid: "current", lost.kid: "previous", oldest.kid: "previous"}
    rotate(own.stage, now + PUBLISH_S + RETIRE_S)
    assert statuses(own) == {made.kid: "current", lost.kid: "previous"}
    rotate(own.stage, now + PUBLISH_S + RETIRE_S + 1)
    assert statuses(own) == {made.kid: "current"}


def test_deleted_next_key_is_replaced_and_never_signs(own: Gatehouse, now: int) -> None:
    rotate(own.stage, now)
    current, lost = key_of(own, "current"), key_of(own, "next")
    lose(lost.key_arn)
    changes, _ = rotate(own.stage, now + PUBLISH_S)
    made = key_of(own, "next")

    assert statuses(own) == {current.kid: "current", made.kid: "next"}
    assert [(change.action, change.detail) for change in changes] == [
        ("delete", "it was deleted in KMS"),
        ("create", "next"),
    ]
    rotate(own.stage, now + 2 * PUBLISH_S)
    assert statuses(own) == {current.kid: "previous", made.kid: "current"}


@pytest.mark.parametrize(("state", "mend"), [("Disabled", "enable-key"), ("PendingDeletion", "cancel-key-deletion")])
def test_next_key_that_cannot_sign_does_not_become_the_current_one(
    own: Gatehouse, now: int, state: str, mend: str
) -> None:
    rotate(own.stage, now)
    before, following = statuses(own), key_of(own, "next")
    kms_backends[DEFAULT_ACCOUNT_ID][REGION].keys[following.key_arn.rpartition("/")[2]].key_state = state
    with pytest.raises(Unsound, match=f"the next RS256 key {following.kid} is .*aws kms {mend}"):
        rotate(own.stage, now + PUBLISH_S)

    assert statuses(own) == before

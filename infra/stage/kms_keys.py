"""The KMS keys of a stage as the tools see them: what sealed the stage key, and why a key cannot be used."""

from dataclasses import dataclass

from botocore.exceptions import ClientError

from chalicelib.rotation.kms_keys import UNREADABLE, KmsKeys, Metadata
from infra.stage.aws import Stage

STATES = ("DisabledException", "KMSInvalidStateException")


@dataclass(frozen=True, slots=True)
class Sealer:
    """The KMS key that sealed a data key. arn: "" if unknown. refusal: KMS's message if the key cannot be used now."""

    arn: str = ""
    is_gone: bool = False
    refusal: str = ""


def kms_keys(stage: Stage) -> KmsKeys:
    """Return the KMS keys of a stage, as the scheduled rotation makes and finds them."""
    return KmsKeys(stage.aws, stage.name, stage.pause)


def find_key(stage: Stage, key_id: str) -> Metadata | None:
    """Return KMS's metadata of a key, by its ARN or alias, or None."""
    return kms_keys(stage).find(key_id)


def give_alias(stage: Stage, alias: str, arn: str) -> None:
    """Give a key an alias. It may have the alias already: CreateAlias has no idempotency token, and may run twice."""
    kms = stage.clients.kms
    try:
        kms.create_alias(AliasName=alias, TargetKeyId=arn)
    except kms.exceptions.AlreadyExistsException:
        found = find_key(stage, alias)
        if found is None or found["Arn"] != arn:
            raise


def find_sealer(stage: Stage, sealed: bytes, owner: str) -> Sealer:
    """Return the KMS key that sealed a data key.

    No fault is reported if the caller may not decrypt: the function needs that permission, `up` does not.
    """
    kms, context = stage.clients.kms, {"gatehouse": owner}
    try:
        return Sealer(kms.decrypt(CiphertextBlob=sealed, EncryptionContext=context)["KeyId"])
    except ClientError as refusal:
        code, words = refusal.response["Error"]["Code"], refusal.response["Error"].get("Message", "")
        if code in STATES:
            return Sealer(refusal=f"{words.rstrip('.')}.")
        if code == "AccessDeniedException" and "not authorized" in words:
            return Sealer()
        # KMS also denies access to a key that is deleted.
        if code in (*UNREADABLE, "InvalidCiphertextException"):
            return Sealer(is_gone=True)
        raise


def state_fault(named: str, key: Metadata) -> list[str]:
    """Return why a key cannot be used, with the command that mends it. Return nothing if it can.

    A disabled key stays disabled: the operator may have had a reason.
    """
    state, arn = key["KeyState"], key["Arn"]
    enable = f"aws kms enable-key --key-id {arn}"
    if state == "Disabled":
        return [f"{named} is disabled in KMS. To use it again: {enable}"]
    if state == "PendingDeletion":
        keep = f"aws kms cancel-key-deletion --key-id {arn}"
        return [f"{named} is about to be deleted in KMS. To keep it: {keep} && {enable}"]
    return [] if state == "Enabled" else [f"{named} is {state} in KMS. To see why: aws kms describe-key --key-id {arn}"]

"""Make the KMS keys of a stage, find them again by their tag, and check them. Publishing is for keys.py."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeVar

from botocore.exceptions import ClientError

from chalicelib.errors import TemporarilyUnavailable
from infra.stage.aws import Stage

if TYPE_CHECKING:
    from mypy_boto3_kms.type_defs import KeyMetadataTypeDef

A = TypeVar("A")

TRIES = 30
PAUSE_S = 1.0
# The tag that the functions' IAM policies require.
STAGE_TAG = "gatehouse-stage"
# A key with this tag has left the JWKS. It is not one that an interrupted run left behind.
RETIRED_TAG = "gatehouse-retired"
NOT_FOUND = "NotFoundException"
UNREADABLE = ("AccessDeniedException", NOT_FOUND)
STATES = ("DisabledException", "KMSInvalidStateException")


@dataclass(frozen=True, slots=True)
class Sealer:
    """The KMS key that sealed a data key. arn: "" if unknown. refusal: KMS's message if the key cannot be used now."""

    arn: str = ""
    is_gone: bool = False
    refusal: str = ""


@dataclass(frozen=True, slots=True)
class KeyPlan:
    """A key to make: KMS's names of its kind and its use, and a description for the operator."""

    spec: Literal["RSA_2048", "ECC_NIST_P256", "SYMMETRIC_DEFAULT"]
    usage: Literal["SIGN_VERIFY", "ENCRYPT_DECRYPT"]
    description: str


def find_or_make(stage: Stage, plan: KeyPlan, taken: Collection[str] = ()) -> str:
    """Return the ARN of a multi-Region key of this kind: one that an interrupted run left, or a new one.

    taken: ARNs of keys that are in use. A key of one Region could not be replicated later, so none is taken over.
    CreateKey has no idempotency token, so a run that stops after it leaves a key behind.
    """
    left = _leftovers(stage, plan, taken)
    if left:
        return max(left, key=lambda key: key["CreationDate"])["Arn"]
    made = stage.clients.kms.create_key(
        KeySpec=plan.spec,
        KeyUsage=plan.usage,
        MultiRegion=True,
        Description=f"Gatehouse {stage.name}: {plan.description}",
        Tags=[{"TagKey": STAGE_TAG, "TagValue": stage.name}],
    )
    return made["KeyMetadata"]["Arn"]


def when_known(stage: Stage, operation: Callable[[], A]) -> A:
    """Return the answer of an operation on a new key; repeat it for half a minute while KMS does not find the key.

    KMS is eventually consistent: it may not find a key for some seconds after CreateKey.
    """
    for _ in range(TRIES):
        try:
            return operation()
        except (ClientError, TemporarilyUnavailable) as failure:
            if not _is_unknown_key(failure):
                raise
        stage.pause(PAUSE_S)
    return operation()


def _is_unknown_key(failure: ClientError | TemporarilyUnavailable) -> bool:
    if isinstance(failure, ClientError):
        return failure.response["Error"]["Code"] == NOT_FOUND
    return failure.reason.endswith(f": {NOT_FOUND}")


def tag_retired(stage: Stage, arn: str) -> None:
    """Tag a key as retired. A key that is deleted, or about to be, needs no tag."""
    kms = stage.clients.kms
    try:
        kms.tag_resource(KeyId=arn, Tags=[{"TagKey": RETIRED_TAG, "TagValue": "true"}])
    except (kms.exceptions.NotFoundException, kms.exceptions.KMSInvalidStateException):
        return


def find_key(stage: Stage, key_id: str) -> "KeyMetadataTypeDef | None":
    """Return KMS's metadata of a key, by its ARN or alias, or None."""
    kms = stage.clients.kms
    try:
        return kms.describe_key(KeyId=key_id)["KeyMetadata"]
    except kms.exceptions.NotFoundException:
        return None


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


def state_fault(named: str, key: "KeyMetadataTypeDef") -> list[str]:
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


def _leftovers(stage: Stage, plan: KeyPlan, taken: Collection[str]) -> "list[KeyMetadataTypeDef]":
    kms = stage.clients.kms
    arns = [key["KeyArn"] for page in kms.get_paginator("list_keys").paginate() for key in page["Keys"]]
    ours = [arn for arn in arns if arn not in taken and _is_left(stage, arn)]
    found = [kms.describe_key(KeyId=arn)["KeyMetadata"] for arn in ours]
    usable = [key for key in found if key["KeyState"] == "Enabled" and key.get("MultiRegion")]
    return [key for key in usable if key.get("KeySpec") == plan.spec]


def _is_left(stage: Stage, arn: str) -> bool:
    """Return whether a key has the stage's tag, and is not tagged as retired."""
    try:
        answer = stage.clients.kms.list_resource_tags(KeyId=arn)
    except ClientError as error:
        if error.response["Error"]["Code"] in UNREADABLE:
            return False
        raise
    tags = {tag["TagKey"]: tag["TagValue"] for tag in answer["Tags"]}
    return tags.get(STAGE_TAG) == stage.name and RETIRED_TAG not in tags

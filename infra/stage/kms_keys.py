"""The KMS keys of a stage: made, found again by their tag, and looked after. Nothing here publishes or names them."""

from base64 import b64decode
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
# The tag that the functions' IAM policies ask for.
STAGE_TAG = "gatehouse-stage"
# A key with this one has left the JWKS, and is not taken for one that an interrupted run left behind.
RETIRED_TAG = "gatehouse-retired"
NOT_FOUND = "NotFoundException"
UNREADABLE = ("AccessDeniedException", NOT_FOUND)
STATES = ("DisabledException", "KMSInvalidStateException")


@dataclass(frozen=True, slots=True)
class Sealer:
    """The key that sealed something. arn: empty if it is not known. refusal: KMS's words, if it cannot be used now."""

    arn: str = ""
    is_gone: bool = False
    refusal: str = ""


@dataclass(frozen=True, slots=True)
class KeyPlan:
    """A key to be made: KMS's names for its kind and its use, and a sentence for those who find it."""

    spec: Literal["RSA_2048", "ECC_NIST_P256", "SYMMETRIC_DEFAULT"]
    usage: Literal["SIGN_VERIFY", "ENCRYPT_DECRYPT"]
    description: str


def find_or_make(stage: Stage, plan: KeyPlan, taken: Collection[str] = ()) -> str:
    """Return the ARN of a key of this kind that is not in taken: one that an earlier run made and left, or a new one.

    CreateKey knows no idempotency token, so a run that ends between it and the next call leaves a key behind.
    """
    left = _leftovers(stage, plan, taken)
    if left:
        return max(left, key=lambda key: key["CreationDate"])["Arn"]
    made = stage.clients.kms.create_key(
        KeySpec=plan.spec,
        KeyUsage=plan.usage,
        Description=f"Gatehouse {stage.name}: {plan.description}",
        Tags=[{"TagKey": STAGE_TAG, "TagValue": stage.name}],
    )
    return made["KeyMetadata"]["Arn"]


def when_known(stage: Stage, operation: Callable[[], A]) -> A:
    """Return what an operation on a new key answers, tried for half a minute.

    KMS is eventually consistent: for some seconds after CreateKey it may not find the key.
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
    """Mark a key that leaves the JWKS; a key that is gone or on its way out needs no mark."""
    kms = stage.clients.kms
    try:
        kms.tag_resource(KeyId=arn, Tags=[{"TagKey": RETIRED_TAG, "TagValue": "true"}])
    except (kms.exceptions.NotFoundException, kms.exceptions.KMSInvalidStateException):
        return


def find_key(stage: Stage, key_id: str) -> "KeyMetadataTypeDef | None":
    """Return what KMS says of a key, by its ARN or alias; None if it knows none."""
    kms = stage.clients.kms
    try:
        return kms.describe_key(KeyId=key_id)["KeyMetadata"]
    except kms.exceptions.NotFoundException:
        return None


def give_alias(stage: Stage, alias: str, arn: str) -> None:
    """Give a key an alias. It may have it already: a lost answer is asked for again, and CreateAlias knows no token."""
    kms = stage.clients.kms
    try:
        kms.create_alias(AliasName=alias, TargetKeyId=arn)
    except kms.exceptions.AlreadyExistsException:
        found = find_key(stage, alias)
        if found is None or found["Arn"] != arn:
            raise


def find_sealer(stage: Stage, sealed: str, owner: str) -> Sealer:
    """Return which key sealed a data key, as KMS reads it off the stored form.

    A caller who may not decrypt is told of no fault: that is the function's permission, and not one of `up`.
    """
    kms, context = stage.clients.kms, {"gatehouse": owner}
    try:
        return Sealer(kms.decrypt(CiphertextBlob=b64decode(sealed), EncryptionContext=context)["KeyId"])
    except ClientError as refusal:
        code, words = refusal.response["Error"]["Code"], refusal.response["Error"].get("Message", "")
        if code in STATES:
            return Sealer(refusal=f"{words.rstrip('.')}.")
        if code == "AccessDeniedException" and "not authorized" in words:
            return Sealer()
        # KMS denies access to a key that is gone, too.
        if code in (*UNREADABLE, "InvalidCiphertextException"):
            return Sealer(is_gone=True)
        raise


def state_fault(named: str, key: "KeyMetadataTypeDef") -> list[str]:
    """Return why a key cannot be used, with the command that mends it; or nothing.

    A disabled key is not enabled here: an operator may have disabled it because it must not be used.
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
    return [key for key in found if key["KeyState"] == "Enabled" and key.get("KeySpec") == plan.spec]


def _is_left(stage: Stage, arn: str) -> bool:
    """Return whether a key of the account bears the stage's tag, and not that of a retired one."""
    try:
        answer = stage.clients.kms.list_resource_tags(KeyId=arn)
    except ClientError as error:
        if error.response["Error"]["Code"] in UNREADABLE:
            return False
        raise
    tags = {tag["TagKey"]: tag["TagValue"] for tag in answer["Tags"]}
    return tags.get(STAGE_TAG) == stage.name and RETIRED_TAG not in tags

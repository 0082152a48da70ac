"""The KMS keys of a stage: make them, find them again by their tag, and take them out of use."""

import time
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

from chalicelib.errors import TemporarilyUnavailable, WireError
from chalicelib.store.aws.calls import Aws

A = TypeVar("A")
# KMS's description of a key.
Metadata = dict[str, Any]

TRIES = 30
PAUSE_S = 1.0
# The tag that the functions' IAM policies require.
STAGE_TAG = "gatehouse-stage"
# A key with this tag has left the JWKS. It is not one that an interrupted run left behind.
RETIRED_TAG = "gatehouse-retired"
NOT_FOUND = "NotFoundException"
UNREADABLE = ("AccessDeniedException", NOT_FOUND)
# KMS's word for the state of a key that is deleted, or about to be.
DELETED_STATE = "KMSInvalidStateException"


@dataclass(frozen=True, slots=True)
class KeyPlan:
    """A key to make: KMS's names of its kind and its use, and a description for the operator."""

    spec: Literal["RSA_2048", "ECC_NIST_P256", "SYMMETRIC_DEFAULT"]
    usage: Literal["SIGN_VERIFY", "ENCRYPT_DECRYPT"]
    description: str


@dataclass(slots=True, eq=False, repr=False)
class KmsKeys:
    """The KMS keys of one stage. pause: waits the given seconds."""

    aws: Aws
    stage: str
    pause: Callable[[float], None] = time.sleep

    def find(self, key_id: str) -> Metadata | None:
        """Return KMS's metadata of a key, by its ARN or alias, or None."""
        return self._answer(lambda: self.aws.call("DescribeKey", KeyId=key_id)["KeyMetadata"], NOT_FOUND)

    def find_or_make(self, plan: KeyPlan, taken: Collection[str] = ()) -> str:
        """Return the ARN of a multi-Region key of this kind: one that an interrupted run left, or a new one.

        taken: ARNs of keys that are in use. A key of one Region could not be replicated later, so none is taken over.
        CreateKey has no idempotency token, so a run that stops after it leaves a key behind.
        """
        left = [key for key in self._keys() if key["Arn"] not in taken and self._is_left(key, plan)]
        if left:
            return str(max(left, key=lambda key: key["CreationDate"])["Arn"])
        made = self.aws.call(
            "CreateKey",
            KeySpec=plan.spec,
            KeyUsage=plan.usage,
            MultiRegion=True,
            Description=f"Gatehouse {self.stage}: {plan.description}",
            Tags=[{"TagKey": STAGE_TAG, "TagValue": self.stage}],
        )
        return str(made["KeyMetadata"]["Arn"])

    def read_public_key(self, arn: str) -> bytes:
        """Return the public half of a key as DER SubjectPublicKeyInfo."""
        der: bytes = self.when_known(lambda: self.aws.call("GetPublicKey", KeyId=arn)["PublicKey"])
        return der

    def tag_retired(self, arn: str) -> None:
        """Tag a key as retired. A key that is deleted, or about to be, needs no tag."""
        tags = [{"TagKey": RETIRED_TAG, "TagValue": "true"}]
        self._answer(lambda: self.aws.call("TagResource", KeyId=arn, Tags=tags), NOT_FOUND, DELETED_STATE)

    def disable(self, arn: str) -> None:
        """Disable a key, so that it signs nothing more. A key that is deleted, or about to be, signs nothing anyway."""
        # The ID: moto takes no ARN here.
        key_id = arn.rpartition("/")[2]
        self._answer(lambda: self.aws.call("DisableKey", KeyId=key_id), NOT_FOUND, DELETED_STATE)

    def when_known(self, operation: Callable[[], A]) -> A:
        """Return the answer of an operation on a new key; repeat it for half a minute while KMS does not find the key.

        KMS is eventually consistent: it may not find a key for some seconds after CreateKey.
        """
        for _ in range(TRIES):
            try:
                return operation()
            # The tools call by botocore too, which has exceptions of its own.
            except Exception as failure:
                if NOT_FOUND not in (failure.reason if isinstance(failure, WireError) else str(failure)):
                    raise
            self.pause(PAUSE_S)
        return operation()

    def _keys(self) -> Iterator[Metadata]:
        """Yield the metadata of each key of the account that may be read."""
        page: dict[str, Any] = {"Truncated": True}
        while page.get("Truncated"):
            after = {"Marker": page["NextMarker"]} if "NextMarker" in page else {}
            page = self.aws.call("ListKeys", **after)
            for listed in page["Keys"]:
                key = self._answer(self._describe(listed["KeyArn"]), *UNREADABLE)
                if key:
                    yield key

    def _describe(self, arn: str) -> Callable[[], Metadata]:
        return lambda: self.aws.call("DescribeKey", KeyId=arn)["KeyMetadata"]

    def _is_left(self, key: Metadata, plan: KeyPlan) -> bool:
        """Return whether a key is usable for a plan, has the stage's tag, and is not tagged as retired."""
        # The tags are asked for last: KMS answers few such questions a second.
        if key["KeyState"] != "Enabled" or not key.get("MultiRegion") or key.get("KeySpec") != plan.spec:
            return False
        answer = self._answer(lambda: self.aws.call("ListResourceTags", KeyId=key["Arn"]), *UNREADABLE)
        tags = {tag["TagKey"]: tag["TagValue"] for tag in answer["Tags"]} if answer else {}
        return tags.get(STAGE_TAG) == self.stage and RETIRED_TAG not in tags

    def _answer(self, operation: Callable[[], A], *refusals: str) -> A | None:
        """Return the answer of an operation, or None if KMS refuses it in one of these words."""
        try:
            return operation()
        except TemporarilyUnavailable as failure:
            if failure.reason.rpartition(": ")[2] not in refusals:
                raise
        return None

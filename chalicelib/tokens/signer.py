"""Sign with KMS, and notice that a key may sign no more."""

from collections.abc import Callable
from dataclasses import dataclass

from chalicelib.errors import TemporarilyUnavailable
from chalicelib.store.aws.kms import Kms

# KMS's words for a key that is disabled, or deleted.
GONE = ("DisabledException", "KMSInvalidStateException", "NotFoundException")


@dataclass(slots=True, eq=False, repr=False)
class TokenSigner:
    """Signs bytes with KMS. forget_keys: lets the process read the key set anew."""

    kms: Kms
    forget_keys: Callable[[], None]

    def sign(self, key_id: str, alg: str, message: bytes) -> bytes:
        """Return KMS's signature. Raises TemporarilyUnavailable.

        If the key may sign no more, it may have been revoked since the key set was read: the next login reads it anew.
        """
        try:
            return self.kms.sign(key_id, alg, message)
        except TemporarilyUnavailable as failure:
            if failure.reason.endswith(GONE):
                self.forget_keys()
            raise

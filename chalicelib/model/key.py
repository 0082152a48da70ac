"""The keys that sign the tokens, as the configuration publishes them."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SigningKey:
    """One KMS key. kid: its RFC 7638 thumbprint. key_arn: where KMS keeps it. jwk: the public key.

    status: next (published), current (signs) or previous (published until its last token ends).
    since: epoch seconds of the last change of status.
    """

    kid: str
    alg: str
    key_arn: str
    jwk: dict[str, str]
    status: str
    since: int


@dataclass(frozen=True, slots=True)
class KeySet:
    """All keys of one stage."""

    keys: tuple[SigningKey, ...] = ()

    def current(self, alg: str) -> SigningKey | None:
        """Return the key that signs with alg now, or None if the stage has none."""
        return next((key for key in self.keys if key.alg == alg and key.status == "current"), None)

    @property
    def algs(self) -> tuple[str, ...]:
        """The algorithms that can sign now, RS256 first."""
        return tuple(sorted({key.alg for key in self.keys if key.status == "current"}, reverse=True))

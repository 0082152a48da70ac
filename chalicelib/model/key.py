"""The keys that sign the tokens, as the configuration publishes them."""

from dataclasses import dataclass

# How long a key signs before the schedule replaces it, if the tenant file does not say.
ROTATION_DAYS = 90


@dataclass(frozen=True, slots=True)
class SigningKey:
    """One KMS key. kid: its RFC 7638 thumbprint. key_arn: of the Region that made it. jwk: the public key.

    status: next (published), current (signs) or previous (published until its last token ends).
    since: epoch seconds of the last change of status.
    """

    kid: str
    alg: str
    key_arn: str
    jwk: dict[str, str]
    status: str
    since: int

    @property
    def key_id(self) -> str:
        """The KMS key in whatever Region the caller is: a multi-Region key's own ID, which its replicas share.

        A key of one Region, as the version before made them, has its ARN.
        """
        name = self.key_arn.rpartition("/")[2]
        return name if name.startswith("mrk-") else self.key_arn


@dataclass(frozen=True, slots=True)
class KeySet:
    """All keys of one stage."""

    keys: tuple[SigningKey, ...] = ()

    def current(self, alg: str) -> SigningKey | None:
        """Return the key that signs with alg now, or None if the stage has none."""
        return next((key for key in self.keys if key.alg == alg and key.status == "current"), None)

    def find(self, kid: str) -> SigningKey | None:
        """Return the key of that kid."""
        return next((key for key in self.keys if key.kid == kid), None)

    def of(self, alg: str) -> tuple[SigningKey, ...]:
        """Return the keys of an algorithm."""
        return tuple(key for key in self.keys if key.alg == alg)

    @property
    def algs(self) -> tuple[str, ...]:
        """The algorithms that can sign now, RS256 first."""
        return tuple(sorted({key.alg for key in self.keys if key.status == "current"}, reverse=True))

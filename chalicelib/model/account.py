"""An account, as limits, notices and sealed secrets know it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Account:
    """A realm and an ID in it. id: the user_id, or the keyed hash of an identifier that no user has."""

    realm: str
    id: str

    @property
    def key(self) -> str:
        """The account as one text, for the store and KMS. No realm's name holds a `#`."""
        return f"{self.realm}#{self.id}"

    @classmethod
    def of_key(cls, key: str) -> "Account":
        """Return the account of a key."""
        realm, _, account_id = key.partition("#")
        return cls(realm, account_id)

"""Tokens that ended at large: one item `revoked#REALM` in the sessions table, read with a person (docs/adr/0021).

It holds a count for the realm, and one for each client that was ever named. TTL never sweeps it.
"""

import hashlib
from dataclasses import dataclass

from chalicelib.model.storage import Key, Read
from chalicelib.store.dynamo import Dynamo, Update

EVERYBODY = "everybody"


@dataclass(frozen=True, slots=True)
class RevocationStore:
    """The counts of one stage. Every read is consistent; a revocation is one atomic addition."""

    dynamo: Dynamo
    table: str

    def read_of(self, realm: str, client_id: str) -> Read[int]:
        """Return the read of how many revocations concern a realm's people at a client."""
        counters = (EVERYBODY, _counter(client_id))
        return Read((self._key(realm),), lambda items: sum((items[0] or {}).get(name, 0) for name in counters))

    def revoke(self, realm: str, client_id: str | None = None) -> None:
        """End what everybody of a realm has out, through one client or through all, at once."""
        counter = _counter(client_id) if client_id else EVERYBODY
        self.dynamo.update(self._key(realm), Update(f"ADD {counter} :one", "", {":one": 1}))

    def _key(self, realm: str) -> Key:
        return Key(self.table, f"revoked#{realm}", "counts")


def _counter(client_id: str) -> str:
    return f"client_{hashlib.sha256(client_id.encode()).hexdigest()[:32]}"

"""Revocations of all tokens of a realm, or of a client in it (docs/adr/0021).

One item `revoked#REALM` in the sessions table counts them, for the realm and for each client. It is read together with
the user, and TTL never sweeps it.
"""

import hashlib
from dataclasses import dataclass

from chalicelib.model.storage import Key, Read
from chalicelib.store.dynamo import Dynamo, Update

WHOLE_REALM = "everybody"


@dataclass(slots=True, eq=False, repr=False)
class RevocationStore:
    """Counts the revocations of one stage. Every read is consistent; a revocation is one atomic addition."""

    dynamo: Dynamo
    table: str

    def read_of(self, realm: str, client_id: str) -> Read[int]:
        """Return the read of the count of revocations for a realm's users at a client."""
        counters = (WHOLE_REALM, _counter(client_id))
        return Read((self._key(realm),), lambda items: sum((items[0] or {}).get(name, 0) for name in counters))

    def revoke(self, realm: str, client_id: str | None = None) -> None:
        """End the tokens of all users of a realm at once, those of one client or of all."""
        counter = _counter(client_id) if client_id else WHOLE_REALM
        self.dynamo.update(self._key(realm), Update(f"ADD {counter} :one", "", {":one": 1}))

    def _key(self, realm: str) -> Key:
        return Key(self.table, f"revoked#{realm}", "counts")


def _counter(client_id: str) -> str:
    return f"client_{hashlib.sha256(client_id.encode()).hexdigest()[:32]}"

"""A realm whose users are in its own DynamoDB table."""

from collections.abc import Callable
from dataclasses import dataclass, field

from chalicelib.model.address import network
from chalicelib.model.storage import Read, Write
from chalicelib.model.tenant import Realm
from chalicelib.model.user import User
from chalicelib.passwords.hash import hash_password, is_hash_as_typed, needs_rehash
from chalicelib.store.dynamo import Value
from chalicelib.store.users import UserStore

# No user_id looks like this: the read that an unknown name is owed finds nothing.
_NOBODY = "-"
MAX_KNOWN_ADDRESSES = 10


@dataclass(frozen=True, slots=True)
class DynamoDirectory:
    """Answers for one realm. Asks AWS the same, and hashes the same, for somebody and for nobody.

    dummy_hash: what an unknown user's password is held against. verify: does that, at the price of passwords.verify.
    """

    realm: Realm
    users: UserStore
    bcrypt_cost: int
    dummy_hash: str = field(repr=False)
    verify: Callable[[str, str], bool]

    def user_id_of(self, typed: str) -> Read[str | None]:
        """Return the read of the user_id of the person who typed this."""
        return self.users.user_id_of(typed, self.realm.identifiers)

    def read_of(self, user_id: str | None) -> Read[User | None]:
        """Return the read of a record; for the user_id None too, which costs the same and finds nobody."""
        return self.users.read_of(user_id or _NOBODY)

    def has_password(self, user: User | None, password: str) -> bool:
        """Return whether this is the user's password: the same work for nobody and for a user without one."""
        stored = user.password_hash if user else ""
        matches = self.verify(password, stored or self.dummy_hash)
        return matches and bool(stored)

    def login_write(self, user: User, at: int, source_ip: str, renewed: dict[str, str]) -> Callable[[str], Write]:
        """Return what makes the write that records a login; it takes a counter to raise by one too, or "".

        renewed: what renewed_hash gave.
        """
        values: dict[str, Value] = {
            "last_login": at,
            "last_ip": source_ip,
            **renewed,
            **_known_addresses(user, source_ip),
        }
        return lambda counter: self.users.login_write(
            user, values, {"logins_count": 1} | ({counter: 1} if counter else {})
        )

    def renewed_hash(self, user: User, password: str) -> dict[str, str]:
        """Return the attribute that replaces a hash of another cost or make; nothing where it is as it should be.

        password: the right one, as it was typed. A hash that another server made without NFC is replaced too.
        """
        stored = user.password_hash
        if needs_rehash(stored, self.bcrypt_cost) or is_hash_as_typed(password, stored):
            return {"password_hash": hash_password(password, self.bcrypt_cost)}
        return {}


def _known_addresses(user: User, source_ip: str) -> dict[str, Value]:
    """Return the attribute that holds the networks of the latest logins; nothing where it stays as it is."""
    latest = network(source_ip)
    others = [address for address in user.known_addresses if address != latest]
    known = (latest, *others[: MAX_KNOWN_ADDRESSES - 1])
    return {} if known == user.known_addresses else {"known_addresses": " ".join(known)}

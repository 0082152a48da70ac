"""A realm whose users are in its own DynamoDB table."""

from collections.abc import Callable
from dataclasses import dataclass, field

from chalicelib.identifiers import canonical
from chalicelib.model.tenant import Realm
from chalicelib.model.user import User
from chalicelib.passwords import hash_password, needs_rehash
from chalicelib.store.transactions import Write
from chalicelib.store.users import UserStore

# No user_id looks like this: the read that an unknown name is owed finds nothing.
_NOBODY = "-"


@dataclass(frozen=True, slots=True)
class DynamoDirectory:
    """Answers for one realm. Asks AWS the same, and hashes the same, for somebody and for nobody.

    dummy_hash: what an unknown user's password is held against. verify: does that, at the price of one bcrypt.
    """

    realm: Realm
    users: UserStore
    bcrypt_cost: int
    dummy_hash: str = field(repr=False)
    verify: Callable[[str, str], bool]

    def find(self, typed: str) -> str | None:
        """Return the user_id of the person who typed this, or None."""
        return self.users.locate(canonical(typed), self.realm.identifiers)

    def read(self, user_id: str | None) -> User | None:
        """Return the record, or None; one call for None too."""
        return self.users.read(user_id or _NOBODY)

    def has_password(self, user: User | None, password: str) -> bool:
        """Whether this is the user's password: exactly one bcrypt, for nobody and for a user without one too."""
        stored = user.password_hash if user else ""
        matches = self.verify(password, stored or self.dummy_hash)
        return matches and bool(stored)

    def login_write(self, user: User, password: str, at: int, source_ip: str) -> Write:
        """Return the write that records a login, and renews a hash of another cost or make."""
        renew = needs_rehash(user.password_hash, self.bcrypt_cost)
        return self.users.login_write(user, at, source_ip, hash_password(password, self.bcrypt_cost) if renew else "")

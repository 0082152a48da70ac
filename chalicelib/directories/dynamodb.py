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

    def login_write(self, user: User, at: int, source_ip: str, renewed: dict[str, str]) -> Callable[[str], Write]:
        """Return what makes the write that records a login; it takes a counter to raise by one too, or "".

        renewed: what renewed_hash gave.
        """
        values: dict[str, str | int | bool] = {"last_login": at, "last_ip": source_ip, **renewed}
        return lambda counter: self.users.login_write(
            user, values, {"logins_count": 1} | ({counter: 1} if counter else {})
        )

    def renewed_hash(self, user: User, password: str) -> dict[str, str]:
        """Return the attribute that replaces a hash of another cost or make; nothing where it is as it should be."""
        if not needs_rehash(user.password_hash, self.bcrypt_cost):
            return {}
        return {"password_hash": hash_password(password, self.bcrypt_cost)}

"""A realm whose users are in its own DynamoDB table."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from chalicelib.errors import TemporarilyUnavailable
from chalicelib.model.directory import LoginRecord, LoginWrites, NamedUser, UserOf
from chalicelib.model.storage import Item, Key, Read
from chalicelib.model.tenant import Realm
from chalicelib.model.user import Credentials, User
from chalicelib.passwords.hash import hash_password, is_bcrypt, is_hash_as_typed, needs_rehash
from chalicelib.store.aws.calls import ConditionFailed
from chalicelib.store.people.items import credentials_from, profile_key, user_from
from chalicelib.store.people.users import UserStore

# No user_id looks like this, so the read for an unknown user finds nothing.
_NOBODY = "-"
# How often metadata is written again if other requests change it meanwhile.
KEEP_TRIES = 4


@dataclass(slots=True, eq=False, repr=False)
class DynamoDirectory:
    """The directory of one realm (`model/directory.py`).

    dummy_hash: an unknown user's password is checked with it. verify: checks a password, at the cost of
    passwords/hash.py's verify.
    """

    realm: Realm
    users: UserStore
    bcrypt_cost: int
    dummy_hash: str = field(repr=False)
    verify: Callable[[str, str], bool]

    def name_of(self, typed: str) -> Read[NamedUser | None]:
        """Return the read of the user whom an identifier names, if it is of a kind that the realm allows."""
        return self.users.name_of(typed, self.realm.identifiers)

    def counts_of(self, user_id: str) -> Key:
        """Return the key of a user's credentials, which count the attempts at them."""
        return self.users.key_of(user_id)

    def beside_counts(self, user_id: str | None, has_profile: bool) -> Read[UserOf]:
        """Return the read of the profile, if it is needed. For None it costs the same and finds no user."""

        def parse(profiles: tuple[Item | None, ...]) -> UserOf:
            return lambda counted: _make_user(user_id, counted, profiles)

        keys = (profile_key(self.users.table, user_id or _NOBODY),) if has_profile else ()
        return Read(keys, parse)

    def read_of(self, user_id: str) -> Read[User | None]:
        """Return the read of a user with the profile."""
        return self.users.read_of(user_id)

    def credentials_of(self, user_id: str) -> Read[Credentials | None]:
        """Return the read of a user's credentials; it misses those that have the shape of the version before."""
        return self.users.credentials_of(user_id)

    def find(self, user_id: str) -> User | None:
        """Return a user; one who is stored in the shape of the version before is brought into the present one first."""
        return self.users.read(user_id)

    def has_password(self, user: Credentials | None, password: str) -> bool:
        """Return whether this is the user's password: the same work for None and for a user without one.

        A hash of another scheme than bcrypt costs its own work and then the same work, whatever the answer.
        """
        stored = user.password_hash if user else ""
        if not stored or is_bcrypt(stored):
            matches = self.verify(password, stored or self.dummy_hash)
            return matches and bool(stored)
        matches = self.verify(password, stored)
        self.verify(password, self.dummy_hash)
        return matches

    def renew_hash(self, user: Credentials, password: str) -> str | None:
        """Return the stored form that replaces one of another cost or make, or None if none is needed.

        password: the right one, as it was typed. A hash that another server made without NFC is replaced too.
        """
        stored = user.password_hash
        if needs_rehash(stored, self.bcrypt_cost) or is_hash_as_typed(password, stored):
            return hash_password(password, self.bcrypt_cost)
        return None

    def login_writes(self, user: Credentials, login: LoginRecord) -> LoginWrites:
        """Return the function that makes the one conditional write of a login."""
        return lambda counter: (self.users.login_write(user, login, counter),)

    def keep_metadata(self, user: User, changed: dict[str, dict[str, Any]], now: int) -> None:
        """Store metadata that rules changed, in one write.

        If the metadata has changed since it was read, only the first-level members that the rules changed are stored.
        """
        read, wanted = user, changed
        for _ in range(KEEP_TRIES):
            try:
                return self.users.put_metadata(read, wanted, now)
            except ConditionFailed:
                found = self.users.read(user.user_id)
                if found is None:
                    return None
                read = found
                wanted = {name: _merge(getattr(user, name), new, getattr(read, name)) for name, new in changed.items()}
        raise TemporarilyUnavailable(reason="update_item: the metadata kept changing")

    def correct_count(self, user: Credentials, counter: str, live: int) -> None:
        """Set a counter of refresh families to the number that live, unless it changed since the user was read."""
        self.users.correct_count(user, counter, live)


def _make_user(user_id: str | None, counted: Item, profiles: tuple[Item | None, ...]) -> Credentials | None:
    """Return the user whose credentials the counted item is; None if it is no user's, or a profile is missing."""
    if user_id is None or "credential_version" not in counted:
        return None
    if not profiles:
        return credentials_from(counted)
    (profile,) = profiles
    return user_from(counted, profile) if profile else None


def _merge(before: dict[str, Any], after: dict[str, Any], now: dict[str, Any]) -> dict[str, Any]:
    """Return `now` with the changes that lead from `before` to `after`."""
    kept = {name: value for name, value in now.items() if name in after or name not in before}
    return kept | {name: value for name, value in after.items() if name not in before or before[name] != value}

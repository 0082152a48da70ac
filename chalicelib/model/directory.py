"""The interface of a realm backend: only what a login needs of it (docs/adr/0035).

A backend is one file in `directories/` and one line of `wiring/stores.py`. The suite of tests/contract/ runs on
each one.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from chalicelib.model.storage import Change, Item, Key, Read, Write
from chalicelib.model.tenant import Realm
from chalicelib.model.user import Credentials, User

# Returns the writes that record a login; takes the name of a number in the credentials to raise by one, or None.
LoginWrites = Callable[[str | None], tuple[Write, ...]]
# Returns the user of an attempt, None for nobody; takes the item that counted it.
UserOf = Callable[[Item], Credentials | None]


@dataclass(frozen=True, slots=True)
class NamedUser:
    """The user whom an identifier names. kind: of the identifier, username or email."""

    user_id: str
    kind: str


@dataclass(frozen=True, slots=True)
class LoginRecord:
    """The changes of a login in its user's credentials. at: epoch seconds.

    password_hash: the renewed stored form. multifactor: the kinds of second factors. Either is None if it stays.
    counts: the changes of the attempts' counts, for a backend that keeps them.
    """

    at: int
    source_ip: str
    password_hash: str | None = field(default=None, repr=False)
    multifactor: str | None = None
    counts: Change = field(default_factory=Change, repr=False)


class Directory(Protocol):
    """Finds the users of one realm. For an unknown user it does the same reads and hashing as for a known one."""

    @property
    def realm(self) -> Realm: ...

    def name_of(self, typed: str) -> Read[NamedUser | None]:
        """Return the read of the user whom an identifier names, None for an unknown one."""

    def counts_of(self, user_id: str) -> Key | None:
        """Return the key of the item that counts the attempts at a user, and which UserOf makes the user of.

        None if the backend keeps no counts: then they stand in the attempts table.
        """

    def beside_counts(self, user_id: str | None, has_profile: bool) -> Read[UserOf]:
        """Return the read of what a login needs beside the item of the counts. For None it costs the same.

        has_profile: whether the user must have the profile. Where nothing is needed, the read has no keys.
        """

    def read_of(self, user_id: str) -> Read[User | None]:
        """Return the read of a user with the profile."""

    def credentials_of(self, user_id: str) -> Read[Credentials | None]:
        """Return the read of a user's credentials. It may miss a user whom `find` finds."""

    def find(self, user_id: str) -> User | None:
        """Return a user by a call of its own, ready for every write of a login."""

    def has_password(self, user: Credentials | None, password: str) -> bool:
        """Return whether this is the user's password: the same work for None and for a user without one."""

    def renew_hash(self, user: Credentials, password: str) -> str | None:
        """Return the stored form that replaces an outdated one of the right password, or None if none is needed."""

    def login_writes(self, user: Credentials, login: LoginRecord) -> LoginWrites:
        """Return the function that makes the writes that record a login.

        The writes fail with ConditionFailed if the user's credentials have changed since they were read.
        """

    def keep_metadata(self, user: User, changed: dict[str, dict[str, Any]], now: int) -> None:
        """Store the metadata that rules changed, by name. Members that other requests changed meanwhile stay."""

    def correct_count(self, user: Credentials, counter: str, live: int) -> None:
        """Set a counter of refresh families to the number that live, unless it changed since the user was read."""

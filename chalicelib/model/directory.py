"""The interface of a realm backend: only what a login needs of it (docs/adr/0035).

A backend is one file in `directories/` and one line of `wiring/stores.py`. The suite of tests/contract/ runs on
each one.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from chalicelib.model.storage import Read, Write
from chalicelib.model.tenant import Realm
from chalicelib.model.user import User

# Returns the writes that record a login; takes the name of a number in the record to raise by one, or None.
LoginWrites = Callable[[str | None], tuple[Write, ...]]


@dataclass(frozen=True, slots=True)
class LoginRecord:
    """The changes of a login in its user's record. at: epoch seconds.

    password_hash: the renewed stored form. multifactor: the kinds of second factors. Either is None if it stays.
    """

    at: int
    source_ip: str
    password_hash: str | None = field(default=None, repr=False)
    multifactor: str | None = None


class Directory(Protocol):
    """Finds the users of one realm. For an unknown user it does the same reads and hashing as for a known one."""

    @property
    def realm(self) -> Realm: ...

    def user_id_of(self, typed: str) -> Read[str | None]:
        """Return the read of the user_id of the user who typed this, None for an unknown one."""

    def read_of(self, user_id: str | None) -> Read[User | None]:
        """Return the read of a user's record. For None it costs the same and finds no user."""

    def has_password(self, user: User | None, password: str) -> bool:
        """Return whether this is the user's password: the same work for None and for a user without one."""

    def renew_hash(self, user: User, password: str) -> str | None:
        """Return the stored form that replaces an outdated one of the right password, or None if none is needed."""

    def login_writes(self, user: User, login: LoginRecord) -> LoginWrites:
        """Return the function that makes the writes that record a login.

        The writes fail with ConditionFailed if the user's credentials have changed since the record was read.
        """

    def keep_metadata(self, user: User, changed: dict[str, dict[str, Any]], now: int) -> None:
        """Store the metadata that rules changed, by name. Members that other requests changed meanwhile stay."""

    def correct_count(self, user: User, counter: str, live: int) -> None:
        """Set a counter of refresh families to the number that live, unless it changed since the record was read."""

"""The interface of a realm backend: what a login needs of it, and no more."""

from collections.abc import Callable
from typing import Any, Protocol

from chalicelib.model.storage import Read
from chalicelib.model.tenant import Realm
from chalicelib.model.user import User


class Directory(Protocol):
    """Answers for one realm. It does the same reads and the same hashing for an unknown user as for a known one."""

    @property
    def realm(self) -> Realm: ...

    def user_id_of(self, typed: str) -> Read[str | None]:
        """Return the read of the user_id of the person who typed this, None for an unknown one."""

    def read_of(self, user_id: str | None) -> Read[User | None]:
        """Return the read of a record; for None too, which costs the same and finds nobody."""

    def has_password(self, user: User | None, password: str) -> bool:
        """Return whether this is the user's password: the same work for None and for a user without one."""

    def renewed_hash(self, user: User, password: str) -> dict[str, str]:
        """Return the attribute that replaces an outdated hash of the right password; nothing if none is needed."""

    # Any: a write is the store's, as in Login.
    def login_write(self, user: User, at: int, source_ip: str, renewed: dict[str, str]) -> Callable[[str], Any]:
        """Return what makes the write that records a login; it takes a counter to raise by one too, or ""."""

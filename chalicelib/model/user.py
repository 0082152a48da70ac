"""A user in one realm: the credentials that each login reads, and the profile that few need."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from chalicelib.model.address import network

# How many networks a user's credentials remember.
MAX_KNOWN_ADDRESSES = 10


@dataclass(frozen=True, slots=True)
class Permission:
    """One scope of an API, as a role or a user has it. api: its audience."""

    api: str
    value: str


@dataclass(frozen=True, slots=True)
class Credentials:
    """The part of one user that each login reads and changes. Times are epoch seconds.

    password_hash: the stored form (`passwords/hash.py`); "" if no password was ever set, which no password matches.
    credential_version: goes up with each change that ends pending logins and access tokens of the MFA API: a new
    password, a block, a reset of the second factors, a revocation of refresh tokens.
    password_version: goes up with each new password. Both start at any number if the user_id is imported.
    families_version: goes up with each change that ends all refresh tokens of the user; older families have ended.
    revocations: how often all tokens of the realm or of this request's client were revoked; it is not stored here.
    multifactor: the kinds of active second factors, between commas.
    known_addresses: the networks of the latest successful logins, the latest first.
    family_counts: by counter name, how many families began since the counter was last corrected.
    roles, permissions: what the user may do; a role is named, and its permissions are the API's to know.
    attempt_counts: the counts of attempts, as `store/tally.py` reads them.
    has_old_shape: whether they are stored in the shape of the version before, which no login can change.
    """

    user_id: str
    blocked: bool = False
    password_hash: str = field(default="", repr=False)
    multifactor: str = ""
    credential_version: int = 1
    password_version: int = 0
    families_version: int = 1
    revocations: int = 0
    family_counts: dict[str, int] = field(default_factory=dict)
    attempt_counts: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)
    has_old_shape: bool = field(default=False, compare=False)
    last_password_reset: int = 0
    last_login: int = 0
    last_ip: str = ""
    logins_count: int = 0
    known_addresses: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    permissions: tuple[Permission, ...] = ()

    @property
    def credential_epoch(self) -> int:
        """The version that pending logins and access tokens of the MFA API must have."""
        return self.credential_version + self.revocations

    @property
    def families_epoch(self) -> int:
        """The version that refresh families must have."""
        return self.families_version + self.revocations

    def known_addresses_after(self, source_ip: str) -> tuple[str, ...]:
        """Return the networks of the latest logins after one from this address, the latest first."""
        latest = network(source_ip)
        others = [address for address in self.known_addresses if address != latest]
        return (latest, *others[: MAX_KNOWN_ADDRESSES - 1])


@dataclass(frozen=True, slots=True)
class User(Credentials):
    """The credentials of one user with the profile.

    password_history: the stored forms of earlier passwords, the latest first, as many as the realm remembers.
    migrated_at: the login that moved the user here from the realm's legacy store, 0 if none did.
    """

    username: str = ""
    email: str = ""
    email_verified: bool = False
    name: str = ""
    given_name: str = ""
    family_name: str = ""
    nickname: str = ""
    picture: str = ""
    phone_number: str = ""
    phone_verified: bool = False
    password_history: list[str] = field(default_factory=list, repr=False)
    created_at: int = 0
    updated_at: int = 0
    migrated_at: int = 0
    app_metadata: dict[str, Any] = field(default_factory=dict)
    user_metadata: dict[str, Any] = field(default_factory=dict)


def with_profile(user: Credentials | None) -> User:
    """Return a user whose profile was read; raises TypeError for one without it."""
    if not isinstance(user, User):
        raise TypeError("the user's profile was not read")
    return user

"""A person in one realm."""

from dataclasses import dataclass, field
from typing import Any

from chalicelib.model.address import network

# How many networks a person's record remembers.
MAX_KNOWN_ADDRESSES = 10


@dataclass(frozen=True, slots=True)
class User:
    """The record of one person. Times are epoch seconds.

    password_hash: the stored form (`passwords/hash.py`); "" if no password was ever set, which no password matches.
    password_history: the stored forms of passwords before that, the latest first, as many as the realm remembers.
    credential_version: counts what must end logins under way and access tokens of the MFA API: a new password, a block,
    a reset of the second factors, a revocation of refresh tokens.
    password_version: counts the new passwords alone. Both begin anywhere if the user_id is an imported one.
    families_version: counts what ends all refresh tokens of the person; a family of an older count is dead.
    revocations: counts what ended at large, for the realm or for the client of this request; no part of the record.
    multifactor: the kinds of active second factors, between commas.
    known_addresses: the networks of the latest right logins, the latest first.
    family_counts: by counter name, how many families were begun since they were last looked through.
    """

    user_id: str
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
    blocked: bool = False
    password_hash: str = field(default="", repr=False)
    multifactor: str = ""
    password_history: list[str] = field(default_factory=list, repr=False)
    credential_version: int = 1
    password_version: int = 0
    families_version: int = 1
    revocations: int = 0
    family_counts: dict[str, int] = field(default_factory=dict)
    created_at: int = 0
    updated_at: int = 0
    last_password_reset: int = 0
    last_login: int = 0
    last_ip: str = ""
    logins_count: int = 0
    known_addresses: tuple[str, ...] = ()
    app_metadata: dict[str, Any] = field(default_factory=dict)
    user_metadata: dict[str, Any] = field(default_factory=dict)

    @property
    def credential_epoch(self) -> int:
        """The version that logins that wait and access tokens of the MFA API must have been begun at."""
        return self.credential_version + self.revocations

    @property
    def families_epoch(self) -> int:
        """The version that refresh tokens must have been begun at."""
        return self.families_version + self.revocations

    def known_addresses_after(self, source_ip: str) -> tuple[str, ...]:
        """Return the networks of the latest logins once there was one from here, the latest first."""
        latest = network(source_ip)
        others = [address for address in self.known_addresses if address != latest]
        return (latest, *others[: MAX_KNOWN_ADDRESSES - 1])

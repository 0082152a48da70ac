"""Refresh tokens as they are stored: one family for each login, whatever the number of its tokens."""

from dataclasses import dataclass, field

from chalicelib.model.tenant import RefreshTokenPolicy
from chalicelib.model.user import Credentials


@dataclass(frozen=True, slots=True)
class FamilyKey:
    """The key of a family: its user's realm and user_id, and its own ID. family_id: 32 hex digits."""

    realm: str
    user_id: str
    family_id: str


@dataclass(frozen=True, slots=True)
class RefreshFamily:
    """One family. Times are epoch seconds, except previous_until_ms; hashes are SHA-256 in hex.

    audience: None for /userinfo alone. scopes: as first granted. families_version: the user's when the family began.
    current_hash: of the one live token. previous_hash: of its predecessor, taken until previous_until_ms.
    nonce: makes the current secret of the predecessor's, in hex; worthless without that secret.
    ends_at: the absolute end, 0 for never. is_of_before: whether it stands where the version before stored it.
    """

    key: FamilyKey
    client_id: str
    audience: str | None
    scopes: tuple[str, ...]
    auth_time: int
    amr: tuple[str, ...]
    families_version: int
    current_hash: str = field(repr=False)
    created_at: int
    created_ip: str
    ends_at: int
    last_used_at: int
    last_used_ip: str
    previous_hash: str = field(default="", repr=False)
    previous_until_ms: int = 0
    nonce: str = field(default="", repr=False)
    is_of_before: bool = False

    def has_ended(self, user: Credentials, policy: RefreshTokenPolicy, now: float) -> bool:
        """Return whether the family has ended: by time, even if TTL has not swept it, or with all of the user's.

        now: epoch seconds.
        """
        idle_s = policy.idle_token_lifetime_s
        is_idle = idle_s is not None and now >= self.last_used_at + idle_s
        return is_idle or 0 < self.ends_at <= now or self.families_version != user.families_epoch

    def ends_unused_at(self, policy: RefreshTokenPolicy) -> int:
        """Return when the family ends if it is not used again, in epoch seconds; 0 for never."""
        idle_s = policy.idle_token_lifetime_s
        ends = (self.ends_at, self.last_used_at + idle_s if idle_s is not None else 0)
        return min((end for end in ends if end), default=0)

"""Refresh tokens at rest: one family per login, whatever number of tokens it has seen."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Locator:
    """Where a family is. realm and user_id: whose it is. family_id: 32 hex digits."""

    realm: str
    user_id: str
    family_id: str


@dataclass(frozen=True, slots=True)
class Family:
    """One family. Times are epoch seconds, but for previous_until_ms; hashes are SHA-256 in hex.

    audience: "" for /userinfo alone. scopes: as first granted. families_version: the user's when the family began.
    current_hash: of the one live token. previous_hash: of its predecessor, taken until previous_until_ms.
    nonce: what the predecessor's secret was turned into the current one with, in hex; worthless without that secret.
    ends_at: the absolute end, 0 for never.
    """

    locator: Locator
    client_id: str
    audience: str
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

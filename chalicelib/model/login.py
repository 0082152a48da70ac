"""What was proved, and what was granted: the two halves of a token."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Login:
    """Who is asking, and how a grant knows.

    sub: the user_id. amr: RFC 8176 values. gty: the grant in Auth0's words. auth_time: epoch seconds.
    writes: what the store must note of this login, in one transaction with whatever is issued.
    give_back: returns what the proof consumed, for when the tokens cannot be issued for no fault of the person's.
    """

    sub: str
    client_id: str
    gty: str
    amr: tuple[str, ...]
    auth_time: int
    writes: tuple[Any, ...] = field(default=(), repr=False)
    give_back: Callable[[], None] = field(default=lambda: None, repr=False)


@dataclass(frozen=True, slots=True)
class Access:
    """What the token is for. audience: the API, or None for /userinfo alone. token_lifetime_s: seconds."""

    audience: str | None
    scopes: tuple[str, ...]
    signing_alg: str = "RS256"
    token_lifetime_s: int = 86_400
    token_dialect: str = "rfc9068_profile"

    @property
    def scope(self) -> str:
        """The scopes as the wire and the claim have them."""
        return " ".join(self.scopes)

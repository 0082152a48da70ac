"""What was proved, and what was granted: the two halves of a token."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from chalicelib.model.user import User


@dataclass(frozen=True, slots=True)
class Asked:
    """What a request asks for. audience: None where it names none. scopes: empty where it names none."""

    audience: str | None
    scopes: frozenset[str]


@dataclass(frozen=True, slots=True)
class Original:
    """What was granted before, which this request can narrow and not widen. audience: None for /userinfo alone.

    ends_at: epoch seconds, when the refresh tokens of that end, 0 for never.
    """

    audience: str | None
    scopes: tuple[str, ...]
    ends_at: int = 0


def _no_writes(_: str) -> tuple[Any, ...]:
    return ()


@dataclass(frozen=True, slots=True)
class Login:
    """Who is asking, and how a grant knows.

    sub: the user_id, or a client's own name. gty: the grants in Auth0's words, the latest first. protocol: what Auth0's
    rules know this kind of login by. amr: RFC 8176 values. auth_time: epoch seconds. user, realm, source_ip: the
    person and where they are, empty for a client on its own behalf.
    asked: what an earlier request of this login asked for, which counts instead of what this one does.
    original: what this login continues; None lets it ask for anything.
    has_second_factor: whether this very request proved one.
    renew: uses up the refresh token that was shown and returns its successor, or None where it stays; None as a whole
    where no refresh token was shown.
    writes: what the store notes of this login, in one transaction with what is issued; takes the name of a counter of
    the user's record that goes up by one with it, or "".
    is_used_up: whether the writes consume the proof, and so wait until the tokens are signed. refused: what is said
    where the writes find that it was used, or the user changed, meanwhile.
    give_back: returns what the proof consumed, where this failure keeps the tokens from being issued.
    members: what the token response says beside the tokens.
    latest_exp: epoch seconds that no token of this login outlives; 0 for no such bound.
    """

    sub: str
    client_id: str
    gty: tuple[str, ...]
    protocol: str = ""
    amr: tuple[str, ...] = ()
    auth_time: int | None = None
    user: User | None = None
    realm: str = ""
    source_ip: str = ""
    asked: Asked | None = None
    original: Original | None = None
    has_second_factor: bool = False
    renew: Callable[[], str | None] | None = field(default=None, repr=False)
    writes: Callable[[str], tuple[Any, ...]] = field(default=_no_writes, repr=False)
    is_used_up: bool = False
    refused: str = "Wrong email or password."
    give_back: Callable[[Exception], None] = field(default=lambda _: None, repr=False)
    members: Mapping[str, str] = field(default_factory=dict, repr=False)
    latest_exp: int = 0


@dataclass(frozen=True, slots=True)
class Access:
    """The access that a token gives. audience: the API, or None for /userinfo alone. Lifetimes: seconds.

    claims, id_token_claims: what rules add to either token.
    """

    audience: str | None
    scopes: tuple[str, ...]
    signing_alg: str = "RS256"
    token_lifetime_s: int = 86_400
    id_token_lifetime_s: int = 36_000
    token_dialect: str = "rfc9068_profile"
    claims: Mapping[str, Any] = field(default_factory=dict)
    id_token_claims: Mapping[str, Any] = field(default_factory=dict)

    @property
    def scope(self) -> str:
        """The scopes as the wire and the claim have them."""
        return " ".join(self.scopes)

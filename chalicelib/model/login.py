"""The proved facts of a login, and the granted access. A token is made of both."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from chalicelib.model.user import Credentials, User, with_profile


@dataclass(frozen=True, slots=True)
class RequestedAccess:
    """The access that a request names. audience: None if it names none. scopes: empty if it names none."""

    audience: str | None
    scopes: frozenset[str]


@dataclass(frozen=True, slots=True)
class Original:
    """The access that an earlier login was granted. This request can narrow it, and never widen it.

    audience: None for /userinfo alone. ends_at: the end of that login's refresh tokens, epoch seconds, 0 for never.
    """

    audience: str | None
    scopes: tuple[str, ...]
    ends_at: int = 0


@dataclass(frozen=True, slots=True)
class Login:
    """The facts that a grant proved. Its writes are the settlement's (docs/adr/0033).

    sub: the user_id, or a client's own name. gty: the grants in Auth0's words, the latest first. protocol: the name of
    this kind of login in Auth0's rules. amr: RFC 8176 values. auth_time: epoch seconds. user, realm, source_ip: empty
    for a client on its own behalf. door: the letter of the kind of name that was typed (`store/tally.py`), "" for none.
    requested: the access that an earlier request of this login named; it replaces this request's.
    original: the access that this login continues; None if it may request any.
    has_second_factor: whether this very request proved one.
    latest_exp: epoch seconds that no token of this login outlives; 0 for no such bound.
    """

    sub: str
    client_id: str
    gty: tuple[str, ...]
    protocol: str = ""
    amr: tuple[str, ...] = ()
    auth_time: int | None = None
    user: Credentials | None = None
    realm: str = ""
    source_ip: str = ""
    door: str = ""
    requested: RequestedAccess | None = None
    original: Original | None = None
    has_second_factor: bool = False
    latest_exp: int = 0

    @property
    def person(self) -> User:
        """The user with the profile; raises TypeError if the login did not read it."""
        return with_profile(self.user)

    def with_roles(self, roles: tuple[str, ...]) -> "Login":
        """Return the login of the same user with other roles."""
        return self if self.user is None else replace(self, user=replace(self.user, roles=roles))


@dataclass(frozen=True, slots=True)
class Access:
    """The access that a token gives. audience: the API, or None for /userinfo alone. Lifetimes: seconds.

    claims, id_token_claims: what rules add to either token. permissions: of the claim of that name, None for no claim.
    """

    audience: str | None
    scopes: tuple[str, ...]
    signing_alg: str = "RS256"
    token_lifetime_s: int = 86_400
    id_token_lifetime_s: int = 36_000
    token_dialect: str = "rfc9068_profile"
    permissions: tuple[str, ...] | None = None
    claims: Mapping[str, Any] = field(default_factory=dict)
    id_token_claims: Mapping[str, Any] = field(default_factory=dict)

    @property
    def scope(self) -> str:
        """The scopes as one text, as the wire and the claim have them."""
        return " ".join(self.scopes)

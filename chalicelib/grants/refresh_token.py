"""The refresh token grant (RFC 6749 6): a token that was issued with an earlier login."""

from collections.abc import Callable
from dataclasses import dataclass

from chalicelib.errors import InvalidGrant, is_refusal
from chalicelib.model.login import Login, Original
from chalicelib.model.request import Request
from chalicelib.model.tenant import REFRESH_TOKEN, Client
from chalicelib.store.configuration.config import ConfigStore
from chalicelib.tokens.refresh import UNKNOWN, PresentedToken, RefreshTokens
from chalicelib.tokens.settlement import Issuance, Issued, ProvedLogin


@dataclass(slots=True, eq=False, repr=False)
class RefreshTokenSettlement:
    """Renews the refresh token while the tokens are signed."""

    refresh_tokens: RefreshTokens
    found: PresentedToken
    client: Client
    source_ip: str

    def settle(self, issuance: Issuance) -> Issued:
        """Sign the tokens, and hand out the successor if the client rotates its refresh tokens."""
        return issuance.sign_and_renew(lambda: self.refresh_tokens.renew(self.found, self.client, self.source_ip))

    def undo(self, failure: Exception) -> None:
        """Let the client retry with the same token, unless a retry would be refused again."""
        if not is_refusal(failure):
            self.refresh_tokens.let_retry(self.found, self.client)


@dataclass(slots=True, eq=False, repr=False)
class RefreshTokenGrant:
    """Proves a user by a refresh token. The user is read afresh; amr and auth_time are the first login's.

    needs_profile: whether a request's login needs the user's profile.
    """

    refresh_tokens: RefreshTokens
    config: ConfigStore
    needs_profile: Callable[[Request], bool]
    grant_type: str = REFRESH_TOKEN
    parameters: tuple[str, ...] = ("refresh_token",)
    log_codes: tuple[str, str] = ("sertft", "fertft")
    is_for_users: bool = True

    def prove(self, client: Client, request: Request) -> ProvedLogin:
        """Return the user's login; raises InvalidGrant, Unauthorized for a blocked user."""
        found = self._find(client, request)
        family, user = found.family, found.user
        login = Login(
            sub=user.user_id,
            client_id=client.client_id,
            gty=("refresh_token", "password"),
            protocol="oauth2-refresh-token",
            amr=family.amr,
            auth_time=family.auth_time,
            user=user,
            realm=family.key.realm,
            original=Original(family.audience, family.scopes, family.ends_at),
        )
        return ProvedLogin(login, RefreshTokenSettlement(self.refresh_tokens, found, client, request.source_ip))

    def _find(self, client: Client, request: Request) -> PresentedToken:
        """Return the presented token if it may be used; raises InvalidGrant, Unauthorized.

        A failure does not count for the address: 256 random bits are not guessed, and applications retry dead tokens.
        """
        # Without a scope the tokens show what the first login's did, which only the family knows.
        has_profile = not request.params.get("scope") or self.needs_profile(request)
        found = self.refresh_tokens.find(request.require("refresh_token"), client, has_profile)
        if found is None:
            raise InvalidGrant(UNKNOWN, reason="unknown refresh token, or another client's")
        key = found.family.key
        request.outcome.realm, request.outcome.user = key.realm, key.user_id
        self.refresh_tokens.require_usable(found, client)
        if found.family.audience and self.config.api_of(found.family.audience, client) is None:
            raise InvalidGrant(UNKNOWN, reason="the API is gone, or not the client's any more")
        return found

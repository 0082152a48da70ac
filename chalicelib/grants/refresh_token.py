"""The refresh token grant (RFC 6749 6): a token that was issued with an earlier login."""

from dataclasses import dataclass

from chalicelib.errors import InvalidGrant, is_refusal
from chalicelib.model.login import Login, Original
from chalicelib.model.request import Request
from chalicelib.model.tenant import REFRESH_TOKEN, Client
from chalicelib.store.config import ConfigStore
from chalicelib.tokens.refresh import UNKNOWN, Found, RefreshTokens


@dataclass(frozen=True, slots=True)
class RefreshTokenGrant:
    """Proves a person by their refresh token; who they are is read afresh, how they proved it is carried on."""

    refresh_tokens: RefreshTokens
    config: ConfigStore
    grant_type: str = REFRESH_TOKEN
    parameters: tuple[str, ...] = ("refresh_token",)
    log_codes: tuple[str, str] = ("sertft", "fertft")
    is_for_people: bool = True

    def prove(self, client: Client, request: Request) -> Login:
        """Return who is asking; raises InvalidGrant, Unauthorized for a blocked user."""
        found = self._found(client, request)
        family, user = found.family, found.user
        return Login(
            sub=user.user_id,
            client_id=client.client_id,
            gty=("refresh_token", "password"),
            protocol="oauth2-refresh-token",
            amr=family.amr,
            auth_time=family.auth_time,
            user=user,
            realm=family.locator.realm,
            original=Original(family.audience or None, family.scopes, family.ends_at),
            renew=lambda: self.refresh_tokens.renew(found, client, request.source_ip),
            give_back=lambda failure: None if is_refusal(failure) else self.refresh_tokens.let_retry(found, client),
        )

    def _found(self, client: Client, request: Request) -> Found:
        """Return what a usable token leads to.

        No failure counts for the address: nobody guesses 256 random bits, and applications retry dead tokens.
        """
        found = self.refresh_tokens.find(request.required("refresh_token"), client)
        if found is None:
            raise InvalidGrant(UNKNOWN, reason="no refresh token of this client and a person")
        locator = found.family.locator
        request.outcome.realm, request.outcome.user = locator.realm, locator.user_id
        self.refresh_tokens.require_usable(found, client)
        if found.family.audience and self.config.api_of(found.family.audience, client) is None:
            raise InvalidGrant(UNKNOWN, reason="the API is gone, or not the client's any more")
        return found

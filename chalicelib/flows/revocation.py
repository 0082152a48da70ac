"""/oauth/revoke (RFC 7009): a client revokes a refresh token, and its family ends."""

from dataclasses import dataclass

from chalicelib.clients import ClientAuthenticator
from chalicelib.errors import InvalidToken, UnsupportedTokenType
from chalicelib.model.request import Request
from chalicelib.tokens.refresh import RefreshTokens
from chalicelib.tokens.verifier import AccessTokenVerifier


@dataclass(slots=True, eq=False, repr=False)
class RevocationFlow:
    """Answers POST /oauth/revoke."""

    clients: ClientAuthenticator
    refresh_tokens: RefreshTokens
    verifier: AccessTokenVerifier

    def answer(self, request: Request) -> None:
        """End the token's family; an unknown or expired token, or another client's, is no error.

        Raises UnsupportedTokenType for an access token, which cannot be revoked. Source: RFC 7009 2.2.
        """
        client = self.clients.authenticate(request)
        token = request.require("token")
        found = self.refresh_tokens.find(token, client)
        if found:
            request.outcome.realm, request.outcome.user = found.family.key.realm, found.user.user_id
            if found.is_current or found.is_predecessor:
                self.refresh_tokens.families.end(found.family)
                request.outcome.event = "srrt"
        elif self._is_access_token(token, request.issuer):
            raise UnsupportedTokenType("Access tokens cannot be revoked; they end by themselves.")

    def _is_access_token(self, token: str, issuer: str) -> bool:
        try:
            self.verifier.verify(token, issuer)
        except InvalidToken:
            return False
        return True

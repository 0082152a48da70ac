"""Mints what a token response holds."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from jwt.api_jws import PyJWS

from chalicelib.errors import InvalidGrant, ServerError
from chalicelib.model.key import KeySet
from chalicelib.model.login import Access, Login
from chalicelib.model.request import Request
from chalicelib.model.tenant import Client
from chalicelib.scopes import OFFLINE_ACCESS
from chalicelib.store.aws import ConditionFailed, both
from chalicelib.store.transactions import commit
from chalicelib.tokens.claims import ID_TOKEN_TYP, OPENID, TYP, access_token_claims, id_token_claims
from chalicelib.tokens.refresh import RefreshTokens

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

ID_TOKEN_ALG = "RS256"


@dataclass(frozen=True, slots=True)
class Issuer:
    """Signs tokens and notes the login, all at once. clock: epoch seconds. new_id: a fresh jti."""

    jws: PyJWS
    dynamodb: "DynamoDBClient"
    refresh_tokens: RefreshTokens
    keys: Callable[[], KeySet]
    clock: Callable[[], float]
    new_id: Callable[[], str]

    def mint(self, request: Request, client: Client, login: Login, access: Access) -> dict[str, Any]:
        """Return the token response of RFC 6749 5.1.

        The tokens leave only if the login was noted. Raises InvalidGrant where the user was changed meanwhile.
        """
        refresh_token, signed = both(
            lambda: self._note(client, login, access), lambda: self._signed(request.issuer, login, access)
        )
        answer = {**signed, "token_type": "Bearer", "expires_in": access.token_lifetime_s, "scope": access.scope}
        return answer if refresh_token is None else answer | {"refresh_token": refresh_token}

    def _note(self, client: Client, login: Login, access: Access) -> str | None:
        """Write what this login leaves in the store, and return the refresh token to hand out."""
        if login.renew:
            return login.renew()
        token = None
        if OFFLINE_ACCESS in access.scopes and login.user:
            token, writes = self.refresh_tokens.begin(login, login.user, access, client)
        else:
            writes = login.writes("")
        try:
            commit(self.dynamodb, writes)
        except ConditionFailed:
            raise InvalidGrant("Wrong email or password.", reason="the user was changed during the login") from None
        return token

    def _signed(self, issuer: str, login: Login, access: Access) -> dict[str, str]:
        now = int(self.clock())
        claims = access_token_claims(issuer, login, access, self.new_id(), now)
        typ = TYP[access.token_dialect]
        if OPENID not in access.scopes or login.user is None:
            return {"access_token": self._sign(claims, access.signing_alg, typ)}
        shown = id_token_claims(issuer, login, login.user, access.scopes, now)
        access_token, id_token = both(
            lambda: self._sign(claims, access.signing_alg, typ),
            lambda: self._sign(shown, ID_TOKEN_ALG, ID_TOKEN_TYP),
        )
        return {"access_token": access_token, "id_token": id_token}

    def _sign(self, claims: dict[str, Any], alg: str, typ: str) -> str:
        key = self.keys().current(alg)
        if key is None:
            raise ServerError("The login could not be completed.", reason=f"no current {alg} key")
        payload = json.dumps(claims, separators=(",", ":"), ensure_ascii=False).encode()
        return self.jws.encode(payload, key, alg, {"kid": key.kid, "typ": typ})  # type: ignore[arg-type]  # PyJWT hands the key to KmsAlgorithm unread

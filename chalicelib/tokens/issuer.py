"""Mints what a token response holds."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from jwt.api_jws import PyJWS

from chalicelib.errors import InvalidGrant, ServerError
from chalicelib.model.key import KeySet
from chalicelib.model.login import Access, Login
from chalicelib.store.aws import ConditionFailed, both
from chalicelib.store.transactions import commit
from chalicelib.tokens.claims import TYP, access_token_claims

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient


@dataclass(frozen=True, slots=True)
class Issuer:
    """Signs tokens and notes the login, both at once. clock: epoch seconds. new_id: a fresh jti."""

    jws: PyJWS
    dynamodb: "DynamoDBClient"
    keys: Callable[[], KeySet]
    clock: Callable[[], float]
    new_id: Callable[[], str]

    def mint(self, issuer: str, login: Login, access: Access) -> dict[str, Any]:
        """Return the token response of RFC 6749 5.1.

        The tokens leave only if the login's writes happened. Raises InvalidGrant where the user was changed meanwhile.
        """
        now = int(self.clock())
        claims = access_token_claims(issuer, login, access, self.new_id(), now)
        try:
            access_token, _ = both(lambda: self._sign(claims, access), lambda: commit(self.dynamodb, login.writes))
        except ConditionFailed:
            raise InvalidGrant("Wrong email or password.", reason="the user was changed during the login") from None
        return {
            "access_token": access_token,
            "token_type": "Bearer",
            "expires_in": access.token_lifetime_s,
            "scope": access.scope,
        }

    def _sign(self, claims: dict[str, Any], access: Access) -> str:
        key = self.keys().current(access.signing_alg)
        if key is None:
            raise ServerError("The login could not be completed.", reason=f"no current {access.signing_alg} key")
        payload = json.dumps(claims, separators=(",", ":")).encode()
        headers = {"kid": key.kid, "typ": TYP[access.token_dialect]}
        return self.jws.encode(payload, key, key.alg, headers)  # type: ignore[arg-type]  # PyJWT hands the key to KmsAlgorithm unread

"""Issue the tokens of a login: make them, sign them, and settle the login."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from chalicelib.errors import ServerError
from chalicelib.model.clock import Clock
from chalicelib.model.credential_state import mark_jti
from chalicelib.model.key import KeySet
from chalicelib.model.login import Access, Login
from chalicelib.model.tenant import Client
from chalicelib.store.aws.parallel import Parallel
from chalicelib.store.dynamo import Dynamo
from chalicelib.tokens.claims import (
    ID_TOKEN_TYP,
    OPENID,
    TYP,
    expires_at,
    make_access_token_claims,
    make_id_token_claims,
)
from chalicelib.tokens.jws import Sign, Unsigned, sign_token, write_unsigned
from chalicelib.tokens.refresh import RefreshTokens
from chalicelib.tokens.settlement import Issuance, ProvedLogin

ID_TOKEN_ALG = "RS256"


@dataclass(slots=True, eq=False, repr=False)
class Issuer:
    """Signs the tokens of a login and settles it. sign: KMS's. new_id: returns a fresh jti."""

    sign: Sign
    dynamo: Dynamo
    parallel: Parallel
    refresh_tokens: RefreshTokens
    keys: Callable[[], KeySet]
    clock: Clock
    new_id: Callable[[], str]

    def mint(self, issuer: str, client: Client, proved: ProvedLogin, access: Access) -> dict[str, Any]:
        """Return the token response of RFC 6749 5.1.

        The tokens leave only if the login was settled. Raises InvalidGrant if the user was changed meanwhile.
        """
        login, now = proved.login, self.clock.now_s()
        unsigned = self._make_tokens(issuer, login, access, now)
        issuance = Issuance(
            self.dynamo,
            self.parallel,
            self.refresh_tokens,
            client,
            login,
            access,
            sign=lambda: self._sign_all(unsigned),
        )
        issued = proved.settlement.settle(issuance)
        expires_in = expires_at(login, now, access.token_lifetime_s) - now
        answer = {**issued.signed, "token_type": "Bearer", "expires_in": expires_in, "scope": access.scope}
        refresh_token = {"refresh_token": issued.refresh_token} if issued.refresh_token else {}
        return answer | refresh_token | dict(proved.members)

    def _make_tokens(self, issuer: str, login: Login, access: Access, now: int) -> list[Unsigned]:
        """Return the tokens to sign; raises ServerError if one is too long, before anything is written."""
        claims = make_access_token_claims(issuer, login, access, self._make_jti(login), now)
        tokens = [self._make_token("access_token", claims, access.signing_alg, TYP[access.token_dialect])]
        if OPENID in access.scopes and login.user:
            shown = make_id_token_claims(issuer, login, access, now)
            tokens.append(self._make_token("id_token", shown, ID_TOKEN_ALG, ID_TOKEN_TYP))
        return tokens

    def _make_jti(self, login: Login) -> str:
        unique = self.new_id()
        return mark_jti(unique, login.realm, login.user) if login.user else unique

    def _make_token(self, name: str, claims: dict[str, Any], alg: str, typ: str) -> Unsigned:
        key = self.keys().current(alg)
        if key is None:
            raise ServerError("The login could not be completed.", reason=f"no current {alg} key")
        payload = json.dumps(claims, separators=(",", ":"), ensure_ascii=False).encode()
        return write_unsigned(name, payload, key, {"kid": key.kid, "typ": typ})

    def _sign_all(self, tokens: list[Unsigned]) -> dict[str, str]:
        """Return the signed tokens by their names: one KMS call each, at the same time."""
        if len(tokens) == 1:
            return {tokens[0].name: sign_token(tokens[0], self.sign)}
        signed = self.parallel.both(lambda: sign_token(tokens[0], self.sign), lambda: sign_token(tokens[1], self.sign))
        return dict(zip([token.name for token in tokens], signed, strict=True))

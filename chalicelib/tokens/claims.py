"""The claims of each kind of token. Pure."""

from typing import Any

from chalicelib.model.login import Access, Login

# Auth0's dialect keeps its own typ; everything else follows RFC 9068 2.1.
TYP = {"rfc9068_profile": "at+jwt", "access_token": "JWT"}


def access_token_claims(issuer: str, login: Login, access: Access, jti: str, now: int) -> dict[str, Any]:
    """Return an access token's claims. now: epoch seconds.

    aud is the API alone, or with /userinfo where openid was granted. Source: RFC 9068 2.2; docs/http.md "Tokens".
    """
    return {
        "iss": issuer,
        "sub": login.sub,
        "aud": _audience(issuer, access),
        "iat": now,
        "exp": now + access.token_lifetime_s,
        "jti": jti,
        "client_id": login.client_id,
        "azp": login.client_id,
        "scope": access.scope,
        "gty": login.gty,
        "auth_time": login.auth_time,
        "amr": list(login.amr),
    }


def _audience(issuer: str, access: Access) -> str | list[str]:
    userinfo = f"{issuer}userinfo"
    if access.audience is None:
        return userinfo
    return [access.audience, userinfo] if "openid" in access.scopes else access.audience

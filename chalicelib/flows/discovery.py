"""Publish the public keys, and the metadata of what works here (RFC 8414, OIDC Discovery)."""

from dataclasses import dataclass
from typing import Any

from chalicelib.assertions import SUPPORTED_ALGS
from chalicelib.model.request import Request
from chalicelib.scopes import OIDC_SCOPES
from chalicelib.store.configuration.config import ConfigStore

CONFIDENTIAL_METHODS = ["client_secret_basic", "client_secret_post", "private_key_jwt"]
CLAIMS = (
    *("iss", "sub", "aud", "iat", "exp", "auth_time", "amr"),
    *("name", "given_name", "family_name", "nickname", "preferred_username", "picture", "updated_at"),
    *("email", "email_verified", "phone_number", "phone_number_verified"),
)


@dataclass(slots=True, eq=False, repr=False)
class Discovery:
    """Answers the well-known paths. grant_types: those that this server has."""

    config: ConfigStore
    grant_types: tuple[str, ...]

    def metadata(self, request: Request) -> dict[str, Any]:
        """Return the metadata for the request's issuer. Source: RFC 8414 2; OpenID Connect Discovery 3; Auth0."""
        issuer, enabled = request.issuer, self.config.tenant().grant_types
        return {
            "issuer": issuer,
            "token_endpoint": f"{issuer}oauth/token",
            "userinfo_endpoint": f"{issuer}userinfo",
            "revocation_endpoint": f"{issuer}oauth/revoke",
            "introspection_endpoint": f"{issuer}oauth/introspect",
            "mfa_challenge_endpoint": f"{issuer}mfa/challenge",
            "jwks_uri": f"{issuer}.well-known/jwks.json",
            "grant_types_supported": [grant for grant in self.grant_types if grant in enabled],
            "response_types_supported": [],
            "scopes_supported": list(OIDC_SCOPES),
            "claims_supported": list(CLAIMS),
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": list(self.config.keys().algs),
            **_authentication("token", [*CONFIDENTIAL_METHODS, "none"]),
            **_authentication("revocation", [*CONFIDENTIAL_METHODS, "none"]),
            **_authentication("introspection", CONFIDENTIAL_METHODS),
        }

    def jwks(self, _: Request) -> dict[str, Any]:
        """Return the public keys: previous, current and next. Source: RFC 7517 5."""
        return {"keys": [key.jwk for key in self.config.keys().keys]}


def _authentication(endpoint: str, methods: list[str]) -> dict[str, list[str]]:
    return {
        f"{endpoint}_endpoint_auth_methods_supported": methods,
        f"{endpoint}_endpoint_auth_signing_alg_values_supported": list(SUPPORTED_ALGS),
    }

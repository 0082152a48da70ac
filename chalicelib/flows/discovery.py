"""What this server tells of itself: metadata and public keys, only what works (RFC 8414, OIDC Discovery)."""

from dataclasses import dataclass
from typing import Any

from chalicelib.clients import ASSERTION_ALGS
from chalicelib.scopes import OIDC_SCOPES
from chalicelib.store.config import ConfigStore


@dataclass(frozen=True, slots=True)
class Discovery:
    """Answers the well-known paths. grant_types: those that this server can do."""

    config: ConfigStore
    grant_types: tuple[str, ...]

    def metadata(self, issuer: str) -> dict[str, Any]:
        """Return the metadata for this issuer. Source: RFC 8414 2; OpenID Connect Discovery 3."""
        enabled = self.config.tenant().grant_types
        return {
            "issuer": issuer,
            "token_endpoint": f"{issuer}oauth/token",
            "jwks_uri": f"{issuer}.well-known/jwks.json",
            "grant_types_supported": [grant for grant in self.grant_types if grant in enabled],
            "response_types_supported": [],
            "scopes_supported": [scope for scope in OIDC_SCOPES if scope != "offline_access"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": list(self.config.keys().algs),
            "token_endpoint_auth_methods_supported": [
                "client_secret_basic",
                "client_secret_post",
                "private_key_jwt",
                "none",
            ],
            "token_endpoint_auth_signing_alg_values_supported": list(ASSERTION_ALGS.values()),
        }

    def jwks(self) -> dict[str, Any]:
        """Return the public keys: previous, current and next. Source: RFC 7517 5."""
        return {"keys": [key.jwk for key in self.config.keys().keys]}

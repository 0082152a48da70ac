"""The state of the user's credentials that an access token was issued under, as its jti and claims have it.

A jti is UNIQUE, UNIQUE.VERSION or UNIQUE.VERSION.REALM; every other reader takes it as an opaque text (ADR 0021).
VERSION is the password's. A token of the MFA API also has the claim credential_version, for all credentials.
"""

from dataclasses import dataclass
from typing import Any

from chalicelib.model.tenant import mfa_audience
from chalicelib.model.user import Credentials

OF_A_CLIENT = "client-credentials"


def mark_jti(unique: str, realm: str, user: Credentials) -> str:
    """Return the jti of a user's access token. The realm is left out if the user_id begins with it; so is version 0."""
    if not user.user_id.startswith(f"{realm}|"):
        return f"{unique}.{user.password_version}.{realm}"
    return f"{unique}.{user.password_version}" if user.password_version else unique


@dataclass(frozen=True, slots=True)
class CredentialState:
    """Its user's credentials, as a token names them. issued_at: epoch seconds.

    realm: as the jti names it, or else what the user_id begins with, which may be no realm.
    is_on_credentials: whether the token is of the MFA API, and so holds for one credential_version only.
    """

    sub: str
    realm: str
    password_version: int
    issued_at: float
    is_on_credentials: bool
    credential_version: object

    @classmethod
    def of(cls, claims: dict[str, Any]) -> "CredentialState | None":
        """Return the state that a verified access token's claims hold; None for a client's own token."""
        if claims["gty"] == OF_A_CLIENT:
            return None
        _, version, realm = [*str(claims["jti"]).split("."), "", ""][:3]
        aud = claims["aud"]
        return cls(
            sub=claims["sub"],
            realm=realm or claims["sub"].partition("|")[0],
            password_version=int(version) if version.isdecimal() else 0,
            issued_at=claims["iat"],
            is_on_credentials=mfa_audience(claims["iss"]) in (aud if isinstance(aud, list) else [aud]),
            credential_version=claims.get("credential_version"),
        )

    def holds_for(self, user: Credentials) -> bool:
        """Return whether the token was issued under the user's current password, or all current credentials.

        Users from before password versions have only the time of the last change to compare, in whole seconds.
        """
        if self.is_on_credentials and self.credential_version != user.credential_epoch:
            return False
        is_current = self.password_version == user.password_version
        was_changed = user.password_version == 0 and self.issued_at < user.last_password_reset
        return is_current and not was_changed

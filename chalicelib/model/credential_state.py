"""The realm and the password that an access token stands on, as the last parts of its jti.

A jti is UNIQUE, UNIQUE.VERSION or UNIQUE.VERSION.REALM: a claim that every reader takes as an opaque text (ADR 0021).
A token of the MFA API stands on all of the person's credentials, and has a claim for them.
"""

from dataclasses import dataclass
from typing import Any

from chalicelib.model.tenant import mfa_audience
from chalicelib.model.user import User

OF_A_CLIENT = "client-credentials"


def mark_jti(unique: str, realm: str, user: User) -> str:
    """Return the jti of a person's access token; what goes without saying is left out."""
    if not user.user_id.startswith(f"{realm}|"):
        return f"{unique}.{user.password_version}.{realm}"
    return f"{unique}.{user.password_version}" if user.password_version else unique


@dataclass(frozen=True, slots=True)
class CredentialState:
    """A token's words about its person. realm: "" if its sub or nothing names it. issued_at: epoch seconds.

    is_on_credentials: whether it is of the MFA API, and ends with credential_version; without one it never holds.
    """

    sub: str
    realm: str
    password_version: int
    issued_at: float
    is_on_credentials: bool
    credential_version: object

    @classmethod
    def of(cls, claims: dict[str, Any]) -> "CredentialState | None":
        """Return what a verified access token's claims say of a person; None for a client's own token."""
        if claims["gty"] == OF_A_CLIENT:
            return None
        _, version, realm = [*str(claims["jti"]).split("."), "", ""][:3]
        aud = claims["aud"]
        return cls(
            sub=claims["sub"],
            realm=realm,
            password_version=int(version) if version.isdecimal() else 0,
            issued_at=claims["iat"],
            is_on_credentials=mfa_audience(claims["iss"]) in (aud if isinstance(aud, list) else [aud]),
            credential_version=claims.get("credential_version"),
        )

    def holds_for(self, user: User) -> bool:
        """Return whether the token was issued under the person's present password, or under all present credentials.

        Records of before the version was kept have only the second of the last change to compare.
        """
        if self.is_on_credentials and self.credential_version != user.credential_epoch:
            return False
        is_current = self.password_version == user.password_version
        was_changed = user.password_version == 0 and self.issued_at < user.last_password_reset
        return is_current and not was_changed

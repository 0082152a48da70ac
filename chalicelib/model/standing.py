"""What an access token stands on: its person's realm and password, as the last parts of its jti.

A jti is UNIQUE, UNIQUE.VERSION or UNIQUE.VERSION.REALM: a claim that every reader takes as an opaque text (ADR 0021).
"""

from dataclasses import dataclass
from typing import Any

from chalicelib.model.user import User

OF_A_CLIENT = "client-credentials"


def marked(unique: str, realm: str, user: User) -> str:
    """Return the jti of a person's access token; what goes without saying is left out."""
    if not user.user_id.startswith(f"{realm}|"):
        return f"{unique}.{user.password_version}.{realm}"
    return f"{unique}.{user.password_version}" if user.password_version else unique


@dataclass(frozen=True, slots=True)
class Standing:
    """What a token says of its person. realm: "" if its sub or nothing names it. issued_at: epoch seconds."""

    sub: str
    realm: str
    password_version: int
    issued_at: float

    @classmethod
    def of(cls, claims: dict[str, Any]) -> "Standing | None":
        """Return what a verified access token's claims say of a person; None for a client's own token."""
        if claims["gty"] == OF_A_CLIENT:
            return None
        _, version, realm = [*str(claims["jti"]).split("."), "", ""][:3]
        return cls(claims["sub"], realm, int(version) if version.isdecimal() else 0, claims["iat"])

    def holds_for(self, user: User) -> bool:
        """Whether the token was issued under the person's password of now.

        Records of before the version was kept have only the second of the last change to compare.
        """
        is_current = self.password_version == user.password_version
        was_changed = user.password_version == 0 and self.issued_at < user.last_password_reset
        return is_current and not was_changed

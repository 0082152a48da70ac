"""The errors of accounts that people make and mend themselves, in Auth0's words."""

from typing import Any

from chalicelib.errors.root import WireError


class SignupDisabled(WireError):
    """People make no accounts in this realm."""

    error, status = "signup_disabled", 403

    def __init__(self) -> None:
        super().__init__("public signup is disabled")


class InvalidSignup(WireError):
    """A user of the realm has the email; only a realm that asks for no verified email says so."""

    error, status = "invalid_signup", 400

    def __init__(self) -> None:
        super().__init__("Invalid sign up", reason="a user has the email")


class UsernameExists(WireError):
    """A user of the realm has the username; only a realm that asks for no verified email says so."""

    error, status = "username_exists", 400

    def __init__(self) -> None:
        super().__init__("The username is taken.")


class InvalidPassword(WireError):
    """The realm's policy refuses the new password."""

    error, status = "invalid_password", 400

    def __init__(self, description: str, name: str, rules: list[dict[str, Any]]) -> None:
        """description: a sentence for each rule that failed. name: of the first of them. rules: all there are."""
        super().__init__(description)
        self._members = {
            "name": name,
            "message": "Password is too weak",
            "description": {"rules": rules, "verified": False},
            "policy": "\n".join(f"* {one['message'] % tuple(one.get('format', ()))}" for one in rules),
        }

    @property
    def members(self) -> dict[str, Any]:
        """The rules of the realm, each with whether the password keeps it."""
        return self._members

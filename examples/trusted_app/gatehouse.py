"""Talk to Gatehouse by auth0-python, from the application's backend alone.

The SDK has a class for the password grant, refreshing and revoking. What it has none for goes by its own `post`.
"""

from dataclasses import dataclass
from typing import Any

import jwt
import requests
from auth0.authentication import GetToken, RevokeToken
from auth0.authentication.exceptions import Auth0Error

SCOPE = "openid profile email offline_access read:timesheets create:timesheets"
FACTOR_SCOPE = "enroll read:authenticators"
GRANT = "http://auth0.com/oauth/grant-type/"
TIMEOUT_S = 30.0
LEEWAY_S = 10
UNREACHABLE = "Gatehouse cannot be reached. Please try again."


@dataclass(frozen=True, slots=True)
class Settings:
    """How the application reaches Gatehouse. issuer: with its final slash. audience: the API that it calls."""

    issuer: str
    client_id: str
    client_secret: str
    audience: str


class Refused(Exception):
    """Gatehouse said no. code: of the error. str() is a sentence for the person."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code


class SecondFactorOwed(Exception):
    """The password was right, and a second factor is owed. enroll, challenge: the kinds; one of the two is empty."""

    def __init__(self, content: dict[str, Any]) -> None:
        super().__init__("A second factor is owed.")
        self.mfa_token: str = content["mfa_token"]
        requirements = content.get("mfa_requirements", {})
        self.enroll = [one["type"] for one in requirements.get("enroll", [])]
        self.challenge = [one["type"] for one in requirements.get("challenge", [])]


class Gatehouse:
    """The calls that the application makes.

    Each takes `person_ip`: the address of the person, sent as auth0-forwarded-for, so that guesses count against the
    person and not against this backend. Each raises Refused; those that end a login also SecondFactorOwed.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.audience_of_mfa = f"{settings.issuer}mfa/"
        protocol, _, rest = settings.issuer.partition("://")
        domain = rest.removesuffix("/")
        sdk: dict[str, Any] = {"timeout": TIMEOUT_S, "protocol": protocol}
        self._tokens = GetToken(domain, settings.client_id, settings.client_secret, **sdk)
        self._revoke = RevokeToken(domain, settings.client_id, settings.client_secret, **sdk)
        # Not by the SDK's own verifier: it fails on a key set that holds an EC key.
        self._keys = jwt.PyJWKClient(f"{settings.issuer}.well-known/jwks.json", timeout=TIMEOUT_S)

    def log_in(self, realm: str, username: str, password: str, person_ip: str, for_factors: bool = False) -> Any:
        """Return the tokens. for_factors: those of the MFA API, which enrol a second factor."""
        wanted = (
            {"audience": self.audience_of_mfa, "scope": FACTOR_SCOPE}
            if for_factors
            else {"audience": self.settings.audience, "scope": SCOPE}
        )
        return _answer(lambda: self._tokens.login(username, password, realm=realm, forwarded_for=person_ip, **wanted))

    def refresh(self, refresh_token: str) -> Any:
        """Return new tokens."""
        return _answer(lambda: self._tokens.refresh_token(refresh_token))

    def revoke(self, refresh_token: str) -> None:
        """End all tokens of a login."""
        _answer(lambda: self._revoke.revoke_refresh_token(refresh_token))

    def person_of(self, id_token: str) -> dict[str, Any]:
        """Return the claims of an ID token, verified."""
        settings = self.settings
        try:
            claims: dict[str, Any] = jwt.decode(
                id_token,
                self._keys.get_signing_key_from_jwt(id_token),
                algorithms=["RS256"],
                audience=settings.client_id,
                issuer=settings.issuer,
                leeway=LEEWAY_S,
            )
        except jwt.PyJWTError as error:
            raise Refused("unreachable", UNREACHABLE) from error
        return claims

    def enrol(self, token: str, kind: dict[str, Any], person_ip: str) -> Any:
        """Begin to enrol a second factor. token: an mfa_token, or an access token of the MFA API."""
        bearer = {"Authorization": f"Bearer {token}"}
        return self._post("mfa/associate", kind, person_ip, bearer)

    def challenge(self, mfa_token: str, kind: dict[str, str], person_ip: str) -> Any:
        """Ask for a code: of an app, or one that is sent."""
        return self._post("mfa/challenge", {"mfa_token": mfa_token, **kind}, person_ip)

    def prove(self, grant: str, mfa_token: str, proof: dict[str, str], person_ip: str) -> Any:
        """Return the tokens of a login by its second factor. grant: mfa-otp, mfa-oob or mfa-recovery-code."""
        return self._post("oauth/token", {"grant_type": GRANT + grant, "mfa_token": mfa_token, **proof}, person_ip)

    def sign_up(self, realm: str, email: str, password: str, person_ip: str) -> None:
        """Make an account; a mail asks to verify its address."""
        self._post("dbconnections/signup", {"connection": realm, "email": email, "password": password}, person_ip)

    def send_reset(self, realm: str, email: str, person_ip: str) -> None:
        """Mail a code for a new password, if there is such a person. Nobody is told if there is."""
        self._post("dbconnections/change_password", {"connection": realm, "email": email}, person_ip)

    def send_verification(self, realm: str, email: str, person_ip: str) -> None:
        """Mail a code for the address again."""
        self._post("accounts/send_verification", {"connection": realm, "email": email}, person_ip)

    def reset_password(self, realm: str, email: str, code: str, password: str, person_ip: str) -> None:
        """Set a new password by the code of a mail."""
        proof = {"connection": realm, "email": email, "code": code}
        self._post("accounts/reset_password", {**proof, "password": password}, person_ip)

    def verify_email(self, realm: str, email: str, code: str, person_ip: str) -> None:
        """Verify an address by the code of a mail."""
        self._post("accounts/verify_email", {"connection": realm, "email": email, "code": code}, person_ip)

    def _post(self, path: str, data: dict[str, Any], person_ip: str, headers: dict[str, str] | None = None) -> Any:
        sent = {"client_id": self.settings.client_id, **data}
        more = {"auth0-forwarded-for": person_ip, **(headers or {})}
        return _answer(lambda: self._tokens.authenticated_post(f"{self.settings.issuer}{path}", sent, more))


def _answer(call: Any) -> Any:
    """Return what a call of the SDK returns, with its errors as this module's."""
    try:
        return call()
    except Auth0Error as error:
        if error.error_code == "mfa_required":
            raise SecondFactorOwed(error.content or {}) from error
        raise Refused(error.error_code, error.message) from error
    except requests.RequestException as error:
        raise Refused("unreachable", UNREACHABLE) from error

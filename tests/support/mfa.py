"""Enrol and use second factors, and read the messages that moto received."""

import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import httpx
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.sns.models import sns_backends
from pyotp import TOTP

from infra.local.emails import Email, received_emails
from tests.support.fixed import ISSUER
from tests.support.http import BACKEND, TIMESHEETS, Http

MFA_OTP = "http://auth0.com/oauth/grant-type/mfa-otp"
MFA_OOB = "http://auth0.com/oauth/grant-type/mfa-oob"
MFA_RECOVERY_CODE = "http://auth0.com/oauth/grant-type/mfa-recovery-code"
MFA_AUDIENCE = f"{ISSUER}mfa/"
MFA_SCOPE = "enroll read:authenticators remove:authenticators"
SIX_DIGITS = re.compile(r"\b[0-9]{6}\b")


@dataclass
class App:
    """An authenticator app. clock: epoch seconds."""

    secret: str
    clock: Any

    def code(self, skew_s: int = 0) -> str:
        """Return the current code, or the code of skew_s seconds from now."""
        return TOTP(self.secret).at(int(self.clock()) + skew_s)


def mfa_token_of(answer: httpx.Response) -> str:
    """Return the mfa_token of an answer that asks for a second factor."""
    assert (answer.status_code, answer.json().get("error")) == (403, "mfa_required"), answer.text
    return str(answer.json()["mfa_token"])


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def associate(http: Http, token: str, **body: Any) -> httpx.Response:
    """Request a new authenticator, by default an app."""
    return http.post("/mfa/associate", json=body or {"authenticator_types": ["otp"]}, headers=bearer(token))


def challenge(http: Http, mfa_token: str, **body: Any) -> httpx.Response:
    return http.post("/mfa/challenge", json={"mfa_token": mfa_token, **BACKEND, **body})


def with_otp(http: Http, mfa_token: str, otp: str, **params: str | None) -> httpx.Response:
    return http.token({"grant_type": MFA_OTP, "mfa_token": mfa_token, "otp": otp, **BACKEND, **params})


def with_oob(http: Http, mfa_token: str, oob_code: str, binding_code: str | None, **params: str) -> httpx.Response:
    codes = {"mfa_token": mfa_token, "oob_code": oob_code, "binding_code": binding_code}
    return http.token({"grant_type": MFA_OOB, **codes, **BACKEND, **params})


def with_recovery_code(http: Http, mfa_token: str, recovery_code: str, **params: str) -> httpx.Response:
    codes = {"mfa_token": mfa_token, "recovery_code": recovery_code}
    return http.token({"grant_type": MFA_RECOVERY_CODE, **codes, **BACKEND, **params})


@dataclass
class EnrolledUser:
    """A user with an authenticator app. answer: of the request that confirmed it."""

    username: str
    app: App
    recovery_code: str
    answer: httpx.Response

    def login(self, http: Http, **params: str | None) -> str:
        """Log in with the password, and return the mfa_token."""
        return mfa_token_of(http.login(username=self.username, **params))


def enrol(http: Http, clock: Any, username: str, mfa_token: str, **params: str | None) -> EnrolledUser:
    """Enrol an authenticator app with an mfa_token, and confirm it."""
    made = associate(http, mfa_token).json()
    app = App(made["secret"], clock)
    answer = with_otp(http, mfa_token, app.code(), **params)
    assert answer.status_code == 200, answer.text
    return EnrolledUser(username, app, made.get("recovery_codes", [""])[0], answer)


def mfa_api_login(http: Http, username: str, scope: str | None = MFA_SCOPE, **params: str | None) -> httpx.Response:
    """Request an access token of the MFA API."""
    return http.login(username=username, audience=MFA_AUDIENCE, scope=scope, **params)


def authenticators(http: Http, token: str) -> httpx.Response:
    return http.get("/mfa/authenticators", headers=bearer(token))


def remove(http: Http, token: str, authenticator_id: str) -> httpx.Response:
    """Remove an authenticator; its id goes into the path percent-encoded."""
    return http.request("DELETE", f"/mfa/authenticators/{quote(authenticator_id, safe='')}", headers=bearer(token))


def sms_to(number: str) -> list[str]:
    """Return the text messages that moto has for a number, oldest first."""
    sent = [one for region in sns_backends[DEFAULT_ACCOUNT_ID].values() for one in region.sms_messages.values()]
    return [text for to, text in sent if to == number]


def emails_to(address: str) -> list[str]:
    """Return the texts of the emails that moto has for an address, oldest first."""
    return [one.text for one in mails_to(address)]


def mails_to(address: str) -> list[Email]:
    """Return the emails that moto has for an address, oldest first."""
    return [one for one in received_emails() if address in one.to]


def code_in(text: str) -> str:
    """Return the six digits of a message."""
    (code,) = SIX_DIGITS.findall(text)
    return str(code)


__all__ = ["TIMESHEETS", "App", "EnrolledUser"]

"""The secrets of a second factor are in no log line, no answer but their own, no repr and no table."""

import itertools
import json
import time
from base64 import b64encode
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from chalicelib.flows.mfa import MfaFlow
from chalicelib.flows.token import TokenFlow
from chalicelib.http.routes import Services
from chalicelib.model.request import Request
from infra.stage.aws import Stage
from tests.support.canaries import codes_in
from tests.support.faults import aws_error, failing
from tests.support.fixed import ISSUER, Clock
from tests.support.function_aws import Ask, around_calls
from tests.support.http import BACKEND, Http
from tests.support.mfa import (
    App,
    associate,
    authenticators,
    bearer,
    challenge,
    code_in,
    emails_to,
    mfa_api_login,
    remove,
    sms_to,
    with_oob,
    with_otp,
    with_recovery_code,
)
from tests.support.people import PeopleMaker
from tests.support.tables import table_names

NUMBERS = itertools.count(2_025_580_100)
BY_SMS = {"authenticator_types": ["oob"], "oob_channels": ["sms"]}
BY_EMAIL = {"authenticator_types": ["oob"], "oob_channels": ["email"]}
OPERATIONS = [
    "GetItem", "BatchGetItem", "PutItem", "UpdateItem", "TransactWriteItems", "GenerateDataKey", "Decrypt", "Sign",
    "Publish", "SendEmail",
]  # fmt: skip


@dataclass
class Hunt:
    """The secrets that were seen so far, and where to look for them. codes: of six digits, looked for as strings."""

    http: Http
    clock: Clock
    username: str
    secrets: set[str] = field(default_factory=set)
    codes: set[str] = field(default_factory=set)
    answers: list[httpx.Response] = field(default_factory=list)

    def noted(self, answer: httpx.Response) -> dict[str, Any]:
        """Note the secrets of an answer, and return its body; one that failed is looked through in the end."""
        if answer.status_code != 200:
            self.answers.append(answer)
        body = answer.json() if answer.content else {}
        if not isinstance(body, dict):
            return {}
        for name in ("mfa_token", "oob_code", "secret", "barcode_uri", "recovery_code", "access_token"):
            self.secrets |= {str(body[name])} if name in body else set()
        self.secrets |= set(body.get("recovery_codes", []))
        return body

    def code(self, messages: list[str]) -> str:
        """Return the code of the last message, or a wrong one."""
        code = code_in(messages[-1]) if messages else "000000"
        self.codes.add(code)
        return code

    def otp(self, secret: str) -> str:
        code = App(secret, self.clock).code()
        self.codes.add(code)
        return code

    def enrols(self) -> tuple[str, str, str]:
        """Enrol an app and a phone as far as that goes; return a token, the app's secret and the recovery code."""
        token = self.noted(mfa_api_login(self.http, self.username)).get("access_token", "a.b.c")
        made = self.noted(associate(self.http, token))
        secret = made.get("secret", "A" * 32)
        token = self.noted(with_otp(self.http, token, self.otp(secret))).get("access_token", token)
        phone = f"+1{next(NUMBERS)}"
        for body, sent in (({**BY_SMS, "phone_number": phone}, sms_to), (BY_EMAIL, emails_to)):
            oob_code = self.noted(associate(self.http, token, **body)).get("oob_code", "none")
            to = phone if sent is sms_to else f"{self.username}@example.com"
            self.noted(with_oob(self.http, token, oob_code, None))
            self.noted(with_oob(self.http, token, oob_code, self.code(sent(to))))
        return token, secret, (made.get("recovery_codes") or ["A" * 24])[0]

    def logs_in(self, secret: str, recovery_code: str) -> None:
        """Log in by every factor, and wrongly by each."""
        self.clock.advance(30)
        for code in (self.otp(secret), self.otp(secret), "not-it"):
            self.noted(with_otp(self.http, self.mfa_token(), code))
        for code in (recovery_code, recovery_code):
            self.noted(with_recovery_code(self.http, self.mfa_token(), code))
        sent = self.noted(challenge(self.http, self.mfa_token(), challenge_type="oob", oob_channel="email"))
        for shown in (sent.get("oob_code", "none"), "no-such-oob-code"):
            code = self.code(emails_to(f"{self.username}@example.com"))
            self.noted(with_oob(self.http, self.mfa_token(), shown, code))

    def misuses(self, token: str, secret: str) -> None:
        """Show every secret where it does not belong."""
        mfa_token = self.mfa_token()
        for wrong in (mfa_token, secret, token):
            self.noted(authenticators(self.http, wrong + "x"))
            self.noted(remove(self.http, wrong, "totp|dev_nobody"))
            self.noted(self.http.get("/userinfo", headers=bearer(wrong)))
            self.noted(with_otp(self.http, wrong, wrong))
            self.noted(with_oob(self.http, wrong, wrong, wrong))
            self.noted(with_recovery_code(self.http, wrong, wrong))
            self.noted(challenge(self.http, wrong, authenticator_id=wrong))
            self.noted(self.http.post(f"/mfa/challenge?mfa_token={wrong}"))
            self.noted(self.http.post("/mfa/challenge", json={"mfa_token": [wrong], **BACKEND}))

    def mfa_token(self) -> str:
        return str(self.noted(self.http.login(username=self.username)).get("mfa_token", "none"))

    def seen(self, printed: str) -> list[str]:
        """Return the secrets that are in the log, in what was printed, or in an answer that failed."""
        failed = [answer.text for answer in self.answers if answer.json().get("error") != "mfa_required"]
        haystack = json.dumps(self.http.log) + printed + "".join(failed)
        assert self.http.log, "there is something to hunt in"
        found = [secret for secret in self.secrets if secret in haystack]
        return found + codes_in(haystack, *self.codes)


@pytest.fixture
def clock() -> Clock:
    """A clock that is behind: tests move it on, and PyJWT takes no token from the future."""
    return Clock(time.time() - 300)


@pytest.fixture
def hunt(http: Http, clock: Clock, people: PeopleMaker) -> Hunt:
    # An address that is not throttled, however often it fails.
    http.source_ip = "127.0.0.1"
    return Hunt(http, clock, people.make(email_verified=True).username)


@contextmanager
def data_keys(stage: Stage) -> Iterator[list[bytes]]:
    """Collect the data keys that KMS hands out inside this block."""
    keys: list[bytes] = []

    def collect(_: str, __: Mapping[str, Any], ask: Ask) -> dict[str, Any]:
        answer = ask()
        keys.append(answer["Plaintext"]) if "Plaintext" in answer else None
        return answer

    with around_calls(stage, collect):
        yield keys


def test_no_secret_of_a_second_factor_is_in_a_log_or_at_rest(
    hunt: Hunt, stage: Stage, capfd: pytest.CaptureFixture[str]
) -> None:
    with data_keys(stage) as keys:
        token, secret, recovery_code = hunt.enrols()
        hunt.logs_in(secret, recovery_code)
        hunt.misuses(token, secret)

    assert {answer.status_code for answer in hunt.answers} >= {400, 401, 403}
    assert len(hunt.secrets) > 10, "every kind was there"
    assert len(hunt.codes) >= 4
    assert not [key for key in keys if len(key) != 32]
    for key in keys:
        hunt.secrets |= {b64encode(key).decode(), key.hex(), repr(key), str(list(key))}
    printed = capfd.readouterr()
    assert hunt.seen(printed.out + printed.err) == []
    dynamodb = stage.clients.dynamodb
    stored = str([dynamodb.scan(TableName=table)["Items"] for table in table_names(dynamodb)])
    assert [one for one in hunt.secrets if one in stored] == []
    assert codes_in(stored, *hunt.codes) == []


@pytest.mark.parametrize("operation", OPERATIONS)
def test_no_secret_of_a_second_factor_is_in_the_log_of_a_failure(
    hunt: Hunt, stage: Stage, people: PeopleMaker, capfd: pytest.CaptureFixture[str], operation: str
) -> None:
    """The operation fails from its first call on, then from its second, of logging in and of enrolling."""
    token, secret, recovery_code = hunt.enrols()
    enrolled, mfa_token = hunt.username, hunt.mfa_token()
    crash = RuntimeError(f"{token} {secret} {mfa_token}")
    for number, failure in itertools.product(range(2), (crash, aws_error("InternalServerError"))):
        newcomer = people.make(email_verified=True).username
        with failing(stage, operation, failure, range(number, 1000)):
            hunt.logs_in(secret, recovery_code)
            hunt.misuses(token, secret)
        with failing(stage, operation, failure, range(number, 1000)):
            hunt.username = newcomer
            hunt.enrols()
        hunt.username = enrolled

    assert {answer.status_code for answer in hunt.answers} >= {500, 503}, "it did fail"
    printed = capfd.readouterr()
    assert hunt.seen(printed.out + printed.err) == []


def test_reprs_hold_no_secret_of_a_second_factor(
    hunt: Hunt, services: Services, http: Http, clock: Clock, stage: Stage
) -> None:
    _, secret, recovery_code = hunt.enrols()
    clock.advance(30)
    mfa_token = hunt.mfa_token()
    oob_code = hunt.noted(challenge(http, mfa_token, oob_channel="email"))["oob_code"]
    code = hunt.code(emails_to(f"{hunt.username}@example.com"))
    codes = {"mfa_token": mfa_token, "oob_code": oob_code, "binding_code": code, "otp": hunt.otp(secret)}
    request = Request(ISSUER, http.source_ip, params=codes | {"recovery_code": recovery_code}, body=codes)
    client = stage.config().client("demo-backend")
    assert client
    sessions, factors = services[MfaFlow].sessions, services[MfaFlow].factors
    each = (factors["otp"], factors["email"], services[MfaFlow].recovery_code)
    session = sessions.find_by_mfa_token(mfa_token, request, client)
    proofs = [factor.prove(session, request) for factor in each]
    logins = [grant.prove(client, request) for name, grant in services[TokenFlow].grants.items() if "mfa-" in name]
    hunt.secrets |= {proof.members["recovery_code"] for proof in proofs if proof.members}
    hunt.secrets |= {login.members["recovery_code"] for login in logins if login.members}
    hunt.secrets |= {one.secret for one in session.enrolment.authenticators if one.secret}
    hunt.secrets |= {session.enrolment.recovery_hash, session.enrolment.data_key}

    shown = repr([session, proofs, logins, request, services, sessions.pending.challenge(session.pending)])
    assert len(logins) == 3
    assert [one for one in hunt.secrets if one in shown] == []
    assert [one for one in hunt.codes if f"'{one}'" in shown] == []

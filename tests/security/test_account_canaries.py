"""The passwords, codes and tickets of accounts are in no log line, no answer, no repr and no table."""

import itertools
import json
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from chalicelib.accounts.proofs import EmailProofs
from chalicelib.errors import TemporarilyUnavailable
from chalicelib.flows.accounts.reset_password import ResetPasswordFlow
from chalicelib.flows.mails import MailFlow
from chalicelib.http.routes import Services
from chalicelib.model.request import Request
from chalicelib.store.tickets import RESET
from infra.stage.aws import Stage
from tests.support.accounts import (
    OPEN,
    VERIFIED,
    ask_reset,
    ask_verification,
    call,
    code_of,
    log_in,
    new_email,
    open_demo,
    reset,
    run_schedule,
    sign_up,
    ticket_of,
    verify,
    wrong,
)
from tests.support.canaries import codes_in
from tests.support.faults import aws_error, failing
from tests.support.fixed import ISSUER
from tests.support.http import Http
from tests.support.mfa import emails_to
from tests.support.people import PeopleMaker
from tests.support.stages import provision_stage
from tests.support.tables import table_names

OPERATIONS = ["GetItem", "BatchGetItem", "UpdateItem", "PutItem", "Query", "TransactWriteItems", "Decrypt", "SendEmail"]
_numbers = itertools.count(1)


@dataclass
class Hunt:
    """The secrets of one life of an account, and where to look for them."""

    http: Http
    secrets: set[str] = field(default_factory=set)
    codes: set[str] = field(default_factory=set)
    answers: list[httpx.Response] = field(default_factory=list)

    def password(self) -> str:
        password = f"canary words {next(_numbers)} 6f1d0c2e"
        self.secrets.add(password)
        return password

    def asks(self, *answers: httpx.Response) -> None:
        self.answers += answers

    def mail(self, email: str) -> tuple[str, str]:
        """Return the code and the ticket of the last email to an address, or made-up ones if it got none."""
        # A run that fails is one of the cases.
        with suppress(RuntimeError, TemporarilyUnavailable):
            run_schedule(self.http)
        sent = [one for one in emails_to(email) if "ticket=" in one]
        code, ticket = (code_of(sent[-1]), ticket_of(sent[-1])) if sent else ("123456", f"et1_{'0' * 32}{'x' * 43}")
        self.codes.add(code)
        self.secrets.add(ticket)
        self.secrets.add(ticket[-43:])
        return code, ticket

    def lives(self, realm: str) -> None:
        """Sign up, verify, forget and reset, each rightly and wrongly."""
        email, first, second = new_email(), self.password(), self.password()
        self.asks(sign_up(self.http, realm, email, first), sign_up(self.http, realm, email, second))
        self.asks(call(self.http, "/dbconnections/signup", realm, email=[email], password=first))
        self.asks(sign_up(self.http, "nowhere", email, first), sign_up(self.http, realm, email, first, client_id="no"))
        code, ticket = self.mail(email)
        self.asks(
            verify(self.http, realm, email=email, code=wrong(code)), verify(self.http, realm, ticket=ticket + "x")
        )
        self.asks(verify(self.http, realm, email=email, code=code), verify(self.http, realm, ticket=ticket))
        self.asks(ask_verification(self.http, realm, email), ask_reset(self.http, realm, email))
        code, ticket = self.mail(email)
        for given in (first, second, second[:4]):
            self.asks(reset(self.http, realm, given, email=email, code=wrong(code)))
            self.asks(reset(self.http, realm, given, ticket=code), reset(self.http, realm, given, ticket=ticket))
        self.asks(self.http.post(f"/accounts/reset_password?ticket={ticket}"))
        self.asks(self.http.post(f"/accounts/verify_email?code={code}"))
        self.asks(self.http.post("/accounts/reset_password", content=f"password={first}&password={second}"))
        self.asks(log_in(self.http, realm, email, first))

    def found(self, haystack: str) -> list[str]:
        assert "access_token" not in haystack
        return [one for one in self.secrets if one in haystack] + codes_in(haystack, *self.codes)

    def seen(self, printed: str) -> list[str]:
        """Return the secrets that are in the log, in what was printed, or in an answer."""
        assert self.http.log, "there is something to hunt in"
        told = [one.text for one in self.answers if "access_token" not in one.text]
        return self.found(json.dumps(self.http.log) + printed + "".join(told))


@pytest.fixture(scope="module")
def stage(stage: Stage) -> Stage:
    """A stage of these tests' own, where a run of the schedule finds no emails of others."""
    return provision_stage("canaries", open_demo())


@pytest.fixture
def hunt(http: Http) -> Hunt:
    return Hunt(http.at("127.0.0.1"))


def test_no_secret_of_an_account_is_in_a_log_or_at_rest(
    hunt: Hunt, stage: Stage, capfd: pytest.CaptureFixture[str]
) -> None:
    for realm in (OPEN, VERIFIED):
        hunt.lives(realm)

    assert {answer.status_code for answer in hunt.answers} >= {200, 400, 401}
    printed = capfd.readouterr()
    assert hunt.seen(printed.out + printed.err) == []
    dynamodb = stage.clients.dynamodb
    stored = str([dynamodb.scan(TableName=table)["Items"] for table in table_names(dynamodb)])
    assert [one for one in hunt.secrets if one in stored] == []
    assert codes_in(stored, *hunt.codes) == []


@pytest.mark.parametrize("operation", OPERATIONS)
def test_no_secret_of_an_account_is_in_the_log_of_a_failure(
    hunt: Hunt, stage: Stage, capfd: pytest.CaptureFixture[str], operation: str
) -> None:
    crash = RuntimeError(hunt.password())
    for number, failure in itertools.product(range(2), (crash, aws_error("InternalServerError"))):
        for realm in (OPEN, VERIFIED):
            with failing(stage, operation, failure, range(number, 1000)):
                hunt.lives(realm)

    printed = capfd.readouterr()
    assert hunt.seen(printed.out + printed.err) == []


def test_reprs_hold_no_secret_of_an_account(hunt: Hunt, services: Services, people: PeopleMaker) -> None:
    user = people.make(OPEN)
    ask_reset(hunt.http, OPEN, user.email)
    code, token = hunt.mail(user.email)
    flow = services[ResetPasswordFlow]
    ticket = flow.admission.tickets.open_by_ticket(RESET, token)
    params: dict[str, Any] = {"ticket": token, "code": code, "password": hunt.password()}
    request = Request(ISSUER, hunt.http.source_ip, params=params, body=params)
    queued = list(services[MailFlow].queue.find_due(services[MailFlow].clock.now_s()))
    shown = repr([ticket, request, queued, flow, services, EmailProofs, services[MailFlow]])
    hunt.secrets |= {ticket.ticket_hash, ticket.code_hash}

    assert [one for one in hunt.secrets if one in shown] == []
    assert f"'{code}'" not in shown

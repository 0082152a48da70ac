"""A challenge, its code and the login that waits belong together (ASVS 5.0 6.6.2), through HTTP."""

import itertools
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from chalicelib import wiring
from infra.stage.aws import Stage
from infra.stage.second_factors import SecondFactors
from tests.support.clients import make_client
from tests.support.faults import before
from tests.support.fixed import Clock
from tests.support.http import BACKEND, Http
from tests.support.mfa import (
    App,
    associate,
    challenge,
    code_in,
    emails_to,
    mfa_api_login,
    mfa_token_of,
    sms_to,
    with_oob,
    with_otp,
)
from tests.support.people import PeopleMaker
from tests.support.rules import client_with_rules

MALFORMED = {"error": "invalid_grant", "error_description": "Malformed oob_code."}
BY_SMS = {"authenticator_types": ["oob"], "oob_channels": ["sms"]}
_numbers = itertools.count(2_025_630_100)


@pytest.fixture
def http(stage: Stage, externals: wiring.Externals) -> Iterator[Http]:
    def owes(_: Any, context: Any) -> None:
        context.multifactor = {"provider": "any"} if context.client_name else None

    with client_with_rules(stage, externals, owes) as client:
        yield client


@pytest.fixture
def email(people: PeopleMaker) -> tuple[str, str]:
    """The username and the address of somebody whose verified email is their second factor."""
    user = people.make(email_verified=True)
    return user.username, user.email


def challenged(http: Http, mfa_token: str, address: str, **client: str) -> tuple[str, str]:
    """Ask for a code; return the oob_code and the code."""
    oob_code = challenge(http, mfa_token, **client).json()["oob_code"]
    return oob_code, code_in(emails_to(address)[-1])


def refused(answer: httpx.Response) -> bool:
    return (answer.status_code, answer.json()) == (400, MALFORMED)


def test_code_of_one_login_completes_no_other_login_of_the_same_client(http: Http, email: tuple[str, str]) -> None:
    username, address = email
    one, other = (mfa_token_of(http.login(username=username)) for _ in range(2))
    codes = challenged(http, one, address)

    assert refused(with_oob(http, other, *codes))
    assert with_oob(http, one, *codes).status_code == 200, "nothing was used up"


def test_code_of_one_clients_login_completes_no_other_clients(http: Http, stage: Stage, email: tuple[str, str]) -> None:
    username, address = email
    client = {"client_id": make_client(stage, secret="s"), "client_secret": "s"}
    one, other = mfa_token_of(http.login(username=username)), mfa_token_of(http.login(username=username, **client))
    codes = challenged(http, one, address)

    assert refused(with_oob(http, other, *codes, **client))
    assert with_oob(http, one, *codes, **client).json()["error_description"] == "Malformed mfa_token"
    assert with_oob(http, one, *codes).status_code == 200


def test_two_logins_of_one_person_and_client_do_not_disturb_each_other(http: Http, email: tuple[str, str]) -> None:
    username, address = email
    tokens = [mfa_token_of(http.login(username=username)) for _ in range(2)]
    codes = [challenged(http, token, address) for token in tokens]

    for token, (oob_code, code) in zip(tokens, codes, strict=True):
        assert with_oob(http, token, oob_code, code).status_code == 200


def test_new_challenge_ends_the_earlier_one_of_its_login(http: Http, email: tuple[str, str]) -> None:
    username, address = email
    token = mfa_token_of(http.login(username=username))
    first, second = (challenged(http, token, address) for _ in range(2))

    assert refused(with_oob(http, token, *first))
    assert refused(with_oob(http, token, first[0], None)), "nor is it pending any more"
    assert refused(with_oob(http, token, first[0], second[1]))
    assert with_oob(http, token, *second).status_code == 200


def test_challenge_that_another_follows_while_its_code_is_judged_is_not_taken(
    http: Http, stage: Stage, email: tuple[str, str]
) -> None:
    username, address = email
    token = mfa_token_of(http.login(username=username))
    codes, later = challenged(http, token, address), []
    with before(stage, "TransactWriteItems", lambda: later.append(challenged(http, token, address))):
        answer = with_oob(http, token, *codes)

    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")
    assert with_oob(http, token, *later[0]).status_code == 200


def test_login_that_another_factor_completes_meanwhile_is_completed_once(
    http: Http, stage: Stage, clock: Clock, email: tuple[str, str]
) -> None:
    """The two codes share no write but that of the login itself."""
    username, address = email
    factors = SecondFactors.of(stage, "employees")
    app = App(factors.enroll(factors.find_session(username))["secret"], clock)
    token, others = mfa_token_of(http.login(username=username)), []
    oob_code = challenge(http, token, oob_channel="email").json()["oob_code"]
    code = code_in(emails_to(address)[-1])
    with before(stage, "TransactWriteItems", lambda: others.append(with_otp(http, token, app.code()))):
        answer = with_oob(http, token, oob_code, code)

    assert (others[0].status_code, answer.status_code) == (200, 400)


def test_code_of_an_access_token_confirms_by_that_token_alone(
    stage: Stage, externals: wiring.Externals, people: PeopleMaker
) -> None:
    with client_with_rules(stage, externals) as http:
        username, phone = people.make().username, f"+1{next(_numbers)}"
        own, other = (mfa_api_login(http, username).json()["access_token"] for _ in range(2))
        oob_code = associate(http, own, **BY_SMS, phone_number=phone).json()["oob_code"]
        code = code_in(sms_to(phone)[-1])

        assert refused(with_oob(http, other, oob_code, code))
        assert with_oob(http, own, oob_code, code).status_code == 200
        assert refused(with_oob(http, mfa_token_of(http.login(username=username)), oob_code, code))


def test_code_of_an_access_token_is_no_second_factor_of_a_login(
    stage: Stage, externals: wiring.Externals, people: PeopleMaker
) -> None:
    """Else the code that confirms a phone could be asked of somebody to complete a login that they never began."""
    with client_with_rules(stage, externals) as http:
        username, phones = people.make().username, [f"+1{next(_numbers)}" for _ in range(2)]
        token = mfa_api_login(http, username).json()["access_token"]
        first = associate(http, token, **BY_SMS, phone_number=phones[0]).json()["oob_code"]
        token = with_oob(http, token, first, code_in(sms_to(phones[0])[-1])).json()["access_token"]
        oob_code = associate(http, token, **BY_SMS, phone_number=phones[1]).json()["oob_code"]
        login = mfa_token_of(http.login(username=username))

        assert refused(with_oob(http, login, oob_code, code_in(sms_to(phones[1])[-1])))
        assert with_oob(http, token, oob_code, code_in(sms_to(phones[1])[-1])).status_code == 200


def test_new_association_ends_the_code_of_the_earlier_one(
    stage: Stage, externals: wiring.Externals, people: PeopleMaker
) -> None:
    with client_with_rules(stage, externals) as http:
        token = mfa_api_login(http, people.make().username).json()["access_token"]
        phones = [f"+1{next(_numbers)}" for _ in range(2)]
        codes = [associate(http, token, **BY_SMS, phone_number=phone).json()["oob_code"] for phone in phones]

        assert refused(with_oob(http, token, codes[0], code_in(sms_to(phones[0])[-1])))
        assert with_oob(http, token, codes[1], code_in(sms_to(phones[1])[-1])).status_code == 200


@pytest.mark.parametrize("oob_code", ["x", "ü", "x" * 5000, "a#b", "\x00"])
def test_oob_code_that_never_was_is_malformed(http: Http, email: tuple[str, str], oob_code: str) -> None:
    username, address = email
    token = mfa_token_of(http.login(username=username))
    codes = challenged(http, token, address)

    assert refused(with_oob(http, token, oob_code, codes[1]))
    assert with_oob(http, token, *codes).status_code == 200


def test_challenge_needs_no_more_than_the_login_that_waits(http: Http, email: tuple[str, str]) -> None:
    token = mfa_token_of(http.login(username=email[0]))

    assert refused(with_oob(http, token, "never challenged", "123456"))
    assert BACKEND["client_id"] == http.log[-1]["client_id"]

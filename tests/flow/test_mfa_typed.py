"""Codes and phone numbers as people copy them, through HTTP."""

import itertools
from collections.abc import Iterator
from typing import Any

import pytest

from chalicelib import wiring
from infra.stage.aws import Stage
from tests.support.fixed import Clock
from tests.support.http import Http
from tests.support.mfa import (
    EnrolledUser,
    associate,
    code_in,
    enrol,
    mfa_token_of,
    sms_to,
    with_oob,
    with_otp,
    with_recovery_code,
)
from tests.support.people import PeopleMaker
from tests.support.rules import client_with_rules

BY_SMS = {"authenticator_types": ["oob"], "oob_channels": ["sms"]}
FORMS = ["{0} {1}", "{0}-{1}", "{0}{1}\n", "{0}\u00a0{1}", "\u2068{0}\u2011{1}\u2069", "{0}\u200b{1}"]
_numbers = itertools.count(2_025_650_100)


@pytest.fixture
def http(stage: Stage, externals: wiring.Externals) -> Iterator[Http]:
    def owes(_: Any, context: Any) -> None:
        context.multifactor = {"provider": "any"}

    with client_with_rules(stage, externals, owes) as client:
        yield client


@pytest.fixture
def ada(http: Http, clock: Clock, people: PeopleMaker) -> EnrolledUser:
    username = people.make().username
    enrolled = enrol(http, clock, username, mfa_token_of(http.login(username=username)))
    clock.advance(60)
    return enrolled


@pytest.mark.parametrize("form", FORMS, ids=ascii)
def test_code_of_an_app_is_taken_as_it_was_copied(http: Http, ada: EnrolledUser, form: str) -> None:
    code = ada.app.code()

    assert with_otp(http, ada.login(http), form.format(code[:3], code[3:])).status_code == 200


def test_code_in_another_form_is_used_up_in_all_of_them(http: Http, ada: EnrolledUser) -> None:
    code, first, second = ada.app.code(), ada.login(http), ada.login(http)

    assert with_otp(http, first, f"{code[:3]} {code[3:]}").status_code == 200
    assert with_otp(http, second, code).json()["error_description"] == "Invalid otp_code."


@pytest.mark.parametrize("form", FORMS, ids=ascii)
def test_code_of_a_message_is_taken_as_it_was_copied(http: Http, people: PeopleMaker, form: str) -> None:
    mfa_token, phone = mfa_token_of(http.login(username=people.make().username)), f"+1{next(_numbers)}"
    oob_code = associate(http, mfa_token, **BY_SMS, phone_number=phone).json()["oob_code"]
    code = code_in(sms_to(phone)[-1])

    assert with_oob(http, mfa_token, oob_code, form.format(code[:3], code[3:])).status_code == 200


@pytest.mark.parametrize("between", ["-", " ", "\u2013", "\r\n"], ids=ascii)
def test_recovery_code_is_taken_in_groups_and_in_lower_case(http: Http, ada: EnrolledUser, between: str) -> None:
    code = ada.recovery_code
    grouped = between.join(code[at : at + 4] for at in range(0, 24, 4)).lower()
    answer = with_recovery_code(http, ada.login(http), grouped)

    assert answer.status_code == 200, answer.text
    assert with_recovery_code(http, ada.login(http), answer.json()["recovery_code"]).status_code == 200


@pytest.mark.parametrize("code", [" ", "-", "\u200b", "12 34", "abcdef", "x" * 5000], ids=lambda code: ascii(code)[:9])
def test_what_has_not_the_form_of_a_code_costs_a_try_as_any_wrong_one(http: Http, ada: EnrolledUser, code: str) -> None:
    statuses = [with_otp(http, ada.login(http), code).status_code for _ in range(11)]

    assert statuses == [400] * 10 + [429]


def test_number_is_kept_in_e164_form_whatever_was_typed(http: Http, people: PeopleMaker) -> None:
    username, number = people.make().username, str(next(_numbers))
    mfa_token = mfa_token_of(http.login(username=username))
    typed = f"001 ({number[:3]}) {number[3:6]}-{number[6:]}"
    made = associate(http, mfa_token, **BY_SMS, phone_number=typed)

    assert made.status_code == 200, made.text
    assert with_oob(http, mfa_token, made.json()["oob_code"], code_in(sms_to(f"+1{number}")[-1])).status_code == 200


@pytest.mark.parametrize("typed", ["+44 (0)20 7946 0000", "0415 555 01 00", "00", "+", "() -", "+1" + " 2" * 200])
def test_what_is_no_number_in_any_form_is_refused(http: Http, people: PeopleMaker, typed: str) -> None:
    mfa_token = mfa_token_of(http.login(username=people.make().username))
    answer = associate(http, mfa_token, **BY_SMS, phone_number=typed)

    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")

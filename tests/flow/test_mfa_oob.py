"""A second factor by text message or email, through HTTP."""

from collections.abc import Iterator
from typing import Any

import jwt
import pytest

from chalicelib import wiring
from infra.stage.aws import Stage
from tests.support.canaries import codes_in
from tests.support.fixed import Clock
from tests.support.http import Http
from tests.support.mfa import (
    App,
    associate,
    challenge,
    code_in,
    emails_to,
    mfa_token_of,
    sms_to,
    with_oob,
    with_otp,
    with_recovery_code,
)
from tests.support.people import PeopleMaker
from tests.support.rules import client_with_rules, require_mfa

NUMBERS = iter(range(2_025_550_100, 2_025_599_999))


@pytest.fixture
def http(stage: Stage, externals: wiring.Externals) -> Iterator[Http]:
    with client_with_rules(stage, externals, require_mfa) as client:
        yield client


def sms_enrolled(http: Http, username: str) -> tuple[str, Any]:
    """Enrol a phone; return its number and the answer that confirmed it."""
    number, mfa_token = f"+1{next(NUMBERS)}", mfa_token_of(http.login(username=username))
    made = associate(http, mfa_token, authenticator_types=["oob"], oob_channels=["sms"], phone_number=number)
    assert made.status_code == 200, made.text
    assert {name: made.json()[name] for name in ("authenticator_type", "binding_method", "oob_channel")} == {
        "authenticator_type": "oob",
        "binding_method": "prompt",
        "oob_channel": "sms",
    }
    return number, with_oob(http, mfa_token, made.json()["oob_code"], code_in(sms_to(number)[-1]))


def test_phone_is_enrolled_and_challenged_by_text_message(http: Http, people: PeopleMaker) -> None:
    user = people.make()
    number, first = sms_enrolled(http, user.username)
    mfa_token = mfa_token_of(http.login(username=user.username))
    sent = challenge(http, mfa_token)
    answer = with_oob(http, mfa_token, sent.json()["oob_code"], code_in(sms_to(number)[-1]))

    assert first.status_code == 200, first.text
    assert {**sent.json(), "oob_code": ""} == {"challenge_type": "oob", "oob_code": "", "binding_method": "prompt"}
    assert answer.status_code == 200, answer.text
    claims = jwt.decode(answer.json()["access_token"], options={"verify_signature": False})
    assert claims["amr"] == ["pwd", "sms", "mfa"]
    assert len(sms_to(number)) == 2
    assert http.log[-1]["event"] == "seoobft"


def test_verified_email_is_challenged_without_enrolment(http: Http, people: PeopleMaker) -> None:
    user = people.make(email_verified=True)
    mfa_token = mfa_token_of(http.login(username=user.username))
    sent = challenge(http, mfa_token, challenge_type="oob")
    answer = with_oob(http, mfa_token, sent.json()["oob_code"], code_in(emails_to(user.email)[-1]))

    assert answer.status_code == 200, answer.text
    claims = jwt.decode(answer.json()["access_token"], options={"verify_signature": False})
    assert claims["amr"] == ["pwd", "mfa"]


def test_without_a_code_the_login_is_pending_and_too_fast_is_slow_down(
    http: Http, people: PeopleMaker, clock: Clock
) -> None:
    user = people.make()
    number, _ = sms_enrolled(http, user.username)
    mfa_token = mfa_token_of(http.login(username=user.username))
    oob_code = challenge(http, mfa_token).json()["oob_code"]

    first, too_fast = (with_oob(http, mfa_token, oob_code, None) for _ in range(2))
    clock.advance(5)
    patient = with_oob(http, mfa_token, oob_code, None)

    assert first.status_code == too_fast.status_code == 400
    assert first.json()["error"] == patient.json()["error"] == "authorization_pending"
    assert first.json()["error_description"].startswith("Authorization pending:")
    assert too_fast.json()["error"] == "slow_down"
    assert with_oob(http, mfa_token, oob_code, code_in(sms_to(number)[-1])).status_code == 200


def test_wrong_binding_code_is_refused_and_the_challenge_stays_usable(http: Http, people: PeopleMaker) -> None:
    user = people.make()
    number, _ = sms_enrolled(http, user.username)
    mfa_token = mfa_token_of(http.login(username=user.username))
    oob_code = challenge(http, mfa_token).json()["oob_code"]
    right = code_in(sms_to(number)[-1])
    wrong = with_oob(http, mfa_token, oob_code, f"{(int(right) + 1) % 1_000_000:06}")

    assert wrong.status_code == 400
    assert wrong.json() == {"error": "invalid_grant", "error_description": "Invalid binding_code."}
    assert with_oob(http, mfa_token, oob_code, right).status_code == 200


def test_code_is_used_once(http: Http, people: PeopleMaker) -> None:
    user = people.make()
    number, _ = sms_enrolled(http, user.username)
    first, second = (mfa_token_of(http.login(username=user.username)) for _ in range(2))
    oob_code = challenge(http, first).json()["oob_code"]
    code = code_in(sms_to(number)[-1])

    assert with_oob(http, first, oob_code, code).status_code == 200
    again = with_oob(http, second, oob_code, code)
    assert (again.status_code, again.json()["error_description"]) == (400, "Malformed oob_code.")


def test_code_is_over_after_five_minutes(http: Http, people: PeopleMaker, clock: Clock) -> None:
    user = people.make()
    number, _ = sms_enrolled(http, user.username)
    mfa_token = mfa_token_of(http.login(username=user.username))
    oob_code = challenge(http, mfa_token).json()["oob_code"]
    clock.advance(300)
    answer = with_oob(http, mfa_token, oob_code, code_in(sms_to(number)[-1]))

    assert (answer.status_code, answer.json()["error_description"]) == (400, "Malformed oob_code.")


def test_oob_code_of_somebody_else_is_malformed(http: Http, people: PeopleMaker) -> None:
    one, other = people.make(), people.make()
    number, _ = sms_enrolled(http, one.username)
    sms_enrolled(http, other.username)
    oob_code = challenge(http, mfa_token_of(http.login(username=one.username))).json()["oob_code"]
    answer = with_oob(http, mfa_token_of(http.login(username=other.username)), oob_code, code_in(sms_to(number)[-1]))

    assert (answer.status_code, answer.json()["error_description"]) == (400, "Malformed oob_code.")


def test_eleventh_text_message_within_the_hour_is_refused(http: Http, people: PeopleMaker, clock: Clock) -> None:
    user = people.make()
    number, _ = sms_enrolled(http, user.username)
    mfa_token = mfa_token_of(http.login(username=user.username))
    statuses = [challenge(http, mfa_token).status_code for _ in range(10)]

    assert statuses == [200] * 9 + [429], "the one that enrolled the phone counts too"
    assert len(sms_to(number)) == 10
    clock.advance(3600)
    assert challenge(http, mfa_token_of(http.login(username=user.username))).status_code == 200


def test_association_that_sends_nothing_leaves_the_recovery_code_that_was_shown(
    http: Http, people: PeopleMaker, clock: Clock
) -> None:
    username = people.make().username
    mfa_token = mfa_token_of(http.login(username=username))
    phone = {"authenticator_types": ["oob"], "oob_channels": ["sms"], "phone_number": f"+1{next(NUMBERS)}"}
    for _ in range(10):
        associate(http, mfa_token, **phone)
    made = associate(http, mfa_token).json()

    refused = associate(http, mfa_token, **phone)
    confirmed = with_otp(http, mfa_token, App(made["secret"], clock).code())
    (shown,) = made["recovery_codes"]
    recovered = with_recovery_code(http, mfa_token_of(http.login(username=username)), shown)

    assert [one.status_code for one in (refused, confirmed, recovered)] == [429, 200, 200]


def test_twenty_first_email_within_the_minute_is_refused(http: Http, people: PeopleMaker) -> None:
    user = people.make(email_verified=True)
    mfa_token = mfa_token_of(http.login(username=user.username))
    statuses = [challenge(http, mfa_token).status_code for _ in range(21)]

    assert statuses == [200] * 20 + [429]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"authenticator_types": []},
        {"authenticator_types": ["push"]},
        {"authenticator_types": ["oob"]},
        {"authenticator_types": ["oob"], "oob_channels": ["voice"]},
        {"authenticator_types": ["oob"], "oob_channels": ["sms"]},
        {"authenticator_types": ["oob"], "oob_channels": ["sms"], "phone_number": "2025550100"},
        {"authenticator_types": ["oob"], "oob_channels": ["sms"], "phone_number": "+0025550100"},
        {"authenticator_types": ["oob"], "oob_channels": ["email"], "email": "no address"},
        {"authenticator_types": [1]},
        {"authenticator_types": {"a": 1}},
    ],
)
def test_association_that_cannot_be_is_an_invalid_request(
    http: Http, people: PeopleMaker, body: dict[str, Any]
) -> None:
    mfa_token = mfa_token_of(http.login(username=people.make().username))
    answer = http.post("/mfa/associate", json=body, headers={"Authorization": f"Bearer {mfa_token}"})

    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


def test_code_is_unreadable_at_rest_and_in_the_log(http: Http, stage: Stage, people: PeopleMaker) -> None:
    user = people.make()
    number, _ = sms_enrolled(http, user.username)
    mfa_token = mfa_token_of(http.login(username=user.username))
    oob_code = challenge(http, mfa_token).json()["oob_code"]
    code = code_in(sms_to(number)[-1])
    items = str(stage.clients.dynamodb.scan(TableName=f"{stage.prefix}sessions")["Items"])

    for secret in (mfa_token, oob_code):
        assert secret not in items
        assert secret not in str(http.log)
    assert codes_in(items + str(http.log), code) == []

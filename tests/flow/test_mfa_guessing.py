"""Guessing at codes ends, and a thief of the password does not keep the owner out (NIST SP 800-63B-4 3.2.2)."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from chalicelib import wiring
from chalicelib.flows.notices import NoticeFlow
from chalicelib.http.routes import Services
from chalicelib.mfa.limits import MAX_WRONG_IN_A_ROW, TELL_AFTER
from chalicelib.model.user import User
from chalicelib.store.code_attempts import WrongCodeStore
from chalicelib.store.notices import DAY_S, WRONG_CODES, NoticeStore
from infra.stage.aws import Stage
from infra.stage.second_factors import SecondFactors
from tests.support.faults import aws_error, failing
from tests.support.fixed import Clock
from tests.support.http import Http
from tests.support.mfa import (
    App,
    EnrolledUser,
    challenge,
    code_in,
    emails_to,
    enrol,
    mfa_token_of,
    with_oob,
    with_otp,
    with_recovery_code,
)
from tests.support.people import PeopleMaker
from tests.support.rules import client_with_rules, require_mfa

HOUR_S = 3600
THIEF = "198.51.100.77"


@pytest.fixture
def http(stage: Stage, externals: wiring.Externals) -> Iterator[Http]:
    with client_with_rules(stage, externals, require_mfa) as client:
        yield client


@pytest.fixture
def user(people: PeopleMaker) -> User:
    return people.make()


@pytest.fixture
def ada(http: Http, clock: Clock, user: User) -> EnrolledUser:
    """A person with an authenticator app, who has logged in from the address of `http`."""
    enrolled = enrol(http, clock, user.username, mfa_token_of(http.login(username=user.username)))
    clock.advance(30)
    return enrolled


def wrong_codes(stage: Stage) -> WrongCodeStore:
    return WrongCodeStore(stage.dynamo, f"{stage.prefix}attempts")


def owner(user: User) -> str:
    return f"mfa#employees#{user.user_id}"


def guess_wrongly(stage: Stage, user: User, times: int, kind: str = "otp") -> None:
    """Leave what so many wrong codes leave, without the weeks that they take."""
    for _ in range(times):
        assert wrong_codes(stage).count(owner(user), kind, MAX_WRONG_IN_A_ROW) is not None


def test_hundredth_wrong_code_in_a_row_disables_the_app(
    http: Http, stage: Stage, user: User, ada: EnrolledUser
) -> None:
    guess_wrongly(stage, user, MAX_WRONG_IN_A_ROW - 1)
    hundredth = with_otp(http, ada.login(http), "000000")
    right = with_otp(http, ada.login(http), ada.app.code())

    assert hundredth.status_code == 400
    assert (right.status_code, right.json()["error"]) == (400, "invalid_grant")
    assert right.json()["error_description"] == "Invalid otp_code."
    assert "disabled" in http.log[-1]["reason"]


def test_app_is_not_disabled_before_the_hundredth_wrong_code(
    http: Http, stage: Stage, user: User, ada: EnrolledUser
) -> None:
    guess_wrongly(stage, user, MAX_WRONG_IN_A_ROW - 1)

    assert with_otp(http, ada.login(http), ada.app.code()).status_code == 200


def test_right_code_begins_the_row_anew(http: Http, stage: Stage, clock: Clock, user: User, ada: EnrolledUser) -> None:
    guess_wrongly(stage, user, MAX_WRONG_IN_A_ROW - 1)
    assert with_otp(http, ada.login(http), ada.app.code()).status_code == 200
    clock.advance(30)
    assert with_otp(http, ada.login(http), "000000").status_code == 400

    assert with_otp(http, ada.login(http), ada.app.code()).status_code == 200


def test_disabled_app_stays_disabled_however_long_one_waits(
    http: Http, stage: Stage, clock: Clock, user: User, ada: EnrolledUser
) -> None:
    guess_wrongly(stage, user, MAX_WRONG_IN_A_ROW)
    clock.advance(400 * DAY_S)

    assert with_otp(http, ada.login(http), ada.app.code()).json()["error_description"] == "Invalid otp_code."


def test_recovery_code_enables_a_disabled_app(
    http: Http, stage: Stage, clock: Clock, user: User, ada: EnrolledUser
) -> None:
    guess_wrongly(stage, user, MAX_WRONG_IN_A_ROW)
    assert with_recovery_code(http, ada.login(http), ada.recovery_code).status_code == 200
    clock.advance(30)

    assert with_otp(http, ada.login(http), ada.app.code()).status_code == 200


def test_another_factor_enables_a_disabled_app(http: Http, stage: Stage, clock: Clock, people: PeopleMaker) -> None:
    user = people.make(email_verified=True)
    factors = SecondFactors.of(stage, "employees")
    app = App(factors.enroll(factors.find_session(user.user_id))["secret"], clock)
    guess_wrongly(stage, user, MAX_WRONG_IN_A_ROW)
    mfa_token = mfa_token_of(http.login(username=user.username))
    assert with_otp(http, mfa_token, app.code()).json()["error_description"] == "Invalid otp_code."
    sent = challenge(http, mfa_token, challenge_type="oob").json()
    assert with_oob(http, mfa_token, sent["oob_code"], code_in(emails_to(user.email)[-1])).status_code == 200

    assert with_otp(http, mfa_token_of(http.login(username=user.username)), app.code()).status_code == 200


def test_reset_enables_what_is_enrolled_next(
    http: Http, stage: Stage, clock: Clock, user: User, ada: EnrolledUser
) -> None:
    guess_wrongly(stage, user, MAX_WRONG_IN_A_ROW)
    factors = SecondFactors.of(stage, "employees")
    factors.reset(factors.find_session(user.user_id))

    enrol(http, clock, user.username, mfa_token_of(http.login(username=user.username)))


def test_wrong_codes_of_messages_disable_that_kind_alone(
    http: Http, stage: Stage, clock: Clock, people: PeopleMaker
) -> None:
    user = people.make(email_verified=True)
    guess_wrongly(stage, user, MAX_WRONG_IN_A_ROW, "email")
    mfa_token = mfa_token_of(http.login(username=user.username))
    sent = challenge(http, mfa_token).json()
    refused = with_oob(http, mfa_token, sent["oob_code"], code_in(emails_to(user.email)[-1]))
    factors = SecondFactors.of(stage, "employees")
    app = App(factors.enroll(factors.find_session(user.user_id))["secret"], clock)

    assert (refused.status_code, refused.json()["error_description"]) == (400, "Invalid binding_code.")
    assert with_otp(http, mfa_token_of(http.login(username=user.username)), app.code()).status_code == 200


def test_wrong_recovery_codes_disable_nothing(http: Http, stage: Stage, user: User, ada: EnrolledUser) -> None:
    guess_wrongly(stage, user, MAX_WRONG_IN_A_ROW, "recovery_code")

    assert with_recovery_code(http, ada.login(http), ada.recovery_code).status_code == 200


def test_parallel_tries_pass_the_hundredth_no_further(stage: Stage, user: User) -> None:
    guess_wrongly(stage, user, MAX_WRONG_IN_A_ROW - 10)
    with ThreadPoolExecutor(16) as pool:
        counted = list(pool.map(lambda _: wrong_codes(stage).count(owner(user), "otp", MAX_WRONG_IN_A_ROW), range(40)))

    assert sorted(one for one in counted if one is not None) == list(range(91, 101))


def test_thief_of_the_password_leaves_the_owner_the_allowance_of_their_network(http: Http, ada: EnrolledUser) -> None:
    home, http.source_ip = http.source_ip, THIEF
    statuses = [with_otp(http, ada.login(http), "000000").status_code for _ in range(11)]
    from_elsewhere = with_otp(http, ada.login(http), ada.app.code())
    http.source_ip = home

    assert statuses == [400] * 10 + [429]
    assert from_elsewhere.status_code == 429
    assert with_otp(http, ada.login(http), ada.app.code()).status_code == 200


def test_known_network_has_an_allowance_and_no_more(http: Http, ada: EnrolledUser) -> None:
    statuses = [with_otp(http, ada.login(http), "000000").status_code for _ in range(11)]

    assert statuses == [400] * 10 + [429]


def test_network_of_a_wrong_login_is_not_known_by_it(http: Http, ada: EnrolledUser) -> None:
    home, http.source_ip = http.source_ip, THIEF
    for _ in range(10):
        with_otp(http, ada.login(http), "000000")
    http.source_ip = "198.51.100.78"
    refused = with_otp(http, ada.login(http), ada.app.code())
    http.source_ip = home

    assert refused.status_code == 429, "all strangers share one allowance"


def noted(stage: Stage, clock: Clock) -> list[str]:
    """Return the accounts whose owners are to be told of wrong codes."""
    store = NoticeStore(stage.dynamo, f"{stage.prefix}attempts", WRONG_CODES, DAY_S)
    return [notice.account.key for notice in store.find_untold(int(clock()))]


def test_owner_is_to_be_told_after_ten_wrong_codes_in_a_row(
    http: Http, stage: Stage, clock: Clock, user: User, ada: EnrolledUser
) -> None:
    guess_wrongly(stage, user, TELL_AFTER - 2)
    with_otp(http, ada.login(http), "000000")
    before = noted(stage, clock)
    with_otp(http, ada.login(http), "000000")
    with_otp(http, ada.login(http), "000000")

    assert f"employees#{user.user_id}" not in before
    assert noted(stage, clock).count(f"employees#{user.user_id}") == 1


def test_tenth_try_that_is_right_tells_nobody(
    http: Http, stage: Stage, clock: Clock, user: User, ada: EnrolledUser
) -> None:
    guess_wrongly(stage, user, TELL_AFTER - 1)
    assert with_otp(http, ada.login(http), ada.app.code()).status_code == 200

    assert f"employees#{user.user_id}" not in noted(stage, clock)


def test_notice_of_wrong_codes_is_no_notice_of_a_block(
    http: Http, stage: Stage, services: Services, user: User, ada: EnrolledUser
) -> None:
    guess_wrongly(stage, user, TELL_AFTER)
    with_otp(http, ada.login(http), "000000")

    services[NoticeFlow].send(report=lambda _: None)
    assert emails_to(user.email) == []


def test_notice_that_cannot_be_stored_does_not_change_the_answer(
    http: Http, stage: Stage, user: User, ada: EnrolledUser
) -> None:
    guess_wrongly(stage, user, TELL_AFTER)
    mfa_token = ada.login(http)
    with failing(stage, "UpdateItem", aws_error("InternalServerError"), about="notice#codes"):
        answer = with_otp(http, mfa_token, "000000")

    assert answer.json()["error_description"] == "Invalid otp_code."


FAILURES = {"open the key": ("Decrypt", ""), "count": ("UpdateItem", "wrong_otp"), "sign": ("Sign", "")}


@pytest.mark.parametrize("failed", FAILURES)
def test_failure_of_aws_costs_no_try_and_counts_nothing_as_wrong(
    http: Http, stage: Stage, user: User, ada: EnrolledUser, failed: str
) -> None:
    guess_wrongly(stage, user, MAX_WRONG_IN_A_ROW - 1)
    mfa_token, (operation, about) = ada.login(http), FAILURES[failed]
    with failing(stage, operation, aws_error("InternalServerError"), about=about):
        statuses = [with_otp(http, mfa_token, ada.app.code()).status_code for _ in range(12)]

    assert statuses == [503] * 12
    assert with_otp(http, mfa_token, ada.app.code()).status_code == 200

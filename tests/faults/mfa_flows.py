"""The flows with a second factor. A code that failed can be shown again, unless its use is what happened unheard."""

import itertools
from typing import NamedTuple

import httpx

from chalicelib.model.user import User
from tests.faults.case import OFFLINE, Case
from tests.faults.workbench import Bench
from tests.support.mfa import (
    EnrolledUser,
    associate,
    challenge,
    code_in,
    enrol,
    mfa_token_of,
    sms_to,
    with_oob,
    with_otp,
    with_recovery_code,
)

_numbers = itertools.count(2_025_700_100)


class Phone(NamedTuple):
    """A person with a phone."""

    user: User
    number: str


def owed(bench: Bench) -> Case:
    """A right password of somebody who owes a second factor."""
    user = bench.people.make()

    def done(response: httpx.Response) -> None:
        assert bench.attempts(user.user_id)[1] == 0
        enrol(bench.http, bench.clock, user.username, mfa_token_of(response))

    return Case(lambda: bench.http.login(username=user.username), done=done)


def enrolment(bench: Bench) -> Case:
    """A new authenticator app."""
    user = bench.people.make()
    mfa_token = mfa_token_of(bench.http.login(username=user.username))

    def done(_: httpx.Response) -> None:
        enrol(bench.http, bench.clock, user.username, mfa_token)

    return Case(lambda: associate(bench.http, mfa_token), done=done)


def otp(bench: Bench) -> Case:
    user, enrolled = _with_app(bench)
    mfa_token, code = enrolled.login(bench.http, scope=OFFLINE), enrolled.app.code()

    def anew() -> httpx.Response:
        bench.clock.advance(60)
        return with_otp(bench.http, enrolled.login(bench.http, scope=OFFLINE), enrolled.app.code())

    def done(response: httpx.Response) -> None:
        _require_one_family(bench, user, response)
        assert with_otp(bench.http, mfa_token, code).status_code == 400

    return Case(lambda: with_otp(bench.http, mfa_token, code), lambda _: _require_none(bench, user), done, anew)


def recovery_code(bench: Bench) -> Case:
    user, enrolled = _with_app(bench)
    mfa_token, code = enrolled.login(bench.http, scope=OFFLINE), enrolled.recovery_code

    def anew() -> httpx.Response:
        return with_otp(bench.http, enrolled.login(bench.http, scope=OFFLINE), enrolled.app.code())

    def done(response: httpx.Response) -> None:
        _require_one_family(bench, user, response)
        assert with_recovery_code(bench.http, mfa_token, code).status_code == 400

    def act() -> httpx.Response:
        return with_recovery_code(bench.http, mfa_token, code)

    return Case(act, lambda _: _require_none(bench, user), done, anew)


def text_message(bench: Bench) -> Case:
    """A code that was sent by text message."""
    user, number = _with_phone(bench)

    def sent() -> tuple[str, str, str]:
        mfa_token = mfa_token_of(bench.http.login(username=user.username, scope=OFFLINE))
        oob_code = challenge(bench.http, mfa_token).json()["oob_code"]
        return mfa_token, oob_code, code_in(sms_to(number)[-1])

    codes = sent()

    def done(response: httpx.Response) -> None:
        _require_one_family(bench, user, response)
        assert with_oob(bench.http, *codes).status_code == 400

    return Case(
        lambda: with_oob(bench.http, *codes),
        lambda _: _require_none(bench, user),
        done,
        lambda: with_oob(bench.http, *sent()),
    )


def sending(bench: Bench) -> Case:
    """A code is sent: the last message holds one that is right."""
    user, number = _with_phone(bench)
    mfa_token = mfa_token_of(bench.http.login(username=user.username))

    def done(response: httpx.Response) -> None:
        code = code_in(sms_to(number)[-1])
        assert with_oob(bench.http, mfa_token, response.json()["oob_code"], code).status_code == 200

    return Case(lambda: challenge(bench.http, mfa_token), done=done)


def _with_app(bench: Bench) -> tuple[User, EnrolledUser]:
    # PyJWT looks at the real clock, and takes no token of tomorrow.
    bench.clock.advance(-300)
    user = bench.people.make()
    mfa_token = mfa_token_of(bench.http.login(username=user.username))
    enrolled = enrol(bench.http, bench.clock, user.username, mfa_token)
    bench.clock.advance(60)
    return user, enrolled


def _with_phone(bench: Bench) -> Phone:
    user, number = bench.people.make(), f"+1{next(_numbers)}"
    mfa_token = mfa_token_of(bench.http.login(username=user.username))
    made = associate(
        bench.http, mfa_token, authenticator_types=["oob"], oob_channels=["sms"], phone_number=number
    ).json()
    assert with_oob(bench.http, mfa_token, made["oob_code"], code_in(sms_to(number)[-1])).status_code == 200
    return Phone(user, number)


def _require_none(bench: Bench, user: User) -> None:
    assert bench.families(user) == []


def _require_one_family(bench: Bench, user: User, response: httpx.Response) -> None:
    body = response.json()
    bench.require_live(body["access_token"])
    assert len(bench.families(user)) == 1
    assert bench.refresh(body["refresh_token"]).status_code == 200

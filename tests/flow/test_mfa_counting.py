"""Of a second factor, guesses at codes alone count for an address. Through HTTP."""

import itertools
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from chalicelib import wiring
from infra.stage.aws import Stage
from tests.support.clients import make_client
from tests.support.fixed import Clock
from tests.support.http import BACKEND, Http
from tests.support.mfa import (
    EnrolledUser,
    associate,
    authenticators,
    challenge,
    code_in,
    emails_to,
    enrol,
    mfa_token_of,
    with_oob,
    with_otp,
)
from tests.support.people import PeopleMaker
from tests.support.rules import client_with_rules
from tests.support.stages import change_protection

MALFORMED = {"error": "invalid_grant", "error_description": "Malformed mfa_token"}
FIVE: dict[str, object] = {"max_attempts": 5}
_numbers = itertools.count(1)


def somewhere() -> str:
    """Return an address that no other test has."""
    number = next(_numbers)
    return f"198.19.{number >> 8}.{number & 255}"


@pytest.fixture
def http(stage: Stage, externals: wiring.Externals) -> Iterator[Http]:
    def owes(_: Any, context: Any) -> None:
        context.multifactor = {"provider": "any"}

    with (
        change_protection(stage, suspicious_ip_throttling=FIVE),
        client_with_rules(stage, externals, owes, ip=somewhere()) as client,
    ):
        yield client


@pytest.fixture
def ada(http: Http, clock: Clock, people: PeopleMaker) -> EnrolledUser:
    username = people.make().username
    enrolled = enrol(http, clock, username, mfa_token_of(http.login(username=username)))
    clock.advance(60)
    return enrolled


def is_open(http: Http, username: str) -> bool:
    return http.login(username=username).status_code == 403


def test_mfa_token_that_is_shown_again_counts_nothing(http: Http, ada: EnrolledUser) -> None:
    mfa_token, code = ada.login(http), ada.app.code()
    assert with_otp(http, mfa_token, code).status_code == 200
    again = [with_otp(http, mfa_token, code) for _ in range(20)]

    assert {(answer.status_code, str(answer.json())) for answer in again} == {(400, str(MALFORMED))}
    assert http.log[-1]["reason"] == "the mfa_token was used"
    assert http.log[-1]["user"]
    assert is_open(http, ada.username)


def test_used_mfa_token_is_refused_everywhere_until_it_would_have_ended_and_after(
    http: Http, ada: EnrolledUser, clock: Clock
) -> None:
    mfa_token = ada.login(http)
    assert with_otp(http, mfa_token, ada.app.code()).status_code == 200
    for seconds in (0, 599, 600):
        clock.advance(seconds)
        assert challenge(http, mfa_token).json() == MALFORMED
        assert with_otp(http, mfa_token, ada.app.code()).json() == MALFORMED
        assert (associate(http, mfa_token).status_code, authenticators(http, mfa_token).status_code) == (401, 401)


def test_double_submits_at_one_backend_shut_nobody_out(http: Http, ada: EnrolledUser) -> None:
    for _ in range(8):
        mfa_token, code = ada.login(http), ada.app.code()
        with ThreadPoolExecutor(2) as pool:
            statuses = list(pool.map(lambda _: with_otp(http, mfa_token, code).status_code, range(2)))  # noqa: B023 (done within the turn)
        ada.app.clock.advance(30)
        assert sorted(statuses) == [200, 400]

    assert is_open(http, ada.username)


@pytest.mark.parametrize("shown", ["x", "a" * 43, "ü"])
def test_mfa_token_that_never_was_counts_nothing(http: Http, ada: EnrolledUser, shown: str) -> None:
    for _ in range(8):
        assert with_otp(http, shown, "123456").json() == MALFORMED
        assert challenge(http, shown).json() == MALFORMED

    assert is_open(http, ada.username)


def test_superseded_oob_code_counts_nothing(http: Http, people: PeopleMaker) -> None:
    user = people.make(email_verified=True)
    mfa_token = mfa_token_of(http.login(username=user.username))
    first, second = (challenge(http, mfa_token).json()["oob_code"] for _ in range(2))
    code = code_in(emails_to(user.email)[-1])
    for _ in range(8):
        assert with_oob(http, mfa_token, first, code).json()["error_description"] == "Malformed oob_code."

    assert with_oob(http, mfa_token, second, code).status_code == 200


def test_wrong_codes_count_for_the_address_as_ever(http: Http, ada: EnrolledUser) -> None:
    mfa_token = ada.login(http)
    statuses = [with_otp(http, mfa_token, "not-it").status_code for _ in range(6)]

    assert statuses == [400] * 5 + [429]
    assert http.log[-1]["event"] == "limit_mu"


# Whose address.


def wrong_codes(http: Http, mfa_token: str, address: str, **client: str) -> list[int]:
    form = {"grant_type": "http://auth0.com/oauth/grant-type/mfa-otp", "mfa_token": mfa_token, "otp": "not-it"}
    return [http.token({**form, **BACKEND, **client}, **{"auth0-forwarded-for": address}).status_code for _ in range(5)]


def asked(http: Http, mfa_token: str, address: str, **client: str) -> int:
    body = {"mfa_token": mfa_token, **BACKEND, **client}
    return http.post("/mfa/challenge", json=body, headers={"auth0-forwarded-for": address}).status_code


def test_challenge_believes_a_trusted_client_whom_it_asks_for(http: Http, ada: EnrolledUser) -> None:
    mfa_token, thief, owner = ada.login(http), somewhere(), somewhere()
    assert wrong_codes(http, mfa_token, thief) == [400] * 5

    assert (asked(http, mfa_token, thief), asked(http, mfa_token, owner)) == (429, 200)
    assert (http.log[-1]["source_ip"], http.log[-1]["client_ip"]) == (owner, http.source_ip)


def test_challenge_of_a_trusted_client_goes_on_where_its_own_address_is_full(http: Http, ada: EnrolledUser) -> None:
    mfa_token, owner = ada.login(http), somewhere()
    for _ in range(5):
        with_otp(http, mfa_token, "not-it")

    assert challenge(http, mfa_token).status_code == 429
    assert asked(http, mfa_token, owner) == 200


def test_challenge_believes_no_client_that_is_not_trusted(http: Http, stage: Stage, ada: EnrolledUser) -> None:
    client_id = make_client(stage, secret="s", is_token_endpoint_ip_header_trusted=False)
    client = {"client_id": client_id, "client_secret": "s"}
    mfa_token = ada.login(http, **client)
    assert wrong_codes(http, mfa_token, somewhere(), **client) == [400] * 5

    assert asked(http, mfa_token, somewhere(), **client) == 429

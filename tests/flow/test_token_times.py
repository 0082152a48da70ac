"""When an access token holds (RFC 7519 4.1), by the server's own clock, through HTTP."""

import json
from typing import Any

import pytest

from infra.stage.aws import Stage
from tests.support.access_tokens import access_token, assert_refused_everywhere, genuine_parts, signed_by_us, userinfo
from tests.support.clients import make_api
from tests.support.fixed import Clock
from tests.support.http import BACKEND, Http

YEAR_S = 31_557_600


def assert_taken_everywhere(http: Http, token: str) -> None:
    """Assert that /userinfo answers, and that introspection calls the token active."""
    assert userinfo(http, token).status_code == 200
    introspected = http.post("/oauth/introspect", data={"token": token, **BACKEND})
    assert introspected.json()["active"] is True


@pytest.mark.parametrize("ahead_s", [1, 11, YEAR_S])
def test_iat_ahead_of_the_clock_is_not_judged(http: Http, stage: Stage, clock: Clock, ahead_s: int) -> None:
    _, claims = genuine_parts(http)

    assert_taken_everywhere(http, signed_by_us(stage, claims | {"iat": int(clock()) + ahead_s}))


def test_token_of_a_process_whose_clock_is_ahead_is_taken(http: Http, clock: Clock) -> None:
    clock.advance(30)
    token = access_token(http)
    clock.advance(-30)

    assert_taken_everywhere(http, token)


@pytest.mark.parametrize("ahead_s", [-YEAR_S, 0, 10])
def test_nbf_within_the_leeway_is_taken(http: Http, stage: Stage, clock: Clock, ahead_s: int) -> None:
    clock.now = float(int(clock()))
    _, claims = genuine_parts(http)

    assert_taken_everywhere(http, signed_by_us(stage, claims | {"nbf": clock() + ahead_s}))


def test_nbf_beyond_the_leeway_is_refused(http: Http, stage: Stage, clock: Clock) -> None:
    clock.now = float(int(clock()))
    _, claims = genuine_parts(http)

    assert_refused_everywhere(http, signed_by_us(stage, claims | {"nbf": clock() + 11}))


@pytest.mark.parametrize("moved_s", [-YEAR_S, YEAR_S], ids=["the machine's clock is ahead", "behind"])
def test_times_are_those_of_the_servers_own_clock(http: Http, stage: Stage, clock: Clock, moved_s: int) -> None:
    clock.advance(moved_s)
    token = access_token(http, audience=make_api(stage, token_lifetime=60))
    assert_taken_everywhere(http, token)
    clock.advance(60)

    assert_refused_everywhere(http, token)


@pytest.mark.parametrize("exp", [True, "32503680000", "never", [32_503_680_000], None], ids=json.dumps)
def test_exp_that_is_no_number_is_refused(http: Http, stage: Stage, exp: Any) -> None:
    _, claims = genuine_parts(http)

    assert_refused_everywhere(http, signed_by_us(stage, claims | {"exp": exp}))

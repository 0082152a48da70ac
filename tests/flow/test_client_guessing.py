"""Guessing at client secrets (docs/adr/0014), through HTTP."""

from base64 import b64encode

import pytest

from chalicelib import wiring
from infra.aws import Stage
from tests.conftest import Clock
from tests.support.calls import calls_of
from tests.support.faults import aws_error, failing
from tests.support.http import BACKEND, Http, shown
from tests.support.people import PeopleMaker
from tests.support.stages import client_of, protected

FAILED = {"error": "invalid_client", "error_description": "Client authentication failed."}
THROTTLED = {
    "error": "too_many_attempts",
    "error_description": "We have detected suspicious login behavior and further attempts will be blocked.",
}
NATIVE = {"client_id": "demo-native", "client_secret": None}


def wrong(http: Http, times: int, **params: str | None) -> list[int]:
    """Send so many wrong client secrets, and return the statuses."""
    return [http.login(**{"client_secret": "a guess", **params}).status_code for _ in range(times)]


def test_fifty_wrong_secrets_are_refused_and_then_the_address_is_b20(http: Http, clock: Clock) -> None:
    clock.now = int(clock.now)

    assert wrong(http, 50) == [401] * 50
    response = http.login(client_secret="a guess")
    assert (response.status_code, response.json()) == (429, THROTTLED)
    assert response.headers["Retry-After"] == "60"
    assert response.headers["X-RateLimit-Limit"] == "50"
    assert response.headers["X-RateLimit-Remaining"] == "0"
    assert response.headers["X-RateLimit-Reset"] == str(int(clock()) + 60)
    assert http.log[-1]["event"] == "limit_mu"
    clock.advance(59)
    assert wrong(http, 1) == [429]
    clock.advance(1)
    assert wrong(http, 2) == [401, 429]


def test_full_address_is_refused_before_the_secret_is_compared_and_without_a_call_b20(http: Http, stage: Stage) -> None:
    wrong(http, 51)
    with calls_of(stage) as calls:
        assert http.login().status_code == 429

    assert calls.made == []


def test_other_process_learns_of_a_full_address_from_its_first_failure_b20(
    http: Http, stage: Stage, world: wiring.World
) -> None:
    wrong(http, 50)
    with client_of(stage, world) as other:
        other.source_ip = http.source_ip
        assert other.login().status_code == 200
        assert wrong(other, 1) == [429]
        assert other.login().status_code == 429


def test_right_secret_costs_no_call_more_b20(http: Http, stage: Stage) -> None:
    http.login()
    with calls_of(stage) as calls:
        assert http.login().status_code == 200

    assert len(calls.made) == 5


@pytest.mark.parametrize("path", ["/oauth/revoke", "/oauth/introspect"])
def test_every_endpoint_that_authenticates_clients_counts_b20(http: Http, path: str) -> None:
    form = {**BACKEND, "client_secret": "a guess", "token": "x"}

    assert [http.post(path, data=form).status_code for _ in range(51)] == [401] * 50 + [429]
    assert http.login().status_code == 429


def test_unknown_and_known_clients_are_refused_alike_b05_b20(http: Http) -> None:
    wrong(http, 25, client_id="nobody")
    wrong(http, 25)
    answers = [http.login(client_id=client_id, client_secret="a guess") for client_id in ("nobody", "demo-backend")]

    assert shown(answers[0]) == shown(answers[1])
    assert answers[0].status_code == 429


def test_basic_and_assertions_count_too_b20(http: Http, stage: Stage) -> None:
    authorization = "Basic " + b64encode(b"demo-basic:a guess").decode()
    form = {"grant_type": "password", "username": "x", "password": "x"}

    assert {http.token(form, Authorization=authorization).status_code for _ in range(50)} == {401}
    response = http.token(form, Authorization=authorization)
    assert response.status_code == 429
    assert "WWW-Authenticate" not in response.headers


@pytest.mark.parametrize(
    "params",
    [{"client_id": None}, {"client_assertion": "x", "client_assertion_type": "y", "client_secret": None}],
    ids=["no-client-id", "unreadable-assertion"],
)
def test_requests_that_name_no_client_do_not_count_b20(http: Http, params: dict[str, str | None]) -> None:
    assert set(wrong(http, 55, **params)) == {401}
    assert wrong(http, 1) == [401]


def test_public_client_shows_nothing_to_guess_and_gets_in_from_a_full_address(http: Http, people: PeopleMaker) -> None:
    user = people.make()
    wrong(http, 51)

    assert http.login(**NATIVE, username=user.username).status_code == 200


def test_addresses_of_one_ipv6_network_are_one_m14_b20(http: Http) -> None:
    for host in range(50):
        http.source_ip = f"2001:db8:b20:1:{host:x}::1"
        assert wrong(http, 1) == [401]

    http.source_ip = "2001:db8:b20:1::1"
    assert wrong(http, 1) == [429]
    http.source_ip = "2001:db8:b20:2::1"
    assert wrong(http, 1) == [401]


def test_address_on_the_list_is_not_counted_m17(http: Http, stage: Stage) -> None:
    with protected(stage, suspicious_ip_throttling={"allowlist": [http.source_ip]}):
        assert set(wrong(http, 55)) == {401}


def test_failure_that_cannot_be_counted_is_no_answer_p02(http: Http, stage: Stage) -> None:
    with failing(stage, "UpdateItem", aws_error("InternalServerError")):
        assert wrong(http, 1) == [503]

    assert http.login(client_secret="a guess").json() == FAILED

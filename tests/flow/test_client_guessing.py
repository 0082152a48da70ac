"""Guessing at client secrets (docs/adr/0014), through HTTP."""

from base64 import b64encode

import pytest
from jwt.algorithms import RSAAlgorithm

from chalicelib import wiring
from infra.stage.aws import Stage
from tests.support.calls import calls_of
from tests.support.client_secrets import BASIC_SECRET, OTHER_KEY, RSA_KEY, assertion, assertion_login
from tests.support.clients import make_client
from tests.support.faults import aws_error, failing
from tests.support.fixed import Clock
from tests.support.http import BACKEND, Http, visible_parts
from tests.support.people import PeopleMaker
from tests.support.stages import change_protection, client_of

FAILED = {"error": "invalid_client", "error_description": "Client authentication failed."}
THROTTLED = {
    "error": "too_many_attempts",
    "error_description": "We have detected suspicious login behavior and further attempts will be blocked.",
}
NATIVE = {"client_id": "demo-native", "client_secret": None}


def wrong(http: Http, times: int, **params: str | None) -> list[int]:
    """Send so many wrong client secrets, and return the statuses."""
    return [http.login(**{"client_secret": "a guess", **params}).status_code for _ in range(times)]


def test_fifty_wrong_secrets_are_refused_and_then_the_address_is(http: Http, clock: Clock) -> None:
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


def test_full_address_is_refused_before_the_secret_is_compared_and_without_a_call(http: Http, stage: Stage) -> None:
    wrong(http, 51)
    with calls_of(stage) as calls:
        assert http.login().status_code == 429

    assert calls.made == []


def test_other_process_learns_of_a_full_address_from_its_first_failure(
    http: Http, stage: Stage, externals: wiring.Externals
) -> None:
    wrong(http, 50)
    with client_of(stage, externals) as other:
        other.source_ip = http.source_ip
        assert other.login().status_code == 200
        assert wrong(other, 1) == [429]
        assert other.login().status_code == 429


def test_right_secret_costs_no_call_more(http: Http, stage: Stage) -> None:
    http.login()
    with calls_of(stage) as calls:
        assert http.login().status_code == 200

    assert len(calls.made) == 5


@pytest.mark.parametrize("path", ["/oauth/revoke", "/oauth/introspect"])
def test_every_endpoint_that_authenticates_clients_counts(http: Http, path: str) -> None:
    form = {**BACKEND, "client_secret": "a guess", "token": "x"}

    assert [http.post(path, data=form).status_code for _ in range(51)] == [401] * 50 + [429]
    assert http.login().status_code == 429


def introspects(http: Http, client_id: str, secret: str) -> int:
    return http.post(
        "/oauth/introspect", data={"client_id": client_id, "client_secret": secret, "token": "x"}
    ).status_code


@pytest.mark.parametrize("guessed_at", ["demo-backend", "nobody", "somebody else"])
def test_failures_at_one_client_shut_no_other_out(http: Http, stage: Stage, guessed_at: str) -> None:
    neighbour = make_client(stage, secret="neighbour")
    assert wrong(http, 51, client_id=guessed_at)[-1] == 429

    assert http.login(client_id=neighbour, client_secret="neighbour").status_code == 200
    assert introspects(http, neighbour, "neighbour") == 200
    assert wrong(http, 1, client_id=neighbour) == [401]


def test_unknown_ids_share_one_count_of_the_address(http: Http) -> None:
    assert [*wrong(http, 25, client_id="nobody"), *wrong(http, 25, client_id="nobody else")] == [401] * 50

    assert wrong(http, 1, client_id="a third") == [429]
    assert http.login().status_code == 200


def test_unknown_and_known_clients_are_refused_alike(http: Http, clock: Clock) -> None:
    clock.now = int(clock.now)
    wrong(http, 50, client_id="nobody")
    wrong(http, 50)
    answers = [http.login(client_id=client_id, client_secret="a guess") for client_id in ("nobody", "demo-backend")]

    assert visible_parts(answers[0]) == visible_parts(answers[1])
    assert answers[0].status_code == 429


@pytest.mark.parametrize("known", ["demo-backend", "demo-basic"])
def test_unknown_client_costs_the_calls_of_a_known_one(http: Http, stage: Stage, known: str) -> None:
    made: dict[str, list[str]] = {}
    for client_id in (known, "nobody of that id"):
        wrong(http, 1, client_id=client_id)
        with calls_of(stage) as calls:
            assert wrong(http, 1, client_id=client_id) == [401]
        made[client_id] = calls.made

    assert made[known] == made["nobody of that id"]


def test_basic_counts_too(http: Http) -> None:
    authorization = "Basic " + b64encode(b"demo-basic:a guess").decode()
    form = {"grant_type": "password", "username": "x", "password": "x"}

    assert {http.token(form, Authorization=authorization).status_code for _ in range(50)} == {401}
    response = http.token(form, Authorization=authorization)
    assert response.status_code == 429
    assert "WWW-Authenticate" not in response.headers


def test_right_secret_by_the_wrong_method_costs_nothing(http: Http) -> None:
    right = {"client_id": "demo-basic", "client_secret": BASIC_SECRET}
    assert set(wrong(http, 55, **right)) == {401}
    assert "registered for client_secret_basic, not client_secret_post" in http.log[-1]["reason"]

    authorization = "Basic " + b64encode(b"demo-backend:demo-backend-secret").decode()
    form = {"grant_type": "password", "username": "x", "password": "x"}
    assert {http.token(form, Authorization=authorization).status_code for _ in range(55)} == {401}
    assert http.login().status_code == 200


def test_wrong_secret_by_the_wrong_method_is_a_guess(http: Http) -> None:
    assert wrong(http, 51, client_id="demo-basic") == [401] * 50 + [429]


def test_assertions_cost_nothing_and_are_never_refused_for_guesses(http: Http, stage: Stage, clock: Clock) -> None:
    jwks = [RSAAlgorithm.to_jwk(RSA_KEY.public_key(), as_dict=True)]
    client_id = make_client(stage, token_endpoint_auth_method="private_key_jwt", jwks=jwks)
    for name in (client_id, "nobody"):
        bad = [assertion_login(http, assertion(name, OTHER_KEY)).status_code for _ in range(55)]
        assert set(bad) == {401}

    assert wrong(http, 51, client_id=client_id)[-1] == 429
    assert assertion_login(http, assertion(client_id)).status_code == 200
    assert wrong(http, 1, client_id="nobody") == [401]


def test_public_client_shows_nothing_to_guess_and_gets_in_from_a_full_address(http: Http, people: PeopleMaker) -> None:
    user = people.make()
    wrong(http, 51)

    assert http.login(**NATIVE, username=user.username).status_code == 200


def test_addresses_of_one_ipv6_network_are_one(http: Http) -> None:
    for host in range(50):
        http.source_ip = f"2001:db8:b20:1:{host:x}::1"
        assert wrong(http, 1) == [401]

    http.source_ip = "2001:db8:b20:1::1"
    assert wrong(http, 1) == [429]
    http.source_ip = "2001:db8:b20:2::1"
    assert wrong(http, 1) == [401]


def test_address_on_the_list_is_not_counted(http: Http, stage: Stage) -> None:
    with change_protection(stage, suspicious_ip_throttling={"allowlist": [http.source_ip]}):
        assert set(wrong(http, 55)) == {401}


def test_failure_that_cannot_be_counted_is_no_answer(http: Http, stage: Stage) -> None:
    with failing(stage, "UpdateItem", aws_error("InternalServerError")):
        assert wrong(http, 1) == [503]

    assert http.login(client_secret="a guess").json() == FAILED

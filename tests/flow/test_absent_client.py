"""A client that is not there: remembered for seconds, of few ids, and forgotten when it comes. Through HTTP."""

from chalicelib.store.configuration.client_secrets import sha256
from chalicelib.store.configuration.config import ABSENCE_LIFETIME_S, MAX_ABSENCES, ConfigStore
from infra.stage.aws import Stage
from tests.support.calls import calls_of
from tests.support.config import document_of
from tests.support.fixed import Clock
from tests.support.http import Http

NEW = {"client_id": "a client to come", "client_secret": "s"}


def test_new_client_works_ten_seconds_after_it_was_asked_for_in_vain(http: Http, stage: Stage, clock: Clock) -> None:
    assert http.login(**NEW).status_code == 401
    document = document_of(stage, "client#demo-backend") | {"client_id": NEW["client_id"]}
    config = stage.config()
    config.put(f"client#{NEW['client_id']}", document | {"secrets": [{"sha256": sha256("s"), "expires_at": None}]})

    clock.advance(ABSENCE_LIFETIME_S - 1)
    assert http.login(**NEW).status_code == 401
    clock.advance(1)
    assert http.login(**NEW).status_code == 200
    config.delete(f"client#{NEW['client_id']}")


def config_of(stage: Stage, clock: Clock, lifetime_s: int = 60) -> ConfigStore:
    return ConfigStore(stage.dynamo, f"{stage.prefix}config", clock, lifetime_s)


def test_absent_client_is_read_once_in_ten_seconds(stage: Stage, clock: Clock) -> None:
    config = config_of(stage, clock)
    with calls_of(stage) as calls:
        assert [config.client("nobody") for _ in range(5)] == [None] * 5
        clock.advance(ABSENCE_LIFETIME_S)
        assert config.client("nobody") is None

    assert calls.made == ["GetItem"] * 2


def test_memory_of_absent_clients_is_bounded_and_spares_those_that_are_there(stage: Stage, clock: Clock) -> None:
    config = config_of(stage, clock)
    assert config.client("demo-backend")
    for number in range(MAX_ABSENCES + 10):
        config.client(f"nobody {number}")
    config.client("x" * 5000)

    assert len(config._absent_clients.entries) == MAX_ABSENCES
    assert max(len(str(key)) for key in config._absent_clients.entries) < 100
    with calls_of(stage) as calls:
        assert config.client("demo-backend")
    assert calls.made == []


def test_tools_remember_no_absence(stage: Stage, clock: Clock) -> None:
    config = config_of(stage, clock, lifetime_s=0)
    with calls_of(stage) as calls:
        assert [config.client("nobody") for _ in range(3)] == [None] * 3

    assert calls.made == ["GetItem"] * 3

"""Refresh tokens and suspicious-IP throttling, through HTTP: applications retry dead tokens, and people log in."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from infra.stage.aws import Stage
from infra.stage.people import People
from tests.support.calls import calls_of, rounds_of
from tests.support.clients import make_client
from tests.support.fixed import Clock
from tests.support.http import BACKEND, TIMESHEETS, Http
from tests.support.people import PASSWORD, PeopleMaker
from tests.support.stages import change_protection

RETRIES = 22
MONTH_S = 2_592_000


@dataclass
class Holder:
    """A person, and the refresh token of their login through demo-backend."""

    http: Http
    people: PeopleMaker
    clock: Clock

    def __post_init__(self) -> None:
        self.user = self.people.make()
        self.token = self.new_token()

    def new_token(self) -> str:
        form = {"username": self.user.username, "scope": "offline_access", "audience": TIMESHEETS}
        token: str = self.http.login(**form).json()["refresh_token"]
        return token

    def refresh(self, token: str) -> int:
        form = {**BACKEND, "grant_type": "refresh_token", "refresh_token": token}
        return self.http.token(form).status_code

    @property
    def realm(self) -> People:
        return self.people.of("employees")


@pytest.fixture
def holder(http: Http, people: PeopleMaker, clock: Clock, stage: Stage) -> Iterator[Holder]:
    """Somebody whose address may fail five times."""
    with change_protection(stage, suspicious_ip_throttling={"max_attempts": 5}):
        yield Holder(http, people, clock)


def revoked(holder: Holder) -> str:
    assert holder.http.post("/oauth/revoke", data={**BACKEND, "token": holder.token}).status_code == 200
    return holder.token


def superseded(holder: Holder) -> str:
    token = holder.token
    for _ in range(2):
        form = {**BACKEND, "grant_type": "refresh_token", "refresh_token": token}
        token = holder.http.token(form).json()["refresh_token"]
    return holder.token


def expired(holder: Holder) -> str:
    holder.clock.advance(MONTH_S)
    return holder.token


def of_a_blocked_person(holder: Holder) -> str:
    holder.realm.set_blocked(holder.user, True)
    return holder.token


def of_an_older_password(holder: Holder) -> str:
    holder.realm.set_password(holder.user, "another long passphrase")
    return holder.token


def damaged(holder: Holder) -> str:
    return holder.token[:-1] + ("A" if holder.token[-1] != "A" else "B")


DEAD: list[Callable[[Holder], str]] = [
    revoked,
    superseded,
    expired,
    of_a_blocked_person,
    of_an_older_password,
    damaged,
    lambda _: "garbage",
    lambda _: "x" * 2000,
]


@pytest.mark.parametrize("dead", DEAD, ids=lambda dead: dead.__name__)
def test_dead_token_that_is_retried_refuses_nobodys_login(holder: Holder, dead: Callable[[Holder], str]) -> None:
    token, neighbour = dead(holder), Holder(holder.http, holder.people, holder.clock)
    assert {holder.refresh(token) for _ in range(RETRIES)} <= {400, 403}
    assert holder.http.login(username=neighbour.user.username).status_code == 200
    assert neighbour.refresh(neighbour.token) == 200


def test_other_clients_token_that_is_retried_refuses_nobodys_login(holder: Holder, stage: Stage) -> None:
    other = {"client_id": make_client(stage, secret="s"), "client_secret": "s"}
    form = {**other, "grant_type": "refresh_token", "refresh_token": holder.token}
    assert {holder.http.token(form).status_code for _ in range(RETRIES)} == {400}
    assert holder.http.login(username=holder.user.username).status_code == 200
    assert holder.refresh(holder.token) == 200


@pytest.mark.parametrize("path", ["/oauth/revoke", "/oauth/introspect"])
@pytest.mark.parametrize("dead", [revoked, damaged, lambda _: "garbage"], ids=["revoked", "damaged", "garbage"])
def test_dead_token_at_another_endpoint_refuses_nobodys_login(
    holder: Holder, path: str, dead: Callable[[Holder], str]
) -> None:
    form = {**BACKEND, "token": dead(holder)}
    assert {holder.http.post(path, data=form).status_code for _ in range(RETRIES)} == {200}
    assert holder.http.login(username=holder.user.username).status_code == 200


def test_address_that_is_throttled_for_its_logins_refreshes_all_the_same(holder: Holder) -> None:
    guesses = [holder.http.login(username=f"nobody {one}", password="guess").status_code for one in range(6)]
    assert guesses == [400] * 5 + [429]
    assert holder.refresh(holder.token) == 200


def test_refresh_makes_three_calls_in_two_rounds(http: Http, people: PeopleMaker, stage: Stage) -> None:
    client_id, user = make_client(stage, secret="s"), people.make()
    backend = {"client_id": client_id, "client_secret": "s"}
    login = http.login(**backend, username=user.username, password=PASSWORD, scope="offline_access")
    with rounds_of(stage) as calls:
        form = {**backend, "grant_type": "refresh_token", "refresh_token": login.json()["refresh_token"]}
        assert http.token(form).status_code == 200

    assert calls.rounds == [{"BatchGetItem"}, {"PutItem", "Sign"}]
    assert len(calls.made) == 3


def test_token_that_leads_nowhere_costs_no_write(holder: Holder, stage: Stage) -> None:
    for dead, made in ((damaged, []), (revoked, ["BatchGetItem"])):
        token = dead(holder)
        with calls_of(stage) as calls:
            assert holder.refresh(token) == 400
        assert calls.made == made

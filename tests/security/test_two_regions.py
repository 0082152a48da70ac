"""A fail-over between two Regions, under generated schedules (docs/run/scaling.md, docs/adr/0061).

Two copies of the real application serve a realm, each on tables of its own, which replicate late, out of order, or not
at all. Their clocks differ. The Region that is home may be cut off, with requests under way in it, while the other
takes over. Whatever happens: no code, assertion or refresh token is taken twice, and who guesses at one name from one
address gets no more guesses in an epoch than the tenant file allows.
"""

import itertools
import math
import os
from collections import Counter
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from functools import partial
from typing import ClassVar

import httpx
import jwt
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from jwt.algorithms import RSAAlgorithm

from chalicelib import wiring
from chalicelib.settings import Settings
from chalicelib.store.aws.connections import connect_over
from infra.stage.aws import Stage
from tests.support.client_secrets import ASSERTION_TYPE, RSA_KEY
from tests.support.clients import make_client
from tests.support.fake_aws.expressions import Item
from tests.support.fixed import BCRYPT_COST, ISSUER, Clock
from tests.support.http import TIMESHEETS, Http
from tests.support.mfa import App, EnrolledUser, enrol, mfa_token_of, with_otp, with_recovery_code
from tests.support.people import PASSWORD, PeopleMaker
from tests.support.regions import (
    ASSERTION_S,
    CODE_S,
    LEASE_S,
    REQUEST_S,
    SKEW_S,
    Home,
    Protocol,
    Region,
    Replica,
    Witness,
    Written,
)
from tests.support.rules import ask_the_unenrolled, client_with_rules

EAST, WEST = "east", "west"
NAMES = (EAST, WEST)
MAX_GUESSES = 10
STEP_S = 30
EXAMPLES = 300
HANGING, CALLS = st.floats(0.1, REQUEST_S - 0.1), st.integers(0, 3)
RSA_JWK = RSAAlgorithm.to_jwk(RSA_KEY.public_key(), as_dict=True)


@dataclass(frozen=True, slots=True)
class Seed:
    """The items that both Regions begin with, and who is in them. at: when they were made."""

    stage: Stage
    at: float
    items: dict[str, dict[tuple[str, str], Item]]
    user: str
    victim: str
    enrolled: EnrolledUser
    client_id: str


@dataclass(frozen=True, slots=True)
class Thing:
    """A thing that may be taken once. epoch: in which it was given out, 0 if no Region gave it.

    untaken_before: only a home of an earlier time can have taken it.
    """

    kind: str
    value: str
    epoch: int = 0
    untaken_before: float = math.inf


@pytest.fixture
def seed(stage: Stage, externals: wiring.Externals, clock: Clock, people: PeopleMaker) -> Seed:
    user, victim, enrolling = (str(people.make().username) for _ in range(3))
    with client_with_rules(stage, externals, ask_the_unenrolled) as http:
        enrolled = enrol(http, clock, enrolling, mfa_token_of(http.login(username=enrolling)))
    client_id = make_client(stage, token_endpoint_auth_method="private_key_jwt", jwks=[RSA_JWK])
    tables = {name: read_all(stage, f"{stage.prefix}{name}") for name in ("config", "users-employees")}
    items = {f"{stage.prefix}{name}": found for name, found in tables.items()}
    return Seed(stage, clock.now + 120, items, user, victim, enrolled, client_id)


def read_all(stage: Stage, table: str) -> dict[tuple[str, str], Item]:
    pages = stage.clients.dynamodb.get_paginator("scan").paginate(TableName=table, ConsistentRead=True)
    read = [item for page in pages for item in page["Items"]]
    return {(item["pk"]["S"], item.get("sk", {}).get("S", "")): dict(item) for item in read}


class FailOvers(RuleBasedStateMachine):
    """Two Regions, somebody who logs in, and a thief who has all that was ever given out, and uses it anywhere."""

    seed: ClassVar[Seed]
    protocol: ClassVar[Protocol] = Protocol()
    # How often each kind of thing was taken, and a home lost, in all schedules.
    seen: ClassVar[Counter[str]] = Counter()

    @initialize(skew_s=st.floats(-1, 1))
    def begin(self, skew_s: float = 0) -> None:
        self.taken: Counter[tuple[str, str]] = Counter()
        self.guesses: Counter[int] = Counter()
        self.things: list[Thing] = []
        self.numbers = itertools.count(1)
        self.witness = Witness(Home(EAST), self.protocol)
        self.regions = {name: self.make_region(name, skew_s if name == WEST else 0) for name in NAMES}
        self.clients = {name: self.make_client(region) for name, region in self.regions.items()}
        self.cut_off: set[str] = set()
        self.recovery_codes = [Thing("recovery code", self.seed.enrolled.recovery_code, 1)]
        self.renew(EAST)

    def make_region(self, name: str, skew_s: float) -> Region:
        clock = Clock(self.seed.at + skew_s)
        tables = Replica(items=deepcopy(self.seed.items), region=name, clock=clock)
        return Region(name, clock, tables)

    def make_client(self, region: Region) -> Http:
        externals = wiring.Externals(clock=region.clock, pause=region.clock.pause)
        settings_ = Settings(self.seed.stage.name, ISSUER, BCRYPT_COST)
        services = wiring.build(settings_, connect_over(region, os.environ), externals)
        return Http(lambda: services, "192.0.2.7")

    # Time, the lease, the replicas.

    @rule(seconds=st.floats(0.1, LEASE_S) | st.just(LEASE_S + REQUEST_S))
    def time_passes(self, seconds: float) -> None:
        for region in self.regions.values():
            region.clock.advance(seconds)

    @rule(name=st.sampled_from(NAMES))
    def renew(self, name: str) -> None:
        region = self.regions[name]
        if name not in self.cut_off and self.witness.renew(name, region.clock()):
            region.known = self.witness.home

    @rule(name=st.sampled_from(NAMES))
    def is_cut_off(self, name: str) -> None:
        self.cut_off ^= {name}

    @rule(name=st.sampled_from(NAMES))
    def take_over(self, name: str) -> None:
        region = self.regions[name]
        if name not in self.cut_off and self.witness.take_over(name, region.clock()):
            region.known = self.witness.home
            self.seen["lost home"] += 1

    @rule(name=st.sampled_from(NAMES))
    def take_over_when_the_lease_has_ended(self, name: str) -> None:
        self.time_passes(LEASE_S + REQUEST_S)
        self.take_over(name)

    @rule()
    def hand_over(self) -> None:
        """Do it by plan: the home stops, clocks pass its last moment, all is replicated, and the other goes on."""
        home = self.witness.home.region
        (other,) = set(NAMES) - {home}
        if self.cut_off:
            return
        self.regions[home].give_up()
        if self.protocol.waits_for_clocks:
            self.time_passes(SKEW_S)
        if self.protocol.replicates_first:
            self.replicate(home)
        self.witness.hand_over(other, self.regions[other].clock())
        self.regions[other].known = self.witness.home

    @rule(name=st.sampled_from(NAMES), data=st.data())
    def replicate_some(self, name: str, data: st.DataObject) -> None:
        """Let some of a Region's writes arrive at the other, in any order."""
        written = self.regions[name].tables.outbox
        self.deliver(name, data.draw(st.lists(st.sampled_from(written), unique_by=id)) if written else [])

    @rule(name=st.sampled_from(NAMES))
    def replicate(self, name: str) -> None:
        """Let all of a Region's writes arrive at the other."""
        self.deliver(name, self.regions[name].tables.outbox)

    # What is given out.

    @rule(name=st.sampled_from(NAMES))
    def log_in(self, name: str) -> None:
        answer = self.ask(name, lambda http: http.login(username=self.seed.user, scope="openid offline_access"))
        self.keep_refresh_token(name, answer)

    @rule()
    def sign_assertion(self) -> None:
        number, now = next(self.numbers), int(self.regions[EAST].clock())
        claims = {"iss": self.seed.client_id, "sub": self.seed.client_id, "aud": ISSUER, "jti": f"jti {number}"}
        signed = jwt.encode({**claims, "iat": now, "exp": now + 290}, RSA_KEY, "RS256")
        self.things.append(Thing("assertion", signed, untaken_before=now + 290 - ASSERTION_S))

    def keep_refresh_token(self, name: str, answer: httpx.Response | None) -> None:
        if answer is not None and answer.status_code == 200:
            self.things.append(Thing("refresh token", answer.json()["refresh_token"], self.epoch_of(name)))

    # What is taken.

    @precondition(lambda self: self.things)
    @rule(name=st.sampled_from(NAMES), data=st.data())
    def present(self, name: str, data: st.DataObject) -> None:
        """Send a refresh token or an assertion."""
        self.send(data.draw(st.sampled_from(self.things)), name)

    @precondition(lambda self: self.things)
    @rule(data=st.data(), seconds=HANGING, call=CALLS)
    def present_while_the_other_takes_over(self, data: st.DataObject, seconds: float, call: int) -> None:
        thing = data.draw(st.sampled_from(self.things))
        send = partial(self.send, thing)
        self.hang(seconds, call, send, send)

    @rule(seconds=HANGING, call=CALLS, times=st.integers(1, 12))
    def guess_while_the_other_takes_over(self, seconds: float, call: int, times: int) -> None:
        self.hang(seconds, call, self.guess, partial(self.guess, times=times))

    @rule(name=st.sampled_from(NAMES))
    def send_code_of_an_app(self, name: str) -> None:
        now = self.regions[EAST].clock()
        app = App(self.seed.enrolled.app.secret, self.regions[EAST].clock)
        value = f"{int(now) // STEP_S} {app.code()}"
        self.take(name, Thing("code", value, untaken_before=now - CODE_S))

    @rule(name=st.sampled_from(NAMES), data=st.data())
    def send_recovery_code(self, name: str, data: st.DataObject) -> None:
        self.recover(name, data.draw(st.sampled_from(self.recovery_codes)))

    def recover(self, name: str, code: Thing) -> None:
        answer = self.take(name, code)
        if answer is not None and answer.status_code == 200:
            self.recovery_codes.append(Thing("recovery code", answer.json()["recovery_code"], self.epoch_of(name)))

    @rule(name=st.sampled_from(NAMES), times=st.integers(1, 12))
    def guess(self, name: str, times: int = 1) -> None:
        for _ in range(times):
            known = self.regions[name].known
            answer = self.ask(name, lambda http: http.login(username=self.seed.victim, password="a guess"))
            if known and answer is not None and answer.status_code != 429:
                assert answer.status_code == 400
                self.guesses[known.epoch] += 1

    # What holds.

    @invariant()
    def nothing_is_taken_twice(self) -> None:
        assert max(getattr(self, "taken", Counter()).values(), default=0) <= 1, self.taken.most_common(1)

    @invariant()
    def guesses_stay_within_their_number(self) -> None:
        assert max(getattr(self, "guesses", Counter()).values(), default=0) <= MAX_GUESSES

    # How requests go.

    def send(self, thing: Thing, name: str) -> None:
        self.keep_refresh_token(name, self.take(name, thing))

    def epoch_of(self, name: str) -> int:
        known = self.regions[name].known
        assert known
        return known.epoch

    def ask(self, name: str, send: Callable[[Http], httpx.Response]) -> httpx.Response | None:
        """Return the Region's answer, or None if it is not home: then it answers 503 itself."""
        return send(self.clients[name]) if self.regions[name].admit(self.protocol) else None

    def take(self, name: str, thing: Thing) -> httpx.Response | None:
        """Send a thing to a Region, and count it if it is taken. None: the Region is not home, or refuses it unread."""
        region = self.regions[name]
        admitted = region.admit(self.protocol)
        if not admitted or (thing.epoch and not region.counts(thing.epoch)):
            return None
        if not region.is_clean_since(thing.untaken_before):
            return None
        answer = SENDERS[thing.kind](self.clients[name], thing.value, self.seed)
        self.taken[thing.kind, thing.value] += answer.status_code == 200
        self.seen[thing.kind] += answer.status_code == 200
        return answer

    def deliver(self, name: str, written: list[Written]) -> None:
        (receiver,) = set(NAMES) - {name}
        for one in list(written):
            self.regions[receiver].tables.receive(*one)
        sender = self.regions[name].tables
        sender.outbox = [one for one in sender.outbox if one not in written]

    def hang(self, seconds: float, call: int, act: Callable[[str], None], meanwhile: Callable[[str], None]) -> None:
        """Let the home act, and its request hang between two calls, while the other Region takes over and acts too."""
        home = self.witness.home.region
        (other,) = set(NAMES) - {home}

        def pause() -> None:
            self.time_passes(seconds)
            self.take_over(other)
            meanwhile(other)

        self.regions[home].pause = (call, pause)
        act(home)
        self.regions[home].pause = None


def refresh(http: Http, value: str, seed: Seed) -> httpx.Response:
    return http.refresh(value)


def show_assertion(http: Http, value: str, seed: Seed) -> httpx.Response:
    proof = {"client_assertion": value, "client_assertion_type": ASSERTION_TYPE}
    login = {"grant_type": "password", "username": seed.user, "password": PASSWORD, "audience": TIMESHEETS}
    return http.token({**login, **proof, "scope": "openid offline_access"})


def send_code(http: Http, value: str, seed: Seed) -> httpx.Response:
    answer = http.login(username=seed.enrolled.username)
    return with_otp(http, mfa_token_of(answer), value.split()[1])


def send_recovery(http: Http, value: str, seed: Seed) -> httpx.Response:
    return with_recovery_code(http, mfa_token_of(http.login(username=seed.enrolled.username)), value)


SENDERS = {
    "refresh token": refresh,
    "assertion": show_assertion,
    "code": send_code,
    "recovery code": send_recovery,
}


def machine_of(seed: Seed, protocol: Protocol) -> type[FailOvers]:
    return type("Machine", (FailOvers,), {"seed": seed, "protocol": protocol, "seen": Counter()})


def test_nothing_is_taken_twice_and_guesses_are_bounded_whatever_the_schedule(seed: Seed) -> None:
    few = settings(
        max_examples=EXAMPLES, stateful_step_count=30, phases=[Phase.generate], suppress_health_check=list(HealthCheck)
    )
    machine = machine_of(seed, Protocol())
    run_state_machine_as_test(machine, settings=few)

    # Schedules in which nothing happens would show nothing. hypothesis draws on the constants of all modules that are
    # imported, so the tests before this one decide how often each thing happens.
    assert all(machine.seen[kind] for kind in ("lost home", *SENDERS)), machine.seen


# Each leaves out one thing that the protocol heeds, with a schedule in which that matters.


def does_not_wait_for_the_lease(run: FailOvers) -> None:
    run.take_over(WEST)
    run.time_passes(CODE_S + STEP_S)
    for name in NAMES:
        run.send_code_of_an_app(name)


def admits_requests_that_outlive_the_lease(run: FailOvers) -> None:
    run.guess(EAST)
    run.replicate(EAST)
    run.time_passes(LEASE_S - 1)
    run.hang(5, 1, run.guess, partial(run.guess, times=12))
    run.replicate(EAST)
    run.time_passes(STEP_S / 10)
    run.guess(WEST, 12)


def takes_what_is_older_than_the_fail_over(run: FailOvers) -> None:
    run.log_in(EAST)
    run.replicate(EAST)
    run.send(run.things[0], EAST)
    run.time_passes(LEASE_S + REQUEST_S)
    run.take_over(WEST)
    run.send(run.things[0], WEST)


def takes_what_only_its_time_tells_from_what_was_taken(run: FailOvers) -> None:
    run.sign_assertion()
    run.send(run.things[0], EAST)
    run.time_passes(LEASE_S + REQUEST_S)
    run.take_over(WEST)
    run.send(run.things[0], WEST)


def hands_over_before_all_is_replicated(run: FailOvers) -> None:
    run.log_in(EAST)
    run.replicate(EAST)
    run.send(run.things[0], EAST)
    run.hand_over()
    run.send(run.things[0], WEST)


def hands_over_to_a_slow_clock_at_once(run: FailOvers) -> None:
    run.recover(EAST, run.recovery_codes[0])
    for name in (WEST, EAST):
        run.hand_over()
        run.recover(name, run.recovery_codes[1])


Schedule = Callable[[FailOvers], None]
MUTANTS: dict[Schedule, Protocol] = {
    does_not_wait_for_the_lease: Protocol(waits_for_lease=False),
    admits_requests_that_outlive_the_lease: Protocol(ends_before_lease=False),
    takes_what_is_older_than_the_fail_over: Protocol(forgets_old_things=False),
    takes_what_only_its_time_tells_from_what_was_taken: Protocol(waits_for_times=False),
    hands_over_before_all_is_replicated: Protocol(replicates_first=False),
    hands_over_to_a_slow_clock_at_once: Protocol(waits_for_clocks=False),
}


def breaks(schedule: Schedule, seed: Seed, protocol: Protocol) -> bool:
    """Return whether the schedule has something taken twice, or more guesses than there may be."""
    run = machine_of(seed, protocol)()
    run.begin(skew_s=-1)
    schedule(run)
    return max(run.taken.values(), default=0) > 1 or max(run.guesses.values(), default=0) > MAX_GUESSES


@pytest.mark.parametrize("schedule", MUTANTS, ids=lambda schedule: schedule.__name__)
def test_simulation_sees_a_protocol_that_heeds_less(seed: Seed, schedule: Schedule) -> None:
    assert not breaks(schedule, seed, Protocol())

    assert breaks(schedule, seed, MUTANTS[schedule])

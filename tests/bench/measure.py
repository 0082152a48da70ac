"""Measure all scenarios in turn, in many rounds, with one bcrypt in each round for comparison."""

import itertools
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address

from tests.bench.fitness import Fitness, read_load
from tests.bench.people import username
from tests.bench.rounds import rounds
from tests.bench.scenarios import RequestStep, Scenario, Session
from tests.bench.serving import Serving
from tests.bench.statistics import Spread, shuffle
from tests.support.fake_aws.process import StubProcess
from tests.support.fake_aws.units import Units

POPULATION = 1_000_000
FIRST_ADDRESS = ip_address("198.18.0.0")
# Repetitions of a scenario without a bcrypt; fewer if each needs a login before it.
RUN, SPENT_RUN = 10, 2
HOLD_S = 0.03
MS = 1_000


@dataclass(frozen=True, slots=True)
class Cost:
    """The cost of a scenario. ratio: its CPU divided by a bcrypt's. size_bytes: of the bodies of its AWS calls.

    units: DynamoDB's.
    """

    name: str
    cpu_ms: Spread
    ratio: Spread
    calls: int
    rounds: int
    size_bytes: int
    units: Units


@dataclass(slots=True)
class Bench:
    """The serving process with its stub, and users who log in in turn, so that no user logs in often.

    serving_rules: a process that runs ten rules. app_secrets: by username, of users with an authenticator app.
    """

    serving: Serving
    stub: StubProcess
    serving_rules: Serving
    app_secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    numbers: dict[str, Iterator[int]] = field(default_factory=lambda: defaultdict(lambda: itertools.count(1)))
    sessions: dict[str, Session] = field(default_factory=dict)

    def session(self, scenario: Scenario) -> Session:
        """Return a session for the scenario, kept from the last time if it can be used again."""
        if scenario.name in self.sessions and not scenario.is_spent and not scenario.is_hashing:
            return self.sessions[scenario.name]
        name = username(next(self.numbers[scenario.kind]), scenario.kind)
        address = str(FIRST_ADDRESS + next(self.numbers["address"]))
        session = {"username": name, "address": address, "app_secret": self.app_secrets.get(name, "")}
        return self.after(scenario.prepared_by, session)[0]

    def after(self, steps: Sequence[RequestStep], session: Session, runs_rules: bool = False) -> tuple[Session, float]:
        """Send the steps' requests; return the session with their answers, and their CPU seconds."""
        serving, cpu_s = self.serving_rules if runs_rules else self.serving, 0.0
        for step in steps:
            answer = serving.serve(step(session))
            session, cpu_s = {**session, **answer.body}, cpu_s + answer.cpu_s
        return session, cpu_s

    def run(self, scenario: Scenario) -> list[float]:
        """Run a scenario a few times, or once if it hashes; return the CPU seconds of each run.

        No bcrypt runs in between, because it empties the processor's caches.
        """
        if scenario.is_spent:
            prepared = [self.session(scenario) for _ in range(SPENT_RUN)]
            return [self.after(scenario.steps, session)[1] for session in prepared]
        return [self.once(scenario) for _ in range(1 if scenario.is_hashing else RUN)]

    def once(self, scenario: Scenario) -> float:
        """Run a scenario once; return its CPU seconds."""
        session = self.session(scenario)
        if scenario.is_unconnected:
            self.stub.control(closes_connections=True)
        self.sessions[scenario.name], cpu_s = self.after(scenario.steps, session, scenario.runs_rules)
        return cpu_s


@dataclass(slots=True)
class Samples:
    """The seconds that each round measured. loads: the machine's as each round began.

    ratios: to the bcrypt of the same round, so that a change of the machine's speed changes both.
    """

    loads: list[float] = field(default_factory=list)
    hashes: list[float] = field(default_factory=list)
    anchors: list[float] = field(default_factory=list)
    requests: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    ratios: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))

    def add_round(self, bench: Bench, scenarios: Sequence[Scenario], stored: str) -> None:
        """Measure a bcrypt, the anchor and each scenario. stored: a bcrypt hash."""
        self.loads.append(read_load())
        self.hashes.append(bench.serving.hash(stored).cpu_s)
        self.anchors.append(bench.serving.do_anchor().cpu_s)
        for scenario in shuffle(scenarios):
            seconds = bench.run(scenario)
            self.requests[scenario.name] += seconds
            self.ratios[scenario.name] += [one / self.hashes[-1] for one in seconds]

    def fitness(self, load_before: float) -> Fitness:
        """Return how quiet the machine was until now. load_before: its load before the run."""
        return Fitness.of((load_before, *self.loads, read_load()), _to_ms(self.anchors), _to_ms(self.hashes))

    def bcrypt_ms(self) -> Spread:
        """Return the milliseconds of a bcrypt."""
        return Spread.of(_to_ms(self.hashes))

    def costs(self, bench: Bench, scenarios: Sequence[Scenario]) -> tuple[Cost, ...]:
        """Return the cost of each scenario, whose calls are counted now."""
        return tuple(
            _cost(bench, scenario, self.requests[scenario.name], self.ratios[scenario.name]) for scenario in scenarios
        )


def measure_rounds(bench: Bench, scenarios: Sequence[Scenario], stored: str, times: int) -> Samples:
    """Return the samples of so many rounds, after one that is not counted. stored: a bcrypt hash."""
    samples = Samples()
    for scenario in scenarios:
        bench.run(scenario)
    for _ in range(times):
        samples.add_round(bench, scenarios, stored)
    return samples


def _to_ms(seconds: Sequence[float]) -> list[float]:
    return [MS * one for one in seconds]


def _cost(bench: Bench, scenario: Scenario, seconds: list[float], ratios: list[float]) -> Cost:
    bench.run(scenario)
    session = bench.session(scenario)
    bench.stub.control(is_recording=True, hold_s=HOLD_S)
    bench.after(scenario.steps, session, scenario.runs_rules)
    calls = bench.stub.control(hold_s=0)
    size_bytes = sum(call.size_bytes for call in calls)
    spread = Spread.of(_to_ms(seconds))
    units = Units(*map(sum, zip(*(call.units for call in calls), strict=True))) if calls else Units()
    return Cost(scenario.name, spread, Spread.of(ratios), len(calls), len(rounds(calls)), size_bytes, units)

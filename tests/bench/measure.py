"""The measurement: every scenario in turn, again and again, with a bcrypt in each round to compare with."""

import itertools
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from tests.bench.people import username
from tests.bench.rounds import rounds
from tests.bench.scenarios import RequestStep, Scenario, Session
from tests.bench.serving import Serving
from tests.bench.statistics import Spread, shuffle
from tests.support.fake_aws.process import Stub

POPULATION = 1_000_000
# How often a scenario without a bcrypt is done in a row; one that has to be prepared by a login each time, less.
RUN, SPENT_RUN = 10, 2
HOLD_S = 0.03
MS = 1_000


@dataclass(frozen=True, slots=True)
class Cost:
    """The cost of a scenario. ratio: its CPU over that of a bcrypt. size_bytes: of the bodies of its AWS calls."""

    name: str
    cpu_ms: Spread
    ratio: Spread
    calls: int
    rounds: int
    size_bytes: int


@dataclass(slots=True)
class Bench:
    """The serving process with its stub, and people who log in in turn, so that nobody logs in often.

    ruled: a process that runs ten rules. app_secrets: of those who have an authenticator app.
    """

    serving: Serving
    stub: Stub
    ruled: Serving
    app_secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    numbers: dict[str, Iterator[int]] = field(default_factory=lambda: defaultdict(lambda: itertools.count(1)))
    sessions: dict[str, Session] = field(default_factory=dict)

    def session(self, scenario: Scenario) -> Session:
        """Return a session as the scenario needs it; one that can be used again is kept."""
        if scenario.name in self.sessions and not scenario.is_spent and not scenario.is_hashing:
            return self.sessions[scenario.name]
        name = username(next(self.numbers[scenario.kind]), scenario.kind)
        return self.after(scenario.prepared_by, {"username": name, "app_secret": self.app_secrets.get(name, "")})[0]

    def after(self, steps: Sequence[RequestStep], session: Session, is_ruled: bool = False) -> tuple[Session, float]:
        """Do the steps; return the session with what they answered, and their seconds of CPU."""
        serving, cpu_s = self.ruled if is_ruled else self.serving, 0.0
        for step in steps:
            served = serving.serve(step(session))
            session, cpu_s = {**session, **served.body}, cpu_s + served.cpu_s
        return session, cpu_s

    def run(self, scenario: Scenario) -> list[float]:
        """Do a scenario a few times, once where it hashes; return the seconds of CPU of each time.

        Without a bcrypt between them, as the caches that it empties are not what is measured.
        """
        if scenario.is_spent:
            prepared = [self.session(scenario) for _ in range(SPENT_RUN)]
            return [self.after(scenario.steps, session)[1] for session in prepared]
        return [self.once(scenario) for _ in range(1 if scenario.is_hashing else RUN)]

    def once(self, scenario: Scenario) -> float:
        """Do a scenario once; return its seconds of CPU."""
        session, cpu_s = self.after(scenario.steps, self.session(scenario), scenario.is_ruled)
        self.sessions[scenario.name] = session
        return cpu_s


def costs(bench: Bench, scenarios: Sequence[Scenario], stored: str, times: int) -> tuple[Spread, list[Cost]]:
    """Return the milliseconds of a bcrypt, and the cost of each scenario. stored: the hash that bcrypt is held against.

    A ratio is taken to the bcrypt of the same round, so that a machine that changes its pace changes both.
    """
    hashes: list[float] = []
    samples: dict[str, list[float]] = {scenario.name: [] for scenario in scenarios}
    ratios: dict[str, list[float]] = {scenario.name: [] for scenario in scenarios}
    for scenario in scenarios:
        bench.run(scenario)
    for _ in range(times):
        hashes.append(bench.serving.hash(stored).cpu_s)
        for scenario in shuffle(scenarios):
            seconds = bench.run(scenario)
            samples[scenario.name] += seconds
            ratios[scenario.name] += [one / hashes[-1] for one in seconds]
    return Spread.of([MS * one for one in hashes]), [
        _cost(bench, scenario, samples[scenario.name], ratios[scenario.name]) for scenario in scenarios
    ]


def _cost(bench: Bench, scenario: Scenario, seconds: list[float], ratios: list[float]) -> Cost:
    bench.run(scenario)
    session = bench.session(scenario)
    bench.stub.control(is_recording=True, hold_s=HOLD_S)
    bench.after(scenario.steps, session, scenario.is_ruled)
    calls = bench.stub.control(hold_s=0)
    size_bytes = sum(call.size_bytes for call in calls)
    spread = Spread.of([MS * one for one in seconds])
    return Cost(scenario.name, spread, Spread.of(ratios), len(calls), len(rounds(calls)), size_bytes)

"""Measure whether a login or a refresh costs more with more users, realms or clients.

The deployed store writes each realm and each client. It writes only one user: the stub makes the others of it when
they are read. Requests and answers are the same either way. DynamoDB's own speed is not measured.
"""

import json
import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

from chalicelib.store.people.user_records import UserRecords
from infra.stage.aws import Stage
from tests.bench.measure import HOLD_S, MS, Bench
from tests.bench.people import CHEAP_COST, HURRIED, REALM, hash_password, person, username
from tests.bench.rounds import rounds
from tests.bench.scenarios import BY_REALM, LOGIN, OFFLINE, REFRESH, Session, token
from tests.bench.serving import serving
from tests.bench.set_up import provision
from tests.bench.statistics import Interval, Spread, gap, shuffle
from tests.support.fake_aws.process import stub

FILE = Path(__file__).parent / "growth.json"
SIZES = {"users": (1, 1_000, 1_000_000), "realms": (1, 30, 300), "clients": (1, 100, 10_000)}
SUBJECTS, ROUNDS = 20, 60
# Other work on the machine makes equal processes differ by nearly so many percent.
NOISE = 10

CLIENT = "demo-backend"
FORM = LOGIN | BY_REALM | {"realm": "{realm}", "client_id": "{client_id}"}
STEPS = {"login": token(FORM), "refresh": token(REFRESH, {"client_id": "{client_id}"})}
OFFLINE_LOGIN = token(FORM, OFFLINE)
RUNS = {"login": 1, "refresh": 5}


@dataclass(frozen=True, slots=True)
class Point:
    """The cost of one request with `size` things of a kind. size_bytes: of the bodies of its AWS calls.

    beyond: its CPU above that of the smallest size, in percent.
    """

    kind: str
    size: int
    request: str
    cpu_ms: Spread
    calls: int
    rounds: int
    size_bytes: int
    beyond: Interval

    def has_grown(self, smallest: "Point") -> bool:
        """Return whether it costs more than the smallest size: another call, one percent more bytes, or more CPU."""
        is_asking_more = (self.calls, self.rounds) != (smallest.calls, smallest.rounds)
        return is_asking_more or self.size_bytes > 1.01 * smallest.size_bytes or self.beyond.low > NOISE


@dataclass(slots=True)
class SizedBench:
    """A stub with `size` things of a kind, a process that serves from it, and sessions of users. cpu_s: by request."""

    kind: str
    size: int
    bench: Bench
    sessions: list[Session]
    cpu_s: dict[str, list[float]] = field(default_factory=lambda: {request: [] for request in STEPS})

    def sample(self, number: int) -> None:
        """Measure each request once, in one session."""
        for request, times in RUNS.items():
            for _ in range(times):
                self.cpu_s[request].append(self.once(number, request))

    def once(self, number: int, request: str) -> float:
        """Send one request; return its CPU seconds."""
        at = number % len(self.sessions)
        self.sessions[at], cpu_s = self.bench.after([STEPS[request]], self.sessions[at])
        return cpu_s

    def point(self, request: str, smallest: "SizedBench") -> Point:
        """Return the request's point, measured with a cached configuration."""
        self.once(0, request)
        self.bench.stub.control(is_recording=True, hold_s=HOLD_S)
        self.once(0, request)
        calls = self.bench.stub.control(hold_s=0)
        size_bytes = sum(call.size_bytes for call in calls)
        mine, first = self.cpu_s[request], smallest.cpu_s[request]
        scale = 100 / Spread.of(first).median
        beyond = gap([one * scale for one in mine], [one * scale for one in first])
        spread = Spread.of([one * MS for one in mine])
        return Point(self.kind, self.size, request, spread, len(calls), len(rounds(calls)), size_bytes, beyond)


def measure_growth(interpreter: Path) -> list[Point]:
    """Measure all sizes of all kinds in turn; return the points by kind, request and size."""
    with ExitStack() as stack:
        benches = {
            kind: [stack.enter_context(_prepare(kind, size, interpreter)) for size in SIZES[kind]] for kind in SIZES
        }
        for number in range(ROUNDS):
            for sized in shuffle(sized for group in benches.values() for sized in group):
                sized.sample(number)
        return [sized.point(request, group[0]) for group in benches.values() for request in STEPS for sized in group]


def has_grown(points: Sequence[Point]) -> bool:
    """Return whether a size costs more than the smallest of its kind."""
    smallest: dict[tuple[str, str], Point] = {}
    return any(point.has_grown(smallest.setdefault((point.kind, point.request), point)) for point in points)


def save(points: list[Point]) -> None:
    """Write the points to FILE."""
    FILE.write_text(json.dumps([asdict(point) for point in points], indent=1) + "\n", "utf-8")


def load() -> list[Point]:
    """Return the points of FILE."""
    stored = json.loads(FILE.read_text("utf-8"))
    return [Point(**one | {"cpu_ms": Spread(**one["cpu_ms"]), "beyond": Interval(**one["beyond"])}) for one in stored]


@contextmanager
def _prepare(kind: str, size: int, interpreter: Path) -> Iterator[SizedBench]:
    chance = random.Random(0)  # noqa: S311 (the same people log in in every run)
    subjects = chance.sample(range(1, size + 1), min(size, SUBJECTS))
    with stub() as aws:
        stage = provision()
        UserRecords(stage.dynamo, f"{stage.prefix}users-{REALM}").create(person(HURRIED, hash_password(CHEAP_COST)))
        _FILL[kind](stage, size)
        aws.control(population=max(SIZES["users"]) if kind != "users" else size)
        with serving(interpreter, aws, CHEAP_COST) as process:
            bench = Bench(process, aws, process)
            sessions = [bench.after([OFFLINE_LOGIN], _session(kind, number))[0] for number in subjects]
            yield SizedBench(kind, size, bench, sessions)


def _session(kind: str, number: int) -> Session:
    # Another user for each client, because a user's record has a counter for each client with refresh tokens.
    return {
        "username": username(1 if kind == "realms" else number, HURRIED),
        "realm": _realm(number) if kind == "realms" else REALM,
        "client_id": _client(number) if kind == "clients" else CLIENT,
    }


def _realm(number: int) -> str:
    return f"realm{number:05}"


def _client(number: int) -> str:
    return f"client{number:05}"


def _write_realms(stage: Stage, size: int) -> None:
    """Write copies of the first realm, each with one user, and enable all for the client."""
    config, names = stage.config(), [_realm(number) for number in range(1, size + 1)]
    documents = dict(config.documents())
    stored = hash_password(CHEAP_COST)
    for name in names:
        table = f"{stage.prefix}users-{name}"
        config.put(f"realm#{name}", documents[f"realm#{REALM}"] | {"name": name, "users_table": table})
        UserRecords(stage.dynamo, table).create(person(HURRIED, stored, 1))
    config.put(f"client#{CLIENT}", documents[f"client#{CLIENT}"] | {"realms": names})


def _write_clients(stage: Stage, size: int) -> None:
    """Write copies of the first client."""
    config = stage.config()
    document = dict(config.documents())[f"client#{CLIENT}"]
    for number in range(1, size + 1):
        config.put(f"client#{_client(number)}", document | {"client_id": _client(number)})


_FILL: dict[str, Callable[[Stage, int], None]] = {
    "users": lambda stage, size: None,
    "realms": _write_realms,
    "clients": _write_clients,
}

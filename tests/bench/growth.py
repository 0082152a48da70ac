"""Growth: whether a login or a refresh costs more where there is more of something.

Realms and clients are written, each, by the store that is deployed. Users are not: the stub holds one person, whom the
store wrote, and makes each other one of the million from it when it is first read. What a request asks of the store,
and what comes back, is the same either way; how fast DynamoDB itself is with a million items is not measured here.
"""

import json
import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

from chalicelib.store.user_records import UserRecords
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
# A little other work on the machine lets two processes differ by nearly so many percent with nothing changed.
NOISE = 10

CLIENT = "demo-backend"
FORM = LOGIN | BY_REALM | {"realm": "{realm}", "client_id": "{client_id}"}
STEPS = {"login": token(FORM), "refresh": token(REFRESH, {"client_id": "{client_id}"})}
OFFLINE_LOGIN = token(FORM, OFFLINE)
RUNS = {"login": 1, "refresh": 5}


@dataclass(frozen=True, slots=True)
class Point:
    """The cost of one request if there are `size` of a kind. size_bytes: of the bodies of its AWS calls.

    beyond: how far its CPU lies above that of the smallest size, in percent.
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
        """Return whether it costs more than the smallest size does: another call, a hundredth more bytes, or CPU."""
        is_asking_more = (self.calls, self.rounds) != (smallest.calls, smallest.rounds)
        return is_asking_more or self.size_bytes > 1.01 * smallest.size_bytes or self.beyond.low > NOISE


@dataclass(slots=True)
class SizedBench:
    """A stub with so many of a kind, a process that serves from it, and those who log in there. cpu_s: by request."""

    kind: str
    size: int
    bench: Bench
    sessions: list[Session]
    cpu_s: dict[str, list[float]] = field(default_factory=lambda: {request: [] for request in STEPS})

    def sample(self, number: int) -> None:
        """Measure each request by one of those who log in."""
        for request, times in RUNS.items():
            for _ in range(times):
                self.cpu_s[request].append(self.once(number, request))

    def once(self, number: int, request: str) -> float:
        """Do one request; return its seconds of CPU."""
        at = number % len(self.sessions)
        self.sessions[at], cpu_s = self.bench.after([STEPS[request]], self.sessions[at])
        return cpu_s

    def point(self, request: str, smallest: "SizedBench") -> Point:
        """Return what the request came to, with the configuration in the process's cache."""
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
    """Measure every size of every kind, in turn; return the points by kind, request and size."""
    with ExitStack() as stack:
        places = {
            kind: [stack.enter_context(_prepare(kind, size, interpreter)) for size in SIZES[kind]] for kind in SIZES
        }
        for number in range(ROUNDS):
            for place in shuffle(place for group in places.values() for place in group):
                place.sample(number)
        return [place.point(request, group[0]) for group in places.values() for request in STEPS for place in group]


def has_grown(points: Sequence[Point]) -> bool:
    """Whether any size costs more than the smallest of its kind."""
    smallest: dict[tuple[str, str], Point] = {}
    return any(point.has_grown(smallest.setdefault((point.kind, point.request), point)) for point in points)


def save(points: list[Point]) -> None:
    """Write the points where `load` finds them."""
    FILE.write_text(json.dumps([asdict(point) for point in points], indent=1) + "\n", "utf-8")


def load() -> list[Point]:
    """Return the points that were saved last."""
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
        with serving(interpreter, aws.url, CHEAP_COST) as process:
            bench = Bench(process, aws, process)
            sessions = [bench.after([OFFLINE_LOGIN], _session(kind, number))[0] for number in subjects]
            yield SizedBench(kind, size, bench, sessions)


def _session(kind: str, number: int) -> Session:
    # Somebody else through each client: a person's record has a counter for each client that keeps them logged in.
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
    """Write realms like the first, each with a person of its own, and enable all for the client."""
    config, names = stage.config(), [_realm(number) for number in range(1, size + 1)]
    documents = dict(config.documents())
    stored = hash_password(CHEAP_COST)
    for name in names:
        table = f"{stage.prefix}users-{name}"
        config.put(f"realm#{name}", documents[f"realm#{REALM}"] | {"name": name, "users_table": table})
        UserRecords(stage.dynamo, table).create(person(HURRIED, stored, 1))
    config.put(f"client#{CLIENT}", documents[f"client#{CLIENT}"] | {"realms": names})


def _write_clients(stage: Stage, size: int) -> None:
    """Write clients like the first."""
    config = stage.config()
    document = dict(config.documents())[f"client#{CLIENT}"]
    for number in range(1, size + 1):
        config.put(f"client#{_client(number)}", document | {"client_id": _client(number)})


_FILL: dict[str, Callable[[Stage, int], None]] = {
    "users": lambda stage, size: None,
    "realms": _write_realms,
    "clients": _write_clients,
}

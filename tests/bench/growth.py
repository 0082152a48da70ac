"""Measure whether a login, a refresh or a request of the Management API costs more with more users, realms or clients.

The deployed store writes each realm and each client. It writes only one user: the stub makes the others of it when
they are read. Requests and answers are the same either way. DynamoDB's own speed is not measured.
"""

import json
import random
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from itertools import cycle
from pathlib import Path
from typing import Any

from chalicelib.accounts.authorization import make_role_id
from chalicelib.store.people.user_records import UserRecords
from infra.stage.aws import Stage
from tests.bench.measure import HOLD_S, MS, Bench
from tests.bench.people import CHEAP_COST, HURRIED, REALM, hash_password, person, username
from tests.bench.rounds import rounds
from tests.bench.scenarios import BY_REALM, LOGIN, OFFLINE, REFRESH, RequestStep, Session, token
from tests.bench.serving import API, BenchRequest, serving
from tests.bench.set_up import provision
from tests.bench.statistics import Interval, Spread, gap, shuffle
from tests.support.fake_aws.process import stub
from tests.support.fake_aws.tables import number_text

FILE = Path(__file__).parent / "growth.json"
USERS, MANAGED_USERS = "users", "users, managed"
SIZES = {
    USERS: (1, 1_000, 1_000_000),
    "realms": (1, 30, 300),
    "clients": (1, 100, 10_000),
    MANAGED_USERS: (1, 1_000, 1_000_000),
}
SUBJECTS, ROUNDS = 20, 60
# Other work on the machine makes equal processes differ by nearly so many percent.
NOISE = 10


def managed(method: str, route: str, path: str, body: Mapping[str, Any] | None = None) -> RequestStep:
    """Return the step that sends a request to the Management API. route, path: below /api/v2."""
    base = "/api/v2/"
    return lambda session: BenchRequest(
        method,
        base + path.format_map(session),
        resource=base + route,
        headers={"authorization": f"Bearer {session['managing']}"},
        json=body,
    )


CLIENT = "demo-backend"
FORM = LOGIN | BY_REALM | {"realm": "{realm}", "client_id": "{client_id}"}
STEPS = {"login": token(FORM), "refresh": token(REFRESH, {"client_id": "{client_id}"})}
OFFLINE_LOGIN = token(FORM, OFFLINE)
LOGINS, RUNS = 1, 5

ROLE = make_role_id("manager")
MACHINE = {"grant_type": "client_credentials", "client_id": "{manager}", "client_secret": "demo-m2m-secret"}
MANAGER = token(MACHINE, {"audience": f"https://{API.domain_name}{API.base_path}/api/v2/"})
PAGES = ("page of people", "people of a role")
MANAGED = {
    "page of people": managed("GET", "users", f"users?connection={REALM}&take=1"),
    "people of a role": managed("GET", "roles/{id}/users", f"roles/{ROLE}/users?take=1"),
    "one person": managed("GET", "users/{id}", f"users/{REALM}%7C{{id}}"),
    "change of a person": managed("PATCH", "users/{id}", f"users/{REALM}%7C{{id}}", {"app_metadata": {"seen": 1}}),
}


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

    @property
    def is_short(self) -> bool:
        """Whether there are too few people to fill what one read of a page takes."""
        return self.request in PAGES and self.size == 1

    def has_grown(self, smaller: "Point") -> bool:
        """Return whether it costs more than a smaller size: another call, one percent more bytes, or more CPU."""
        is_asking_more = (self.calls, self.rounds) != (smaller.calls, smaller.rounds)
        is_larger = not smaller.is_short and self.size_bytes > 1.01 * smaller.size_bytes
        return is_asking_more or is_larger or self.beyond.low > NOISE


@dataclass(slots=True)
class SizedBench:
    """A stub with `size` things of a kind, a process that serves from it, and sessions of users.

    steps: the requests. cpu_s: by request.
    """

    kind: str
    size: int
    bench: Bench
    sessions: list[Session]
    steps: Mapping[str, RequestStep]
    cpu_s: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))

    def sample(self, number: int) -> None:
        """Measure each request once, in one session."""
        for request in self.steps:
            for _ in range(LOGINS if request == "login" else RUNS):
                self.cpu_s[request].append(self.once(number, request))

    def once(self, number: int, request: str) -> float:
        """Send one request; return its CPU seconds."""
        at = number % len(self.sessions)
        self.sessions[at], cpu_s = self.bench.after([self.steps[request]], self.sessions[at])
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
        groups = [(group, request) for group in benches.values() for request in group[0].steps]
        return [sized.point(request, group[0]) for group, request in groups for sized in group]


def has_grown(points: Sequence[Point]) -> bool:
    """Return whether a size costs more than the smallest of its kind."""
    smaller: dict[tuple[str, str], Point] = {}
    for point in points:
        of_request = point.kind, point.request
        if point.has_grown(smaller.setdefault(of_request, point)):
            return True
        if smaller[of_request].is_short:
            smaller[of_request] = point
    return False


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
        aws.control(population=size if kind in (USERS, MANAGED_USERS) else max(SIZES[USERS]))
        with serving(interpreter, aws, CHEAP_COST) as process:
            bench = Bench(process, aws, process)
            sessions: list[Session]
            if kind == MANAGED_USERS:
                people = zip(cycle(subjects), range(1, SUBJECTS + 1), strict=False)
                sessions = [{**_session(kind, number), **_manager_token(bench, manager)} for number, manager in people]
            else:
                sessions = [bench.after([OFFLINE_LOGIN], _session(kind, number))[0] for number in subjects]
            yield SizedBench(kind, size, bench, sessions, MANAGED if kind == MANAGED_USERS else STEPS)


def _manager_token(bench: Bench, number: int) -> dict[str, str]:
    return {"managing": bench.after([MANAGER], {"manager": _client(number)})[0]["access_token"]}


def _session(kind: str, number: int) -> Session:
    # Another user for each client, because a user's record has a counter for each client with refresh tokens.
    return {
        "id": f"{HURRIED}-{number_text(number)}",
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


def _write_managers(stage: Stage, _: int) -> None:
    """Write the role that all have, and a backend for each session, as one is only let in so often."""
    config = stage.config()
    config.put(f"role#{ROLE}", {"name": "manager", "description": None, "permissions": []})
    document = dict(config.documents())["client#demo-m2m"]
    for number in range(1, SUBJECTS + 1):
        config.put(f"client#{_client(number)}", document | {"client_id": _client(number)})


_FILL: dict[str, Callable[[Stage, int], None]] = {
    USERS: lambda stage, size: None,
    MANAGED_USERS: _write_managers,
    "realms": _write_realms,
    "clients": _write_clients,
}

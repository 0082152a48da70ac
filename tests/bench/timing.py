"""Measure whether the time of an answer reveals that an account exists.

An attacker sees wall time. CPU time decides here, because other work of the machine hardly changes it. The number of
AWS calls is compared elsewhere. Each sample has a new account and a new address, so that none is blocked by earlier
ones. The samples of blocked accounts use accounts that were blocked first.
"""

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from ipaddress import ip_address
from statistics import median

from tests.bench.people import EMPTY_REALM, LOCKED, REALM, SIGN_UP_REALM, username
from tests.bench.scenarios import BY_REALM, LOGIN, MAX_ATTEMPTS, REFUSED, WRONG, post, token
from tests.bench.serving import BenchRequest, MeasuredAnswer, Serving
from tests.bench.statistics import Interval, gap, shuffle

# The bcrypt only gives the scale: it is measured in each eighth round.
SCALE_EVERY = 8
# The first user whom no other measurement logs in.
FIRST_OTHER = 100_001
SECOND_ADDRESS = int(ip_address("10.0.0.1"))


@dataclass(frozen=True, slots=True)
class Gap:
    """The median time of one kind of answer minus that of another, in percent of a bcrypt.

    Each is the gap with its 95 % bootstrap confidence interval.
    """

    name: str
    cpu: Interval
    wall: Interval


@dataclass(slots=True)
class Addresses:
    """A series of addresses, each used once."""

    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(SECOND_ADDRESS))

    def new(self) -> str:
        """Return the next address."""
        return str(ip_address(next(self.numbers)))


def gaps(serving: Serving, stored: str, times: int) -> list[Gap]:
    """Return the measured gaps, which must be zero. stored: a hash of the users' bcrypt cost."""
    addresses, others = Addresses(), itertools.count(FIRST_OTHER)
    blocked_at = addresses.new()
    for _ in range(MAX_ATTEMPTS):
        for name in (username(1), "nobody"):
            serving.serve(_login(name, blocked_at))
    kinds: dict[str, Callable[[], MeasuredAnswer]] = {
        "wrong password": lambda: serving.serve(_login(username(next(others)), addresses.new())),
        "unknown user": lambda: serving.serve(_login(f"nobody{next(others)}", addresses.new())),
        "user without a password": lambda: serving.serve(_login(username(next(others), LOCKED), addresses.new())),
        "realm without users": lambda: serving.serve(_login(f"nobody{next(others)}", addresses.new(), EMPTY_REALM)),
        "blocked account": lambda: serving.serve(_login(username(1), blocked_at, status=REFUSED)),
        "blocked unknown name": lambda: serving.serve(_login("nobody", blocked_at, status=REFUSED)),
        "sign-up, known email": lambda: serving.serve(_sign_up(username(next(others)), addresses.new())),
        "sign-up, unknown email": lambda: serving.serve(_sign_up(f"nobody{next(others)}", addresses.new())),
        "forgotten password, known email": lambda: serving.serve(_forgotten(username(next(others)), addresses.new())),
        "forgotten password, unknown email": lambda: serving.serve(
            _forgotten(f"nobody{next(others)}", addresses.new())
        ),
    }
    samples: dict[str, list[MeasuredAnswer]] = {name: [] for name in kinds}
    hashes = []
    for number in range(times):
        if number % SCALE_EVERY == 0:
            hashes.append(serving.hash(stored))
        for name, sample in shuffle(kinds.items()):
            samples[name].append(sample())
    return _compare(samples, hashes)


def _login(name: str, address: str, realm: str = "", status: int = WRONG) -> BenchRequest:
    form = LOGIN | {"username": name, "password": "not the password"} | (BY_REALM | {"realm": realm} if realm else {})
    return replace(token(form)({}), source_ip=address, status=status)


def _sign_up(name: str, address: str) -> BenchRequest:
    form = {"connection": SIGN_UP_REALM, "email": f"{name}@example.com", "password": "quiet words at 753"}
    return replace(post("/dbconnections/signup", form)({}), source_ip=address)


def _forgotten(name: str, address: str) -> BenchRequest:
    form = {"connection": REALM, "email": f"{name}@example.com"}
    return replace(post("/dbconnections/change_password", form)({}), source_ip=address)


def _compare(samples: dict[str, list[MeasuredAnswer]], hashes: list[MeasuredAnswer]) -> list[Gap]:
    against = ("unknown user", "user without a password", "realm without users")
    pairs = [(name, "wrong password") for name in against] + [("blocked unknown name", "blocked account")]
    pairs += [(f"{call}, unknown email", f"{call}, known email") for call in ("sign-up", "forgotten password")]
    scales = (100 / median(one.cpu_s for one in hashes), 100 / median(one.wall_s for one in hashes))
    return [
        Gap(
            f"{first} - {second}",
            gap(*([one.cpu_s * scales[0] for one in samples[name]] for name in (first, second))),
            gap(*([one.wall_s * scales[1] for one in samples[name]] for name in (first, second))),
        )
        for first, second in pairs
    ]

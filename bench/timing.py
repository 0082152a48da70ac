"""Timing equality: whether an answer's time tells whether an account exists.

Time is the wall's, as that is what a stranger sees. Every sample comes from an address of its own, so that none is
blocked by those before it; the blocked ones are of an account that was blocked first.
"""

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from ipaddress import ip_address
from statistics import median

from bench.measure import interval
from bench.scenarios import BY_REALM, LOGIN, token
from bench.serving import Ask, Serving
from bench.world import EMPTY_REALM, LOCKED, username

MAX_ATTEMPTS = 10
# The bcrypt is but the scale: it is measured in every eighth round.
SCALE_EVERY = 8
WRONG, BLOCKED = 400, 429
SECOND_ADDRESS = int(ip_address("10.0.0.1"))


@dataclass(frozen=True, slots=True)
class Gap:
    """How far the median time of one kind of answer lies above that of another, in percent of a bcrypt.

    low, high: its 95 % bootstrap confidence interval.
    """

    name: str
    percent: float
    low: float
    high: float


@dataclass(slots=True)
class Addresses:
    """Addresses that nobody came from before."""

    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(SECOND_ADDRESS))

    def new(self) -> str:
        """Return the next one."""
        return str(ip_address(next(self.numbers)))


def gaps(serving: Serving, stored: str, times: int) -> list[Gap]:
    """Measure; return the gaps that must be none. stored: a hash of the cost that the users have."""
    addresses = Addresses()
    blocked_at = addresses.new()
    for _ in range(MAX_ATTEMPTS):
        for name in (username(1), "nobody"):
            serving.serve(_login(name, blocked_at), WRONG)
    kinds: dict[str, Callable[[], float]] = {
        "wrong password": lambda: serving.serve(_login(username(2), addresses.new()), WRONG).wall_s,
        "unknown user": lambda: serving.serve(_login("nobody", addresses.new()), WRONG).wall_s,
        "user without a password": lambda: serving.serve(_login(username(1, LOCKED), addresses.new()), WRONG).wall_s,
        "realm without users": lambda: serving.serve(_login("nobody", addresses.new(), EMPTY_REALM), WRONG).wall_s,
        "blocked account": lambda: serving.serve(_login(username(1), blocked_at), BLOCKED).wall_s,
        "blocked unknown name": lambda: serving.serve(_login("nobody", blocked_at), BLOCKED).wall_s,
    }
    samples: dict[str, list[float]] = {name: [] for name in kinds}
    hashes = []
    for number in range(times):
        if number % SCALE_EVERY == 0:
            hashes.append(serving.hash(stored).wall_s)
        for name, sample in kinds.items():
            samples[name].append(sample())
    return _compared(samples, median(hashes))


def _login(name: str, address: str, realm: str = "") -> Ask:
    form = LOGIN | {"username": name, "password": "not the password"} | (BY_REALM | {"realm": realm} if realm else {})
    return replace(token(form)({}), source_ip=address)


def _compared(samples: dict[str, list[float]], bcrypt_s: float) -> list[Gap]:
    against = ("unknown user", "user without a password", "realm without users")
    pairs = [(name, "wrong password") for name in against] + [("blocked unknown name", "blocked account")]
    return [_gap(f"{first} - {second}", samples[first], samples[second], bcrypt_s) for first, second in pairs]


def _gap(name: str, first: Sequence[float], second: Sequence[float], bcrypt_s: float) -> Gap:
    low, high = interval(first, second)
    percent = 100 / bcrypt_s
    return Gap(name, (median(first) - median(second)) * percent, low * percent, high * percent)

"""A year of scheduled rotations, with tokens issued all the time, as clients see it that cache the published keys."""

from collections import deque
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import jwt
import pytest

from chalicelib import wiring
from tests.support.fixed import Clock
from tests.support.http import Http
from tests.support.rotation import DAY_S, ES_API, LONGEST_S, Schedule, login_form, make_stage
from tests.support.stages import client_of
from tests.support.tenant_documents import SMALL_API

HOUR_S = 3600
AUDIENCES = {"RS256": SMALL_API, "ES256": ES_API}
# A client that asks each time, one that caches for ten minutes, and a lazy one, whatever the answer's header says.
ALWAYS_S, USUAL_S, LAZY_S = 0, 600, 7200
# A cache in front of the API, as the answer's header allows.
EDGE_LIFETIME_S = 300
PROCESSES = 2
# While something moves, the schedule runs so often, and tokens are issued at these seconds after each run: while the
# processes still have what they read before it, and while the cache in front still has.
PERIOD_S = 600
TICKS_S = (0, 20, 150, 270, 580)
QUIET_S = 2 * DAY_S


@dataclass
class Cached:
    """The published keys, by whatever reads them, for at most lifetime_s."""

    clock: Clock
    lifetime_s: int
    read: Callable[[], jwt.PyJWKSet]
    keys: jwt.PyJWKSet | None = None
    ends_at: float = 0

    def __call__(self) -> jwt.PyJWKSet:
        if self.keys is None or self.clock() >= self.ends_at:
            self.keys, self.ends_at = self.read(), self.clock() + self.lifetime_s
        return self.keys


def verify(token: str, keys: jwt.PyJWKSet, alg: str) -> None:
    """Verify a token as an API does that does not ask again for a kid that it does not know."""
    kid = jwt.get_unverified_header(token)["kid"]
    # The clock of the test is ahead of the one that PyJWT looks at.
    options: Any = {"verify_exp": False, "verify_iat": False, "verify_nbf": False}
    jwt.decode(token, keys[kid], [alg], audience=AUDIENCES[alg], options=options)


@dataclass
class World:
    """Processes that serve, clients that verify, and tokens that will be verified a second before they end."""

    schedule: Schedule
    clock: Clock
    processes: list[Http]
    clients: list[Cached]
    edge: Cached
    lazy: deque[Cached] = field(default_factory=deque)
    waiting: list[tuple[float, str, str]] = field(default_factory=list)
    issued: int = 0
    kids: set[str] = field(default_factory=set)

    def issue_and_verify(self) -> None:
        """Let each process issue a token, and each client verify it at once. A lazy client begins at each such time."""
        self.lazy.append(Cached(self.clock, LAZY_S, self.edge))
        while self.lazy[0].keys and self.lazy[0].ends_at + LAZY_S < self.clock():
            self.lazy.popleft()
        for process in self.processes:
            self.issued += 1
            alg = "RS256" if self.issued % 4 else "ES256"
            answer = process.token(login_form(AUDIENCES[alg])).json()
            token = answer["access_token"]
            self.kids.add(jwt.get_unverified_header(token)["kid"])
            for client in (*self.clients, *self.lazy):
                verify(token, client(), alg)
            self.waiting.append((self.clock() + answer["expires_in"] - 1, token, alg))

    def advance(self, seconds: float) -> None:
        """Move the clock. Stop in the last second of each token on the way, to verify it by keys that are read then."""
        until = self.clock() + seconds
        for at, token, alg in sorted(one for one in self.waiting if one[0] <= until):
            self.clock.now = at
            verify(token, self.clients[0](), alg)
        self.waiting = [one for one in self.waiting if one[0] > until]
        self.clock.now = until


@pytest.fixture
def world(tmp_path: Path, stage: object, clock: Clock, externals: wiring.Externals) -> Iterator[World]:
    """The world of one stage, which rotates every 90 days."""
    del stage  # moto runs for as long as it does
    own = make_stage(tmp_path)
    with ExitStack() as stack:
        processes = [stack.enter_context(client_of(own, externals)) for _ in range(PROCESSES)]

        def published() -> jwt.PyJWKSet:
            return jwt.PyJWKSet.from_dict(processes[-1].get("/.well-known/jwks.json").json())

        edge = Cached(clock, EDGE_LIFETIME_S, published)
        clients = [Cached(clock, seconds, read) for seconds in (ALWAYS_S, USUAL_S) for read in (published, edge)]
        yield World(Schedule(own, clock, []), clock, processes, clients, edge)


def pace(now: float, busy_until: float, last_ends_at: float) -> tuple[float, ...]:
    """Return when tokens are issued, in seconds after a run of the schedule, and when the next run is.

    last_ends_at: when the last token of the key before ends. The key may not leave while the schedule runs up to then.
    """
    if now < busy_until:
        return (*TICKS_S, PERIOD_S)
    until_s = last_ends_at - 3 * HOUR_S - now
    if -4 * HOUR_S < until_s <= 0:
        return (0, PERIOD_S)
    quiet_s = min(QUIET_S, until_s) if until_s > 0 else QUIET_S
    return (0, max(0, quiet_s - 20), quiet_s)


def test_no_token_of_a_year_fails_to_verify_at_a_client_that_caches_the_keys(world: World) -> None:
    ends_at = world.clock() + 380 * DAY_S
    busy_until = last_ends_at = 0.0
    while world.clock() < ends_at:
        now, steps = world.clock(), str(world.schedule.run().get("steps"))
        if "make" in steps:
            busy_until = now + 2 * LAZY_S
        if "promote" in steps:
            busy_until, last_ends_at = now + HOUR_S, now + LONGEST_S
        for at, then in pairwise(pace(now, busy_until, last_ends_at)):
            world.issue_and_verify()
            world.advance(then - at)

    lines = world.schedule.lines
    assert [line for line in lines if "error" in line] == []
    # Of each algorithm, the first key and the four that followed have signed.
    promoted = [step for line in lines for step in line.get("steps", ()) if step.startswith("promote")]
    assert (len(promoted), len(world.kids), world.issued > 1000) == (8, 10, True)

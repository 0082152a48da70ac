"""Simulate many processes on a DynamoDB that gives each key 1,000 writes and 3,000 reads a second of simulated time.

The token flow and the stores are the real ones; bcrypt and Sign are stubs. A key that has no units left is throttled,
and no throttled call is made again. `python -m tests.figures.hot_keys` prints the figures of
docs/run/attack-protection.md.
"""

import itertools
import json
import random
import sys
import threading
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from statistics import mean
from typing import Any

from chalicelib import wiring
from chalicelib.errors import TemporarilyUnavailable
from chalicelib.flows.token import TokenFlow
from chalicelib.settings import Settings
from chalicelib.store.aws.caller import AwsCaller, AwsRefused
from chalicelib.store.aws.calls import Aws
from infra.local.emulated_aws import local_aws
from infra.stage.aws import Stage
from tests.figures.simulation import BCRYPT_COST, HOME, PASSWORD, USERNAME, is_let_in, provision_demo
from tests.support.fake_aws.items import item_bytes
from tests.support.fake_aws.tables import AwsError, Tables
from tests.support.fixed import Clock

WRITES_A_SECOND, READS_A_SECOND = 1_000, 3_000
WRITE_BYTES, READ_BYTES = 1024, 4096
LIMITS = {"read": READS_A_SECOND, "write": WRITES_A_SECOND}
GUESSES_A_SECOND, LOGINS_A_SECOND = 5_000, 10_000
# The person who is attacked logs in as often as this.
GUESSES_A_LOGIN = 1_000
LOGINS_IN_FIRST_SECOND = GUESSES_A_SECOND // GUESSES_A_LOGIN
# Many logins are simulated at a tenth, against a tenth of the limits.
SCALE = 10
TABLES = ("config", "users-employees", "sessions", "attempts")
SIGNATURE = b"s" * 256
# What AWS counts in a transaction.
IN_TRANSACTION = 2

Key = tuple[str, ...]


@dataclass
class LimitedTables:
    """DynamoDB with limits for each key; everything else is asked of `others`. scale: divides the limits.

    most: the largest share of its limit that a key had in a second. throttled: how many uses of a key were refused.
    """

    tables: Tables
    clock: Clock
    others: AwsCaller
    scale: int = 1
    most: dict[tuple[str, Key], float] = field(default_factory=lambda: defaultdict(float))
    throttled: Counter[Key] = field(default_factory=Counter)
    _used: Counter[tuple[str, Key]] = field(default_factory=Counter)
    _second: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def ask(self, operation: Any, parameters: Mapping[str, Any]) -> dict[str, Any]:
        if operation == "Sign":
            return {"Signature": SIGNATURE}
        if operation in ("Decrypt", "GenerateDataKey"):
            return self.others.ask(operation, parameters)
        with self._lock:
            return self._ask(operation, dict(parameters))

    def _ask(self, operation: str, call: dict[str, Any]) -> dict[str, Any]:
        left_out = {table: self._throttled_keys(table, asked) for table, asked in call.get("RequestItems", {}).items()}
        if not any(left_out.values()):
            left_out = {}
        for table, keys in left_out.items():
            asked = call["RequestItems"][table]
            kept = [key for key in asked["Keys"] if key not in keys]
            call = {"RequestItems": {**call["RequestItems"], table: {**asked, "Keys": kept}}}
        if operation == "GetItem":
            self._require(self._use("read", call["TableName"], call["Key"]))
        for write, weight in _writes_of(operation, call):
            self._require(self._use("write", write["TableName"], write.get("Key") or write["Item"], weight))
        try:
            answer = self.tables.answer(operation, call)
        except AwsError as refused:
            raise AwsRefused(refused.body["__type"].partition("#")[2], refused.body, 400) from None
        unprocessed = {table: {"Keys": keys} for table, keys in left_out.items() if keys}
        return {**answer, "UnprocessedKeys": unprocessed} if unprocessed else answer

    def _throttled_keys(self, table: str, asked: dict[str, Any]) -> list[Any]:
        return [key for key in asked["Keys"] if not self._use("read", table, key)]

    def _use(self, kind: str, table: str, attributes: dict[str, Any], weight: int = 1) -> bool:
        """Return whether a key has units left for one use in this second, and take them."""
        if self._second != self.clock.now_s():
            self._second = self.clock.now_s()
            self._used.clear()
        key = (table, *(attributes[name]["S"] for name in ("pk", "sk") if name in attributes))
        size = item_bytes(self.tables.find(table, attributes) or {})
        step = WRITE_BYTES if kind == "write" else READ_BYTES
        units, limit = weight * max(1, -(-size // step)), LIMITS[kind] / self.scale
        if self._used[kind, key] + units > limit:
            self.throttled[key] += 1
            return False
        self._used[kind, key] += units
        self.most[kind, key] = max(self.most[kind, key], self._used[kind, key] / limit)
        return True

    def _require(self, has_units: bool) -> None:
        if not has_units:
            raise AwsRefused("ProvisionedThroughputExceededException", {}, 400)


def _writes_of(operation: str, call: dict[str, Any]) -> Iterator[tuple[dict[str, Any], int]]:
    if operation in ("PutItem", "UpdateItem", "DeleteItem"):
        yield call, 1
    for member in call.get("TransactItems", ()):
        yield from ((write, IN_TRANSACTION) for write in member.values())


class Processes:
    """So many processes of one stage, each with a memory of its own, asked by turns.

    has_memory: whether a process remembers names and addresses longer than for one request.
    """

    def __init__(self, stage: Stage, count: int, scale: int = 1, choose: Callable[[int], int] | None = None) -> None:
        """choose: of wiring.Externals; by default each number in turn."""
        turns, self.has_memory = itertools.count(), True
        self.clock = Clock(1_800_000_000)
        tables = Tables(items={f"{stage.prefix}{name}": _items_of(stage, f"{stage.prefix}{name}") for name in TABLES})
        self.dynamo = LimitedTables(tables, self.clock, stage.aws.caller, scale)
        self.people = tables.items[f"{stage.prefix}users-employees"]
        externals = wiring.Externals(
            clock=self.clock,
            pause=lambda _: None,
            choose=choose or (lambda below: next(turns) % below),
            verify=lambda password, _: password == PASSWORD,
        )
        settings, aws = Settings(stage.name, "https://login.example.com/", BCRYPT_COST), Aws(self.dynamo, _no_messenger)
        self.flows = [wiring.build(settings, aws, externals)[TokenFlow] for _ in range(count)]
        self._next = itertools.cycle(self.flows)

    def log_in(self, address: str, password: str, username: str = USERNAME) -> bool:
        """Return whether a login succeeds in the process whose turn it is. One that AWS throttles does not."""
        flow = next(self._next)
        try:
            return is_let_in(flow, address, password, username)
        except TemporarilyUnavailable:
            return False
        finally:
            if not self.has_memory:
                _forget(flow)

    def add_people(self, count: int) -> list[str]:
        """Make copies of alice, and return their usernames."""
        ((_, login),) = [(key, item) for key, item in self.people.items() if key[0] == f"login#{USERNAME}"]
        user_id = login["user_id"]["S"]
        own = json.dumps([item for item in self.people.values() if user_id in json.dumps(item)])
        names = [f"person{number:06}" for number in range(count)]
        for name in names:
            for item in json.loads(own.replace(user_id, f"employees|{name}").replace(USERNAME, name)):
                self.people[item["pk"]["S"], ""] = item
        return names


def _forget(flow: TokenFlow) -> None:
    """Let a process forget which names and addresses it knows."""
    guard = flow.grants["password"].guard  # type: ignore[attr-defined]  # of the password grant
    guard.closed._met.entries.clear()
    guard.addresses._empties_at_ms.entries.clear()


def _items_of(stage: Stage, table: str) -> dict[tuple[str, str], Any]:
    items = stage.clients.dynamodb.scan(TableName=table)["Items"]
    return {(item["pk"]["S"], item.get("sk", {"S": ""})["S"]): item for item in items}


def _no_messenger() -> Any:
    raise AssertionError("no message is sent")


@dataclass(frozen=True)
class Outcome:
    """The outcome of a simulation. let_in: the share of the logins that succeeded. most: as of LimitedTables.

    in_first_second: the share of those in the first second of an attack, which let_in leaves out.
    """

    let_in: float
    most: dict[tuple[str, Key], float]
    throttled: int
    in_first_second: float = 1.0


def attack(
    stage: Stage, seconds: int = 21, has_memory: bool = True, type_name: Callable[[int], str] = lambda _: USERNAME
) -> Outcome:
    """Guess at one person, each time from another network, while they log in from home five times a second.

    Each login ends the slowing of strangers, and so lets a hundred more guesses be judged.
    type_name: returns the name in a spelling of a guess, by its number.
    """
    running = Processes(stage, count=500, choose=random.Random(31).randrange)  # noqa: S311 (no secret)
    running.has_memory = has_memory
    assert running.log_in(HOME, PASSWORD)
    logins = []
    for number in range(seconds * GUESSES_A_SECOND):
        running.clock.now += 1 / GUESSES_A_SECOND
        running.log_in(_address(number), "a guess", type_name(number))
        if number % GUESSES_A_LOGIN == GUESSES_A_LOGIN // 2:
            logins.append(running.log_in(HOME, PASSWORD))
    first, later = logins[:LOGINS_IN_FIRST_SECOND], logins[LOGINS_IN_FIRST_SECOND:]
    dynamo = running.dynamo
    return Outcome(mean(later), dict(dynamo.most), dynamo.throttled.total(), mean(first))


def _address(number: int) -> str:
    """Return an address of a network of its own for each guess of a minute."""
    return f"100.{64 + (number >> 16) % 64}.{number >> 8 & 255}.{number & 255}"


def many_people(stage: Stage, has_memory: bool = True, choose: Callable[[int], int] | None = None) -> Outcome:
    """Log many people in by one address, for two seconds, at a part of the load against that part of the limits.

    choose: of wiring.Externals; by default each number in turn.
    """
    a_second = LOGINS_A_SECOND // SCALE
    running = Processes(stage, count=650 // SCALE, scale=SCALE, choose=choose)
    running.has_memory = has_memory
    names, let_in = running.add_people(2 * a_second), 0
    for name in names:
        running.clock.now += 1 / a_second
        let_in += running.log_in(HOME, PASSWORD, name)
    return Outcome(let_in / len(names), dict(running.dynamo.most), running.dynamo.throttled.total())


def main() -> None:
    """Print the busiest keys of both simulations."""
    with local_aws():
        stage = provision_demo("hot")
        for name, outcome in (("attack", attack(stage)), ("people", many_people(stage))):
            first = f"{outcome.in_first_second:.2%} in the first second of an attack"
            sys.stdout.write(
                f"{name}: {outcome.let_in:.2%} of the logins let in, {first}, {outcome.throttled} throttled\n"
            )
            for (kind, key), share in sorted(outcome.most.items(), key=lambda pair: -pair[1])[:8]:
                sys.stdout.write(f"  {share:7.1%} of a key's {kind}s: {' '.join(key)}\n")


if __name__ == "__main__":
    main()

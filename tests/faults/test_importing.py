"""The import of people while AWS fails: it waits and goes on, or stops; the next run ends in the same tables."""

import itertools
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from chalicelib.errors import TemporarilyUnavailable
from chalicelib.model.storage import Read
from chalicelib.store.aws.caller import AwsUnreachable
from chalicelib.store.people.counts import count_keys, total_of
from chalicelib.store.people.items import login_keys
from infra.move.people.factors import FactorSealer
from infra.move.people.forms import Form
from infra.move.people.importing import Import
from infra.move.people.ledger import Ledger, State
from infra.move.people.pace import PAUSES_S, Pace
from infra.move.people.person import PersonMaker
from infra.move.people.writing import Writer
from infra.stage.aws import Stage
from infra.stage.people import People
from infra.tenant.schema import TenantFile
from tests.support.faults import aws_error, failing, left_out, sent_twice
from tests.support.fixed import Clock
from tests.support.function_aws import Ask, around_calls
from tests.support.stages import provision_stage
from tests.support.threads import at_once

PEOPLE = 40
_numbers = itertools.count(1)
THROTTLED = aws_error("ProvisionedThroughputExceededException")
# Each is tried again until it is over.
PASSING: dict[str, Exception] = {
    "throttled": THROTTLED,
    "too many requests": aws_error("RequestLimitExceeded"),
    "part of a transaction throttled": aws_error("TransactionCanceledException", "None", "ThrottlingError"),
    "part of a transaction beyond the table's units": aws_error(
        "TransactionCanceledException", "ProvisionedThroughputExceeded", "None"
    ),
    "another transaction": aws_error("TransactionInProgressException"),
    "5xx": aws_error("InternalServerError"),
    "no connection": AwsUnreachable("ConnectTimeoutError"),
    "no answer": AwsUnreachable("ReadTimeoutError"),
    "reset": AwsUnreachable("ConnectionClosedError"),
}
LASTING: dict[str, Exception] = {
    "denied": aws_error("AccessDeniedException"),
    "key disabled": aws_error("DisabledException"),
    "no table": aws_error("ResourceNotFoundException"),
    "token expired": aws_error("ExpiredTokenException"),
}


@dataclass
class Importing:
    """An import of people of its own, which goes on where the run before has ended. clock: of its pauses."""

    stage: Stage
    clock: Clock
    most: float = 0
    state: State = field(init=False)
    key: str = field(init=False)
    order: random.Random | None = None

    def __post_init__(self) -> None:
        self.key = f"faulty{next(_numbers)}x"
        self.state = State(f"import-of-{self.key}", self.stage.name, "employees", "auth0", False, "a file")

    @property
    def table(self) -> str:
        return People.of(self.stage, "employees").realm.users_table

    def run(self) -> State:
        """Import, and return the state that is kept, also if it fails."""
        realm = People.of(self.stage, "employees").realm
        others = (People.of(self.stage, "customers").realm.users_table,)
        sealer = FactorSealer(no_key, self.clock.now_s(), takes_own=False)
        maker = PersonMaker(realm, Form.AUTH0, self.state.import_id, sealer)
        writer = Writer(self.stage.dynamo, self.table, Pace(self.most, self.clock, self.clock.pause), others)
        Import(maker, writer, Ledger(self.state, self.keep)).run(self.rows())
        return self.state

    def keep(self, state: State) -> None:
        self.state = state

    def rows(self) -> Iterator[dict[str, Any]]:
        numbers = list(range(PEOPLE))
        if self.order:
            self.order.shuffle(numbers)
        for number in numbers:
            yield {"email": f"{self.key}-{number}@example.com", "user_id": f"{self.key}{number}"}

    def counted(self) -> int:
        return self.stage.dynamo.read(Read(tuple(count_keys(self.table)), total_of))

    def require_all(self, before: int) -> None:
        """Check that everybody is there and counted once. before: how many the realm had."""
        keys = [key for row in self.rows() for key in login_keys(self.table, row["email"])]
        items = self.stage.dynamo.read(Read(tuple(keys), list))
        holders = [item["user_id"] for item in items if item]

        assert (self.state.settled, self.state.inserted, self.state.failed) == (PEOPLE, PEOPLE, 0)
        assert self.state.is_finished
        assert sorted(holders) == sorted(f"auth0|{self.key}{number}" for number in range(PEOPLE))
        assert self.counted() == before + PEOPLE


def no_key() -> Any:
    raise AssertionError("nobody of these has an app")


@pytest.fixture(scope="module")
def stage(stage: Stage, demo: TenantFile) -> Stage:
    """A stage of these tests' own: they bring thousands of people, whom other tests would have to look through."""
    return provision_stage("importing", demo)


@pytest.fixture
def importing(stage: Stage, clock: Clock) -> Importing:
    return Importing(stage, clock)


@pytest.mark.parametrize("operation", ["TransactWriteItems", "BatchGetItem"])
@pytest.mark.parametrize("failure", PASSING.values(), ids=PASSING)
def test_passing_failure_is_waited_for_and_everybody_comes_in_once(
    importing: Importing, operation: str, failure: Exception
) -> None:
    before = importing.counted()
    with failing(importing.stage, operation, failure, times=range(4)):
        importing.run()

    importing.require_all(before)
    assert len(importing.clock.paused) >= 1
    assert max(importing.clock.paused) <= PAUSES_S[-1]


@pytest.mark.parametrize("operation", ["TransactWriteItems", "BatchGetItem"])
@pytest.mark.parametrize("failure", LASTING.values(), ids=LASTING)
def test_lasting_failure_stops_at_once_and_the_next_run_completes(
    importing: Importing, operation: str, failure: Exception
) -> None:
    before = importing.counted()
    with failing(importing.stage, operation, failure, times=range(2, 1_000)), pytest.raises(TemporarilyUnavailable):
        importing.run()
    stopped_at, waited = importing.state.settled, list(importing.clock.paused)
    importing.run()

    assert (stopped_at < PEOPLE, waited) == (True, [])
    importing.require_all(before)


def test_failure_that_does_not_pass_stops_after_a_minute(importing: Importing) -> None:
    before = importing.counted()
    with (
        failing(importing.stage, "TransactWriteItems", PASSING["no connection"]),
        pytest.raises(TemporarilyUnavailable),
    ):
        importing.run()
    waited = importing.clock.paused.copy()
    importing.run()

    assert set(waited) == set(PAUSES_S)
    importing.require_all(before)


@pytest.mark.parametrize("number", range(0, 20, 3))
def test_lost_answer_of_each_write_makes_nobody_twice(importing: Importing, number: int) -> None:
    before, writes = importing.counted(), itertools.count()

    def around(made: str, _: Mapping[str, Any], ask: Ask) -> dict[str, Any]:
        answer = ask()
        if made == "TransactWriteItems" and next(writes) == number:
            raise AwsUnreachable("ConnectionClosedError")
        return answer

    with around_calls(importing.stage, around):
        importing.run()

    importing.require_all(before)


def test_write_that_is_sent_twice_makes_nobody_twice(importing: Importing) -> None:
    before = importing.counted()
    with sent_twice(importing.stage, "TransactWriteItems"):
        importing.run()

    importing.require_all(before)


def test_keys_that_a_batch_leaves_out_are_asked_for_again(importing: Importing) -> None:
    before = importing.counted()
    with left_out(importing.stage, 3):
        importing.run()

    importing.require_all(before)


def test_throttled_import_slows_down_and_quickens_again(clock: Clock) -> None:
    pace = Pace(0, clock, clock.pause)
    answers = iter([TemporarilyUnavailable(reason="transact_write_items: ThrottlingException")] * 3)

    def call() -> str:
        if failure := next(answers, None):
            raise failure
        return "done"

    assert pace.do(call, 10) == "done"
    slow_s = _seconds_of(pace, clock, 100)
    for _ in range(200):
        pace.do(call, 10)
    quick_s = _seconds_of(pace, clock, 100)

    assert clock.paused[:1] == [PAUSES_S[0]]
    assert quick_s < slow_s / 4


def _seconds_of(pace: Pace, clock: Clock, calls: int) -> float:
    begins = clock.now
    for _ in range(calls):
        pace.do(lambda: None, 10)
    return clock.now - begins


@pytest.mark.parametrize("most", [50, 400, 4_000])
def test_import_takes_no_more_write_units_a_second_than_it_may(stage: Stage, clock: Clock, most: int) -> None:
    importing, begins, sent = Importing(stage, clock, most), clock.now, list[tuple[float, int]]()
    before = importing.counted()

    def around(made: str, parameters: Mapping[str, Any], ask: Ask) -> dict[str, Any]:
        if made == "TransactWriteItems":
            sent.append((clock.now, 2 * sum("Put" in one for one in parameters["TransactItems"])))
        return ask()

    with around_calls(stage, around):
        importing.run()
    units, lasted_s = sum(units for _, units in sent), max(at for at, _ in sent) - begins
    last = max(sent)[1]

    importing.require_all(before)
    assert units >= 6 * PEOPLE
    assert units - last <= most * lasted_s + 1


def test_limit_of_the_operator_is_never_exceeded_by_quickening(clock: Clock) -> None:
    pace = Pace(100, clock, clock.pause)
    assert _seconds_of(pace, clock, 101) == pytest.approx(10.0)
    assert _seconds_of(pace, clock, 100) == pytest.approx(10.0)


@pytest.mark.parametrize(
    "error", ["InternalServerError", "ProvisionedThroughputExceededException", "AccessDeniedException"]
)
def test_each_call_of_an_import_fails_and_nobody_is_lost_or_twice(stage: Stage, clock: Clock, error: str) -> None:
    for number in range(100):
        importing = Importing(stage, clock)
        before = importing.counted()
        failed = run_with_failing_call(importing, number, error)
        if not failed:
            return
        importing.run()
        importing.require_all(before)
    raise AssertionError("more calls than an import of so many makes")


def run_with_failing_call(importing: Importing, number: int, error: str) -> list[str]:
    """Run an import whose call of this number fails once. Return its operation, or nothing if there was none."""
    numbers, failed = itertools.count(), list[str]()

    def around(made: str, _: Mapping[str, Any], ask: Ask) -> dict[str, Any]:
        if next(numbers) == number:
            failed.append(made)
            raise aws_error(error)
        return ask()

    with around_calls(importing.stage, around):
        try:
            importing.run()
        except TemporarilyUnavailable:
            assert error == "AccessDeniedException" or failed == ["GetItem"]
    return failed


@pytest.mark.parametrize("seed", range(3))
def test_two_imports_at_once_make_nobody_twice_and_nobody_by_half(stage: Stage, clock: Clock, seed: int) -> None:
    both = [Importing(stage, clock), Importing(stage, clock)]
    # The same people, by two files whose rows have other orders.
    both[1].key = both[0].key
    both[1].order = random.Random(seed)  # noqa: S311 (an order is no secret)
    before = both[0].counted()
    states = at_once(2, lambda number: both[number].run())
    people = People.of(stage, "employees")
    found = [people.find(row["email"]) for row in both[0].rows()]

    assert [state.settled for state in states] == [PEOPLE, PEOPLE]
    assert sum(state.inserted for state in states) == sum(state.failed for state in states) == PEOPLE
    assert len({user.user_id for user in found}) == PEOPLE
    assert [people.find(user.user_id) for user in found] == found
    assert both[0].counted() == before + PEOPLE

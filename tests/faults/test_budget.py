"""A request's budget for AWS: no try begins that could not end within eight seconds (docs/adr/0016)."""

import io
import socket
import threading
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlsplit

import pytest

from chalicelib.errors import TemporarilyUnavailable
from chalicelib.store.aws.botocore_caller import RETRY_AFTER
from chalicelib.store.aws.budget import (
    LAST_CLEANUP_S,
    LAST_TRY_S,
    READ_TIMEOUT_S,
    REQUEST_BUDGET_S,
    TRY_S,
    current,
    open_budget,
)
from chalicelib.store.aws.caller import AwsUnreachable
from chalicelib.store.aws.calls import ConditionFailed
from chalicelib.store.aws.http_reply import Reply
from chalicelib.store.aws.parallel import Parallel
from chalicelib.store.aws.transport import KeepAlive
from infra.stage.aws import Stage
from tests.faults.kinds import FAULTS, Fault, error
from tests.faults.wire import Act, Try, watching
from tests.faults.workbench import Bench, bench_on
from tests.support.fixed import Clock
from tests.support.function_aws import IS_BY_BOTOCORE, function_aws
from tests.support.limits import WAIT_S
from tests.support.slow_link import moto_server, serve_wsgi


def read(bench: Bench) -> object:
    """Make one call."""
    return bench.stage.aws.call("GetItem", TableName=f"{bench.stage.prefix}config", Key={"pk": {"S": "-"}})


def write(bench: Bench, key: str, **condition: str) -> None:
    """Make one write, which shows what stood there if its condition does not hold."""
    table, item = f"{bench.stage.prefix}attempts", {"pk": {"S": key}, "sk": {"S": "-"}}
    shown = {"ReturnValuesOnConditionCheckFailure": "ALL_OLD"} if condition else {}
    bench.stage.aws.call("PutItem", TableName=table, Item=item, **condition, **shown)


def taking(clock: Clock, seconds: float, failure: Exception | None = None) -> Act:
    """Let a try take some of the clock's time, and fail or not."""

    def act(_: Try) -> None:
        clock.advance(seconds)
        if failure:
            raise failure

    return act


def test_try_begins_while_it_can_end_in_time_and_not_later(bench: Bench, clock: Clock) -> None:
    with watching(bench.stage, taking(clock, LAST_TRY_S / 2)) as wire, open_budget(clock):
        read(bench)
        read(bench)
        read(bench)
        with pytest.raises(TemporarilyUnavailable) as failed:
            read(bench)

    assert failed.value.reason == "get_item: OutOfTime"
    assert len(wire.tries) == 3


def test_time_between_the_calls_is_not_spent(bench: Bench, clock: Clock) -> None:
    with open_budget(clock) as budget:
        read(bench)
        clock.advance(1000)
        read(bench)

    assert budget.calls == 2


def test_parallel_calls_spend_the_same_time_once(bench: Bench, clock: Clock) -> None:
    together = threading.Barrier(2)

    def act(_: Try) -> None:
        if together.wait(WAIT_S) == 0:
            clock.advance(LAST_TRY_S)
        together.wait(WAIT_S)

    with open_budget(clock):
        with watching(bench.stage, act):
            Parallel().both(lambda: read(bench), lambda: read(bench))
        with watching(bench.stage, taking(clock, 0.001)) as last:
            read(bench)
        with pytest.raises(TemporarilyUnavailable):
            read(bench)

    assert len(last.tries) == 1


def test_late_call_is_not_tried_again(bench: Bench, clock: Clock) -> None:
    lost = AwsUnreachable("ConnectionClosedError")
    # botocore pauses for up to a second; the thin path asks whether there is time for the pause that it has drawn.
    late = taking(clock, LAST_TRY_S - (0.5 if IS_BY_BOTOCORE else 0), lost)
    with watching(bench.stage, late) as wire, open_budget(clock), pytest.raises(TemporarilyUnavailable):
        read(bench)

    assert len(wire.tries) == 1


def test_late_write_that_succeeded_goes_out_once(bench: Bench, clock: Clock) -> None:
    with watching(bench.stage, after=taking(clock, LAST_TRY_S)) as wire, open_budget(clock):
        write(bench, "late")

    assert len(wire.tries) == 1


@pytest.mark.parametrize("kind", FAULTS, ids=lambda fault: fault.name)
def test_late_write_that_failed_goes_out_once_and_says_what_failed(bench: Bench, clock: Clock, kind: Fault) -> None:
    def late(one: Try) -> Reply | None:
        clock.advance(LAST_TRY_S)
        return kind.spoil(one)

    failure = pytest.raises((ConditionFailed, TemporarilyUnavailable))
    with watching(bench.stage, late) as wire, open_budget(clock), failure as failed:
        write(bench, "late")

    assert len(wire.tries) == 1
    assert isinstance(failed.value, ConditionFailed) == (kind.name == "condition")
    assert "OutOfTime" not in getattr(failed.value, "reason", "")


def test_late_conditional_write_still_shows_what_stood_there(bench: Bench, clock: Clock) -> None:
    write(bench, "taken")
    slow = taking(clock, LAST_TRY_S)
    with watching(bench.stage, after=slow), open_budget(clock), pytest.raises(ConditionFailed) as failed:
        write(bench, "taken", ConditionExpression="attribute_not_exists(pk)")

    assert failed.value.item == {"pk": {"S": "taken"}, "sk": {"S": "-"}}


def test_late_conflict_is_not_tried_again(bench: Bench, clock: Clock) -> None:
    def act(one: Try) -> Reply:
        clock.advance(LAST_TRY_S / 2)
        return error(one, 400, "TransactionConflictException")

    with watching(bench.stage, act) as wire, open_budget(clock), pytest.raises(TemporarilyUnavailable):
        read(bench)

    assert len(wire.tries) == 2


def test_cleanup_may_begin_later_and_still_ends_in_time(bench: Bench, clock: Clock) -> None:
    lost = AwsUnreachable("ReadTimeoutError")
    with open_budget(clock):
        with watching(bench.stage, taking(clock, LAST_CLEANUP_S, lost)), pytest.raises(TemporarilyUnavailable):
            read(bench)
        with watching(bench.stage, taking(clock, TRY_S)) as cleanup:
            read(bench)
        with watching(bench.stage) as late, pytest.raises(TemporarilyUnavailable):
            read(bench)

    assert LAST_CLEANUP_S + TRY_S == REQUEST_BUDGET_S
    assert (len(cleanup.tries), late.tries) == (1, [])


def test_pause_that_aws_asks_for_is_not_waited_for(bench: Bench, clock: Clock) -> None:
    def act(one: Try) -> Reply | None:
        if one.number > 1:
            return None
        return one.answered(500, '{"__type": "#InternalServerError"}', **{RETRY_AFTER: "5000"})

    began = time.monotonic()
    with watching(bench.stage, act) as wire, open_budget(clock):
        read(bench)

    assert len(wire.tries) == 2
    assert time.monotonic() - began < 4


def test_tools_have_all_the_time() -> None:
    assert current().has_time(pause_s=86_400)


def test_clock_of_one_request_is_not_the_next_ones(bench: Bench, clock: Clock) -> None:
    with watching(bench.stage, taking(clock, 1000)) as wire:
        for _ in range(2):
            with open_budget(clock):
                read(bench)

    assert len(wire.tries) == 2


def test_login_ends_within_eight_real_seconds_where_every_first_try_hangs(
    faulty_stage: Stage, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    moto = moto_server()
    seen: set[bytes] = set()
    over = threading.Event()

    def hanging_once(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        # A login makes no call twice, but for its second try.
        body = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
        environ["wsgi.input"] = io.BytesIO(body)
        if body not in seen:
            seen.add(body)
            over.wait(30)
        return moto(environ, start_response)

    with serve_wsgi(hanging_once) as url:
        # botocore's path goes where the environment leads it, the thin one where its transport does.
        monkeypatch.setenv("AWS_ENDPOINT_URL", url)
        port = urlsplit(url).port
        transport = KeepAlive(lambda _: socket.create_connection(("127.0.0.1", port)), READ_TIMEOUT_S)
        with bench_on(faulty_stage, function_aws(transport=transport), clock) as bench:
            bench.start(is_cold=True)
            bench.http.clock = time.monotonic
            began = time.monotonic()
            response = bench.http.login()
            took_s = time.monotonic() - began
        over.set()

    assert response.status_code == 503
    assert LAST_TRY_S - 1 < took_s < REQUEST_BUDGET_S
    assert len(seen) > 2


def test_many_threads_of_one_process_have_a_budget_each(bench: Bench, clock: Clock) -> None:
    def request(_: int) -> int:
        with open_budget(clock) as budget:
            Parallel().both(lambda: read(bench), lambda: read(bench))
            return budget.calls

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(request, range(40))) == {2}

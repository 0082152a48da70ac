"""Events are sent on by a function of their own: none is lost while the sink is down, and none comes thrice."""

import hashlib
import hmac
import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from chalicelib import wiring
from chalicelib.errors import TemporarilyUnavailable
from chalicelib.flows.events.delivery import EventsFlow, Undelivered
from chalicelib.model.request import Outcome
from chalicelib.settings import Settings
from chalicelib.store.configuration.events_secret import make_secret
from chalicelib.store.configuration.vault import Vault
from chalicelib.wiring.events import build_events, handle
from infra.stage.aws import Stage, new_session
from infra.tenant.schema import TenantFile
from tests.support.events import BUCKET, SINKS, Sinkhole, batch, ids, open_sinks, run_queue
from tests.support.faults import aws_error, failing
from tests.support.fixed import Clock
from tests.support.stages import provision_stage

TEN_MINUTES_S, BATCH_S, REDELIVERY_S = 600, 30, 120
LINE = {
    "time": "2026-11-27T10:00:00.000+00:00", "event": "fp", "client_id": "app", "realm": "employees",
    "user": "employees|1", "source_ip": "192.0.2.7", "reason": "wrong password", "status": 403,
    "traceback": "ValueError: a secret", "warnings": ["a secret"], "_aws": {"Timestamp": 1},
}  # fmt: skip
KINDS = pytest.mark.parametrize("kind", SINKS)


@pytest.fixture
def sinkhole(clock: Clock) -> Sinkhole:
    return Sinkhole(clock)


@pytest.fixture
def told() -> list[Outcome]:
    """The outcomes of deliveries that failed."""
    return []


@pytest.fixture
def stage(stage: Stage) -> Iterator[Stage]:
    """The shared stage, without a stream at the end."""
    yield stage
    stage.config().put("events", {})


@pytest.fixture
def secret(stage: Stage) -> str:
    return make_secret(stage.config(), Vault(stage.aws, stage.name))


@pytest.fixture
def flow(
    stage: Stage, externals: wiring.Externals, sinkhole: Sinkhole, told: list[Outcome], secret: str
) -> Iterator[EventsFlow]:
    """The real service, with sinks that a test can take down."""
    settings = Settings(stage.name, "https://login.example.com/")
    flow = build_events(settings, stage.aws, externals, told.append, sinkhole.connect)
    with open_sinks(stage, sinkhole):
        yield flow
        assert run_queue(flow) == 0


def stored() -> dict[str, str]:
    """Return the objects of the bucket, by their keys."""
    bucket = new_session().resource("s3").Bucket(BUCKET)
    return {one.key: one.get()["Body"].read().decode() for one in bucket.objects.all()}


def send_to(flow: EventsFlow, kind: str, *types: str) -> None:
    """Write what `apply` writes of a section `events`."""
    flow.config.put("events", {"types": list(types or ("fp",)), "to": {kind: SINKS[kind]}})


@KINDS
def test_event_is_in_auth0s_form_without_what_a_rule_printed(flow: EventsFlow, sinkhole: Sinkhole, kind: str) -> None:
    send_to(flow, kind)
    flow.take(batch(LINE))
    (event,) = sinkhole.taken

    assert set(event) == {"log_id", "data"}
    assert event["data"] == {
        "date": LINE["time"], "type": "fp", "client_id": "app", "connection": "employees", "user_id": "employees|1",
        "ip": "192.0.2.7", "description": "wrong password", "details": {"status": 403},
    }  # fmt: skip
    assert "secret" not in json.dumps(sinkhole.taken)


@KINDS
@pytest.mark.parametrize("seed", range(3))
def test_sink_that_is_down_for_ten_minutes_loses_nothing(
    flow: EventsFlow, sinkhole: Sinkhole, clock: Clock, kind: str, seed: int
) -> None:
    send_to(flow, kind)
    begin, sent = clock(), 0
    sinkhole.down_until = begin + TEN_MINUTES_S + 7 * seed
    while clock() < begin + 2 * TEN_MINUTES_S:
        # More than one entry of PutEvents, and in the end more than one message of the queue.
        number = 1 + 53 * (seed + sent) % 150
        handle({"awslogs": {"data": batch(*[LINE] * number)}}, flow)
        sent += number
        clock.advance(BATCH_S)
        if int(clock() - begin) % REDELIVERY_S < BATCH_S:
            run_queue(flow)
    counts = Counter(ids(sinkhole.taken))

    assert run_queue(flow) == 0
    assert (len(counts), max(counts.values())) == (sent, 1)


def test_answer_that_is_lost_makes_one_duplicate_with_the_same_id(flow: EventsFlow, sinkhole: Sinkhole) -> None:
    send_to(flow, "webhook")
    sinkhole.loses = 1
    flow.take(batch(LINE, LINE))
    run_queue(flow)

    assert sorted(Counter(ids(sinkhole.taken)).values()) == [2, 2]


def test_entries_that_the_bus_refuses_are_sent_again_alone(
    flow: EventsFlow, sinkhole: Sinkhole, monkeypatch: pytest.MonkeyPatch
) -> None:
    send_to(flow, "eventbridge")
    send = flow.aws.send
    refused = iter([True])

    def refuse_one(operation: Any, **parameters: Any) -> dict[str, Any]:
        answer = send(operation, **parameters)
        if operation == "PutEvents" and next(refused, False):
            answer["Entries"][1] = {"ErrorCode": "InternalFailure"}
        return answer

    monkeypatch.setattr(flow.aws, "send", refuse_one)
    flow.take(batch(*[LINE] * 4))
    run_queue(flow)

    assert sorted(Counter(ids(sinkhole.taken)).values()) == [1, 1, 1, 2]


def test_sink_that_is_down_is_asked_once_a_batch_and_the_rest_is_queued(flow: EventsFlow, sinkhole: Sinkhole) -> None:
    send_to(flow, "webhook")
    sinkhole.status = 503
    # Each of these posts may take five seconds and more, and the function has sixty.
    flow.take(batch(*[LINE] * 2_000))
    asked = len(sinkhole.posts)
    sinkhole.status = 204
    run_queue(flow)
    counts = Counter(ids(sinkhole.taken))

    assert asked == 1
    assert (len(counts), max(counts.values())) == (2_000, 1)


def test_sink_that_is_slow_leaves_the_function_time_to_queue_the_rest(
    flow: EventsFlow, sinkhole: Sinkhole, clock: Clock
) -> None:
    send_to(flow, "webhook")
    sinkhole.seconds = 5
    begin = clock()
    flow.take(batch(*[LINE] * 2_000))

    assert clock() - begin <= 30
    run_queue(flow)
    assert Counter(Counter(ids(sinkhole.taken)).values()) == {1: 2_000}


def test_entries_that_the_bus_took_before_it_failed_are_not_sent_again(
    flow: EventsFlow, sinkhole: Sinkhole, told: list[Outcome], monkeypatch: pytest.MonkeyPatch
) -> None:
    send_to(flow, "eventbridge")
    send, puts = flow.aws.send, Counter[str]()

    def fail_from_the_second_on(operation: Any, **parameters: Any) -> dict[str, Any]:
        puts[operation] += 1
        if operation == "PutEvents" and puts[operation] > 1:
            raise TemporarilyUnavailable(reason="put_events: ThrottlingException")
        return send(operation, **parameters)

    with monkeypatch.context() as patched:
        patched.setattr(flow.aws, "send", fail_from_the_second_on)
        flow.take(batch(*[LINE] * 35))
    run_queue(flow)

    assert Counter(Counter(ids(sinkhole.taken)).values()) == {1: 35}
    assert puts["PutEvents"] == 2
    assert [one.reason for one in told] == ["eventbridge: 25 events: put_events: ThrottlingException"]


def test_entries_that_the_bus_refuses_are_told_with_its_reason(
    flow: EventsFlow, told: list[Outcome], monkeypatch: pytest.MonkeyPatch
) -> None:
    send_to(flow, "eventbridge")
    send = flow.aws.send

    def refuse(operation: Any, **parameters: Any) -> dict[str, Any]:
        answer = send(operation, **parameters)
        if operation == "PutEvents":
            answer["Entries"] = [{"ErrorCode": "NotAuthorizedForSourceException"} for _ in answer["Entries"]]
        return answer

    with monkeypatch.context() as patched:
        patched.setattr(flow.aws, "send", refuse)
        flow.take(batch(LINE, LINE))
    run_queue(flow)

    assert [one.reason for one in told] == ["eventbridge: 2 events: NotAuthorizedForSourceException"]


def test_lines_that_come_again_with_fewer_types_overwrite_nothing_in_the_bucket(flow: EventsFlow) -> None:
    handed = batch(LINE, {**LINE, "event": "fu"})
    send_to(flow, "s3", "fp", "fu")
    before = stored()
    flow.take(handed)
    flow.take(handed)
    first = {key: text for key, text in stored().items() if key not in before}
    # The operator takes a type out, and Lambda calls once more.
    send_to(flow, "s3", "fp")
    flow.take(handed)
    after = stored()

    assert len(first) == 1
    assert [text.count("\n") for text in first.values()] == [2]
    assert first.items() <= after.items()


def test_other_types_lambdas_own_lines_and_control_messages_are_left_out(flow: EventsFlow, sinkhole: Sinkhole) -> None:
    send_to(flow, "webhook", "fp", "fu")
    flow.take(batch("START RequestId: 1", '"text"', {**LINE, "event": "sepft"}, {**LINE, "event": "fu"}))
    flow.take(batch(LINE, kind="CONTROL_MESSAGE"))

    assert [event["data"]["type"] for event in sinkhole.taken] == ["fu"]


@pytest.mark.parametrize("document", [{}, None])
def test_stage_without_events_sends_nothing(
    stage: Stage, flow: EventsFlow, sinkhole: Sinkhole, document: dict[str, Any] | None
) -> None:
    if document is None:
        stage.config().delete("events")
    else:
        stage.config().put("events", document)
    flow.take(batch(LINE))
    flow.retry(json.dumps([{"log_id": "1", "data": {"type": "fp"}}]))

    assert sinkhole.taken == []


def test_webhook_gets_a_signed_post(flow: EventsFlow, sinkhole: Sinkhole, clock: Clock, secret: str) -> None:
    send_to(flow, "webhook")
    flow.take(batch(LINE))
    ((method, url, body, headers),) = sinkhole.posts
    signed = hmac.new(secret.encode(), f"{clock.now_s()}.".encode() + body, hashlib.sha256).hexdigest()

    assert (method, url) == ("POST", "siem.example.com:443/events?tenant=1")
    assert headers["Gatehouse-Signature"] == f"t={clock.now_s()},v1={signed}"


@pytest.mark.parametrize("status", [301, 302, 400, 403, 410, 429, 500, 503])
def test_webhook_that_answers_otherwise_than_2xx_has_not_taken_the_events(
    flow: EventsFlow, sinkhole: Sinkhole, told: list[Outcome], status: int
) -> None:
    send_to(flow, "webhook")
    sinkhole.status = status
    flow.take(batch(LINE))
    with pytest.raises(Undelivered):
        flow.retry(json.dumps([{"log_id": "1", "data": {"type": "fp"}}]))
    sinkhole.status = 200
    run_queue(flow)

    assert (len(sinkhole.posts), len(sinkhole.taken)) == (3, 1)
    assert {(one.event, one.reason) for one in told} == {
        ("events_undelivered", f"webhook: SinkFailure status {status}")
    }


def test_events_wait_while_there_is_no_secret(
    stage: Stage, flow: EventsFlow, sinkhole: Sinkhole, told: list[Outcome]
) -> None:
    stage.config().delete("events_secret")
    send_to(flow, "webhook")
    flow.take(batch(LINE))

    assert (sinkhole.posts, len(told)) == ([], 1)
    make_secret(stage.config(), Vault(stage.aws, stage.name))
    run_queue(flow)
    assert len(sinkhole.taken) == 1


def test_failure_of_sink_and_queue_is_raised_so_that_lambda_calls_again(
    stage: Stage, flow: EventsFlow, sinkhole: Sinkhole, clock: Clock
) -> None:
    send_to(flow, "webhook")
    sinkhole.down_until = clock() + 1
    with failing(stage, "SendMessage", aws_error("ServiceUnavailable")), pytest.raises(TemporarilyUnavailable):
        flow.take(batch(LINE))


def test_secret_is_in_no_log(flow: EventsFlow, told: list[Outcome], sinkhole: Sinkhole, secret: str) -> None:
    send_to(flow, "webhook")
    sinkhole.status = 500
    flow.take(batch(LINE))
    sinkhole.status = 200

    assert len(told) == 1
    assert secret not in str(told) + str(flow.config.read_fresh("events", "events_secret"))


def test_function_takes_lines_and_messages(flow: EventsFlow, sinkhole: Sinkhole) -> None:
    send_to(flow, "webhook")
    handle({"awslogs": {"data": batch(LINE)}}, flow)
    handle({"Records": [{"body": json.dumps([{"log_id": "queued", "data": {"type": "fp"}}])}]}, flow)

    assert len(sinkhole.taken) == 2


def test_section_that_left_the_file_stops_the_stream_without_prune(stage: Stage, demo: TenantFile) -> None:
    with_events = demo.model_copy(update={"events": _section()})
    own = provision_stage("events-off", with_events)
    before = own.config().read_fresh("events")
    provision_stage("events-off", demo)

    assert before == ({"types": ["fp"], "to": {"eventbridge": {"bus": "b"}}},)
    assert own.config().read_fresh("events") == ({},)


def _section() -> Any:
    from infra.tenant.events import Events  # noqa: PLC0415

    return Events.model_validate({"types": ["fp"], "to": {"eventbridge": {"bus": "b"}}})

"""Calls by the thin path: what is sent, what is taken for an answer, and which failures are tried again."""

import socket
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any, get_args

import pytest

from chalicelib.store.aws.budget import TRY_S, Budget
from chalicelib.store.aws.caller import SERVICES, AwsRefused, AwsUnreachable, Operation
from chalicelib.store.aws.http_reply import Reply
from chalicelib.store.aws.thin_client import QUOTA, THROTTLED_COST, ThinClient, Timing
from chalicelib.store.aws.transport import KeepAlive
from tests.support.fixed import Clock
from tests.support.raw_server import answer
from tests.support.wire_double import WireDouble, refusal, reply

ENVIRON = {
    "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE",
    "AWS_SECRET_ACCESS_KEY": "the-secret",
    "AWS_SESSION_TOKEN": "the-token",
    "AWS_DEFAULT_REGION": "eu-west-1",
}
READ = {"TableName": "people", "Key": {"pk": {"S": "user#1"}}}
ITEM = {"Item": {"pk": {"S": "user#1"}, "hash": {"S": "the-hash"}}}
HTML = b"<html><body>Service Unavailable</body></html>"
LOST = AwsUnreachable("ConnectionClosedError")
THROTTLED = refusal("ProvisionedThroughputExceededException")

Maker = Callable[..., ThinClient]


@pytest.fixture
def client_of(clock: Clock) -> Maker:
    """Makes clients that live by the test's clock and pause as long as they may."""

    def make(wire: WireDouble, environ: dict[str, str] = ENVIRON, has_time: Any = lambda _: True) -> ThinClient:
        return ThinClient(wire, environ, has_time, Timing(clock, clock.pause, lambda: 1))

    return make


def failure_of(client: ThinClient, operation: Operation = "GetItem") -> AwsRefused | AwsUnreachable:
    try:
        answered = client.ask(operation, READ)
    except (AwsRefused, AwsUnreachable) as failure:
        return failure
    raise AssertionError(f"it must fail, and answers {answered}")


def reason_of(client: ThinClient) -> str:
    failure = failure_of(client)
    assert isinstance(failure, AwsUnreachable)
    return failure.reason


def test_every_operation_has_its_service() -> None:
    assert set(SERVICES) == set(get_args(Operation))


@pytest.mark.parametrize(
    ("operation", "host", "content_type", "target"),
    [
        ("GetItem", "dynamodb.eu-west-1.amazonaws.com", "application/x-amz-json-1.0", "DynamoDB_20120810.GetItem"),
        ("Sign", "kms.eu-west-1.amazonaws.com", "application/x-amz-json-1.1", "TrentService.Sign"),
    ],
)
def test_call_goes_to_its_service_in_its_protocol(
    client_of: Maker, operation: Operation, host: str, content_type: str, target: str
) -> None:
    wire = WireDouble([reply()])
    client_of(wire).ask(operation, READ)
    (sent,) = wire.sent

    assert (sent.host, sent.headers["host"], sent.parameters) == (host, host, READ)
    assert (sent.headers["content-type"], sent.headers["x-amz-target"]) == (content_type, target)
    assert sent.headers["x-amz-security-token"] == "the-token"


def test_answer_is_its_members(client_of: Maker) -> None:
    assert client_of(WireDouble([reply(ITEM | {"UnprocessedKeys": None})])).ask("GetItem", READ) == ITEM


def test_binary_members_of_kms_are_bytes_on_both_sides(client_of: Maker) -> None:
    wire = WireDouble([reply({"KeyId": "key", "Signature": "AP8="})])
    signed = client_of(wire).ask("Sign", {"KeyId": "key", "Message": b"\x01\xff"})

    assert signed == {"KeyId": "key", "Signature": b"\x00\xff"}
    assert wire.sent[0].parameters == {"KeyId": "key", "Message": "Af8="}


def test_binary_attributes_of_dynamodb_are_bytes_on_both_sides(client_of: Maker) -> None:
    stored = {"B": {"B": "AP8="}, "set": {"BS": ["AA==", "/w=="]}, "map": {"M": {"BS": {"S": "B"}}}}
    opened = {"B": {"B": b"\x00\xff"}, "set": {"BS": [b"\x00", b"\xff"]}, "map": {"M": {"BS": {"S": "B"}}}}
    wire = WireDouble([reply({"Item": stored})])
    client = client_of(wire)

    assert client.ask("GetItem", READ) == {"Item": opened}
    client.ask("PutItem", {"TableName": "people", "Item": opened})
    assert wire.sent[1].parameters["Item"] == stored


def test_transaction_keeps_its_token_when_it_is_sent_again_and_the_next_has_another(client_of: Maker) -> None:
    wire = WireDouble([LOST, reply()])
    client = client_of(wire)
    for _ in range(2):
        client.ask("TransactWriteItems", {"TransactItems": []})
    first, again, other = (sent.parameters["ClientRequestToken"] for sent in wire.sent)

    assert first == again != other
    assert 1 <= len(first) <= 36


def test_transactions_own_token_is_kept(client_of: Maker) -> None:
    wire = WireDouble([reply()])
    client_of(wire).ask("TransactWriteItems", {"TransactItems": [], "ClientRequestToken": "mine"})

    assert wire.sent[0].parameters["ClientRequestToken"] == "mine"


def test_refusal_has_code_and_members_and_status_and_does_not_show_them(client_of: Maker) -> None:
    failure = failure_of(client_of(WireDouble([refusal("ConditionalCheckFailedException", members=ITEM)])))

    assert isinstance(failure, AwsRefused)
    assert (failure.code, failure.body, failure.status) == ("ConditionalCheckFailedException", ITEM, 400)
    assert str(failure) == "ConditionalCheckFailedException (400)"
    assert "the-hash" not in repr(failure)


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        ("DisabledException", "DisabledException"),
        ("com.amazonaws#DisabledException", "DisabledException"),
        ("DisabledException:http://internal.amazon.com/coral/", "DisabledException"),
        ("com.amazonaws#DisabledException:http://a.example/#b", "DisabledException"),
    ],
)
def test_code_is_read_in_each_of_its_spellings(client_of: Maker, kind: str, code: str) -> None:
    failure = failure_of(client_of(WireDouble([reply({"__type": kind}, 400)])))

    assert isinstance(failure, AwsRefused)
    assert failure.code == code


def test_refusal_without_a_code_is_called_by_its_status(client_of: Maker) -> None:
    failure = failure_of(client_of(WireDouble([reply({"message": "no"}, 403)])))

    assert isinstance(failure, AwsRefused)
    assert failure.code == "403"


@pytest.mark.parametrize("status", [200, 403, 502])
def test_html_in_place_of_json_is_no_answer(client_of: Maker, status: int) -> None:
    wire = WireDouble([Reply(status, {"content-type": "text/html"}, HTML)])

    assert reason_of(client_of(wire)) == "ResponseParserError"
    assert len(wire.sent) == 2


@pytest.mark.parametrize("body", [b"", b"null", b"[]", b'"Item"', b'{"Item": ', b"\xff\xfe", b"7"])
def test_json_that_is_no_object_is_no_answer(client_of: Maker, body: bytes) -> None:
    assert reason_of(client_of(WireDouble([Reply(200, {}, body)]))) == "ResponseParserError"


def test_answer_of_an_operation_that_has_none_is_empty_and_no_second_try(client_of: Maker) -> None:
    wire = WireDouble([Reply(200, {}, b"")])

    assert client_of(wire).ask("CreateLogStream", {"logGroupName": "group", "logStreamName": "stream"}) == {}
    assert len(wire.sent) == 1


def test_binary_attribute_that_is_no_base64_is_no_answer(client_of: Maker) -> None:
    assert reason_of(client_of(WireDouble([reply({"Item": {"pk": {"B": "a?"}}})]))) == "ResponseParserError"


def test_signature_that_is_no_base64_is_no_answer(client_of: Maker) -> None:
    failure = failure_of(client_of(WireDouble([reply({"Signature": "a?"})])), "Sign")

    assert isinstance(failure, AwsUnreachable)
    assert failure.reason == "ResponseParserError"


@pytest.mark.parametrize("checksum", ["1", "", "no number"])
def test_wrong_checksum_is_no_answer_and_tried_again(client_of: Maker, checksum: str) -> None:
    changed = reply(ITEM, x_amz_crc32=checksum)

    assert reason_of(client_of(WireDouble([changed]))) == "ChecksumError"
    assert client_of(WireDouble([changed, reply(ITEM)])).ask("GetItem", READ) == ITEM


def test_answer_cut_at_any_byte_is_no_answer(client_of: Maker) -> None:
    whole = answer(b'{"Item":{}}', x_amz_crc32="2745614147")
    for length in range(len(whole)):
        ours, theirs = socket.socketpair()

        def connect(_: str, connection: socket.socket = ours) -> socket.socket:
            return connection

        with theirs:
            theirs.sendall(whole[:length])
            theirs.shutdown(socket.SHUT_WR)
            client = ThinClient(KeepAlive(connect, 1), ENVIRON, lambda pause_s: pause_s == 0)

            assert reason_of(client) in ("ConnectionClosedError", "ResponseParserError")


@pytest.mark.parametrize(
    "failure",
    [
        LOST,
        AwsUnreachable("ReadTimeoutError"),
        AwsUnreachable("ConnectTimeoutError"),
        THROTTLED,
        refusal("ThrottlingException"),
        refusal("TransactionInProgressException"),
        refusal("InternalServerError", 500),
        refusal("RequestTimeoutException"),
        reply({"message": "slow down"}, 429),
    ],
)
def test_failure_that_passes_is_tried_again_once(client_of: Maker, failure: Reply | AwsUnreachable) -> None:
    wire = WireDouble([failure, reply(ITEM)])

    assert client_of(wire).ask("GetItem", READ) == ITEM
    assert len(wire.sent) == 2


def test_key_whose_answer_was_lost_is_not_made_twice(client_of: Maker) -> None:
    lost, throttled = WireDouble([LOST]), WireDouble([THROTTLED, reply(ITEM)])
    failure_of(client_of(lost), "CreateKey")

    assert client_of(throttled).ask("CreateKey", {}) == ITEM
    assert (len(lost.sent), len(throttled.sent)) == (1, 2)


@pytest.mark.parametrize("failure", [LOST, THROTTLED])
def test_third_try_is_not_made(client_of: Maker, failure: Reply | AwsUnreachable) -> None:
    wire = WireDouble([failure])
    failure_of(client_of(wire))

    assert len(wire.sent) == 2


@pytest.mark.parametrize(
    "code",
    [
        "ConditionalCheckFailedException",
        "TransactionCanceledException",
        "AccessDeniedException",
        "DisabledException",
        "ResourceNotFoundException",
        "InvalidSignatureException",
        "ExpiredTokenException",
    ],
)
def test_refusal_that_stays_is_not_tried_again(client_of: Maker, code: str) -> None:
    wire = WireDouble([refusal(code)])
    failure_of(client_of(wire))

    assert len(wire.sent) == 1


@pytest.mark.parametrize(("failure", "pause_s"), [(THROTTLED, 1), (LOST, 0.05), (refusal("No", 500), 0.05)])
def test_second_try_waits_longer_after_throttling(
    client_of: Maker, clock: Clock, failure: Reply | AwsUnreachable, pause_s: float
) -> None:
    client_of(WireDouble([failure, reply()])).ask("GetItem", READ)

    assert clock.paused == [pause_s]


def test_second_try_waits_a_part_of_its_pause_that_chance_chooses(clock: Clock) -> None:
    chances = iter([0.25, 0.75])
    client = ThinClient(
        WireDouble([THROTTLED, reply(), THROTTLED, reply()]),
        ENVIRON,
        lambda _: True,
        Timing(clock, clock.pause, lambda: next(chances)),
    )
    for _ in range(2):
        client.ask("GetItem", READ)

    assert clock.paused == [0.25, 0.75]


def test_no_try_begins_without_time(client_of: Maker) -> None:
    wire = WireDouble([reply()])

    assert reason_of(client_of(wire, has_time=lambda _: False)) == "OutOfTime"
    assert not wire.sent


def test_pause_that_leaves_no_time_for_a_second_try_is_not_made(client_of: Maker, clock: Clock) -> None:
    wire = WireDouble([THROTTLED])
    failure = failure_of(client_of(wire, has_time=lambda pause_s: pause_s < 1))

    assert isinstance(failure, AwsRefused)
    assert (len(wire.sent), clock.paused) == (1, [])


def test_tries_are_held_to_the_requests_budget(client_of: Maker, clock: Clock) -> None:
    """A request whose every try hangs makes as many as end within its time, whatever it calls."""
    budget = Budget(clock)
    wire = WireDouble([reply()])

    def hang(host: str, headers: Any, body: bytes) -> Reply:
        clock.advance(TRY_S)
        wire(host, headers, body)
        raise AwsUnreachable("ReadTimeoutError")

    client = client_of(hang, has_time=budget.has_time)
    reasons = []
    for _ in range(4):
        with budget.count_time():
            reasons.append(reason_of(client))

    assert reasons == ["ReadTimeoutError", "ReadTimeoutError", "OutOfTime", "OutOfTime"]
    assert len(wire.sent) == 4


def test_quota_ends_second_tries_of_a_service_that_is_down_and_of_no_other(client_of: Maker) -> None:
    wire = WireDouble([THROTTLED])
    client = client_of(wire)
    calls = QUOTA // THROTTLED_COST
    for _ in range(calls + 10):
        failure_of(client)
    assert len(wire.sent) == 2 * calls + 10

    failure_of(client, "Sign")
    assert len(wire.sent) == 2 * calls + 12


def test_calls_that_succeed_give_the_quota_back(client_of: Maker) -> None:
    wire = WireDouble([THROTTLED])
    client = client_of(wire)
    for _ in range(QUOTA // THROTTLED_COST):
        failure_of(client)
    wire.answers = [reply()]
    for _ in range(THROTTLED_COST):
        client.ask("GetItem", READ)
    wire.answers, wire.sent = [THROTTLED, reply(), THROTTLED, THROTTLED], []

    # The second try that succeeds gives back what it took; the one after it fails, and there is nothing left.
    client.ask("GetItem", READ)
    failure_of(client)
    failure_of(client)
    assert len(wire.sent) == 5


AHEAD_S = 3600


def skewed(clock: Clock, code: str = "InvalidSignatureException", ahead_s: float = AHEAD_S, date: str = "") -> Reply:
    aws_time = datetime.fromtimestamp(clock() + ahead_s, UTC)
    there = refusal(code)
    there.headers["date"] = date or format_datetime(aws_time, usegmt=True)
    return there


def signed_at(wire: WireDouble) -> list[float]:
    texts = [sent.headers["x-amz-date"] for sent in wire.sent]
    return [datetime.strptime(text, "%Y%m%dT%H%M%S%z").timestamp() for text in texts]


@pytest.mark.parametrize("code", ["InvalidSignatureException", "RequestExpired", "RequestTimeTooSkewed"])
@pytest.mark.parametrize("ahead_s", [AHEAD_S, -AHEAD_S])
def test_clock_that_differs_is_corrected_by_the_date_of_the_answer_and_stays_so(
    client_of: Maker, clock: Clock, code: str, ahead_s: int
) -> None:
    wire = WireDouble([skewed(clock, code, ahead_s), reply(ITEM)])
    client = client_of(wire)

    assert [client.ask("GetItem", READ) for _ in range(2)] == [ITEM, ITEM]
    assert signed_at(wire) == pytest.approx([clock(), clock() + ahead_s, clock() + ahead_s], abs=1)
    assert clock.paused == []


def test_clock_is_corrected_once_a_call(client_of: Maker, clock: Clock) -> None:
    wire = WireDouble([skewed(clock), skewed(clock, ahead_s=-AHEAD_S), reply()])
    failure = failure_of(client_of(wire))

    assert isinstance(failure, AwsRefused)
    assert (failure.code, len(wire.sent)) == ("InvalidSignatureException", 2)


def test_call_that_was_signed_before_another_corrected_the_clock_is_tried_again(client_of: Maker, clock: Clock) -> None:
    def answer_both(host: str, headers: Any, body: bytes) -> Reply:
        if not wire.sent:
            # Another call is refused, corrected and answered while the first one is under way.
            wire(host, headers, body)
            assert client.ask("GetItem", READ) == ITEM
            return skewed(clock)
        return wire(host, headers, body)

    wire = WireDouble([skewed(clock), skewed(clock), reply(ITEM)])
    client = client_of(answer_both)

    assert client.ask("GetItem", READ) == ITEM


@pytest.mark.parametrize("date", ["", "yesterday", "Fri, 99 Nov 2026 99:99:99 GMT"])
def test_bad_signature_without_a_date_is_not_tried_again(client_of: Maker, clock: Clock, date: str) -> None:
    refused = skewed(clock)
    refused.headers["date"] = date
    wire = WireDouble([refused])
    failure_of(client_of(wire))

    assert len(wire.sent) == 1


def test_bad_signature_while_the_clocks_agree_is_not_tried_again(client_of: Maker, clock: Clock) -> None:
    wire = WireDouble([skewed(clock, ahead_s=200)])
    failure_of(client_of(wire))

    assert len(wire.sent) == 1


def test_credentials_that_change_in_the_process_sign_the_next_try(client_of: Maker) -> None:
    environ = dict(ENVIRON)
    wire = WireDouble([reply()])
    client = client_of(wire, environ)
    client.ask("GetItem", READ)
    environ |= {"AWS_ACCESS_KEY_ID": "AKIDNEXT", "AWS_SESSION_TOKEN": "next"}
    client.ask("GetItem", READ)

    assert [sent.headers["x-amz-security-token"] for sent in wire.sent] == ["the-token", "next"]
    assert "Credential=AKIDNEXT/" in wire.sent[1].headers["authorization"]


def test_call_without_credentials_is_not_sent(client_of: Maker, clock: Clock) -> None:
    wire = WireDouble([reply()])

    assert reason_of(client_of(wire, {"AWS_DEFAULT_REGION": "eu-west-1"})) == "NoCredentialsError"
    assert (wire.sent, clock.paused) == ([], [])


def test_secrets_stand_in_no_text_of_a_client(client_of: Maker) -> None:
    client = client_of(WireDouble([reply(ITEM)]))
    client.ask("GetItem", READ)

    for thing in (client, *vars(client).values(), client._signers["kms"], reply(ITEM)):
        assert not any(secret in repr(thing) for secret in ("the-secret", "the-token", "the-hash"))

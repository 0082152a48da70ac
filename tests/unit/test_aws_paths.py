"""The two paths to AWS send the same calls, and make the same of what comes back."""

import json
import subprocess
import sys
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from typing import Any

import botocore.session
import pytest
from botocore.client import BaseClient
from botocore.config import Config
from botocore.parsers import create_parser
from botocore.serialize import create_serializer
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.store.aws.botocore_caller import BotocoreCaller
from chalicelib.store.aws.caller import SERVICES, AwsCaller, AwsRefused, AwsUnreachable, Operation
from chalicelib.store.aws.thin_client import ThinClient
from chalicelib.store.aws.transport import KeepAlive
from tests.support.raw_server import PATIENCE_S, SILENCE, RawServer, Script, answer, raw_server
from tests.support.wire_double import WireDouble, reply

ENVIRON = {
    "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE",
    "AWS_SECRET_ACCESS_KEY": "secret",
    "AWS_SESSION_TOKEN": "token",
    "AWS_DEFAULT_REGION": "eu-west-1",
}
IMPATIENCE_S = 0.05
KEY = {"pk": {"S": "user#1"}, "sk": {"S": "profile"}}
VALUES = {
    "text": {"S": 'caf\u00e9 \U0001f511 "quoted" </script>'},
    "number": {"N": "12"},
    "yes": {"BOOL": True},
    "none": {"NULL": True},
    "bytes": {"B": b"\x00\xff"},
    "B": {"BS": [b"\x00", b"\xff"]},
    "list": {"L": [{"S": "a"}, {"M": {"B": {"B": b"\x01"}}}]},
    "texts": {"SS": ["a", "b"]},
}
WIRED = json.loads(
    json.dumps(VALUES | {"bytes": {"B": "AP8="}, "B": {"BS": ["AA==", "/w=="]}}, default=lambda _: "AQ==")
)
CALLS: list[tuple[Operation, dict[str, Any], dict[str, Any]]] = [
    ("GetItem", {"TableName": "people", "Key": KEY, "ConsistentRead": True}, {"Item": WIRED}),
    ("GetItem", {"TableName": "people", "Key": KEY}, {}),
    (
        "BatchGetItem",
        {"RequestItems": {"people": {"Keys": [KEY], "ConsistentRead": True}}},
        {"Responses": {"people": [WIRED]}, "UnprocessedKeys": {}},
    ),
    ("PutItem", {"TableName": "people", "Item": VALUES}, {}),
    (
        "UpdateItem",
        {
            "TableName": "people",
            "Key": KEY,
            "UpdateExpression": "ADD #n :one",
            "ExpressionAttributeNames": {"#n": "n"},
            "ExpressionAttributeValues": {":one": {"N": "1"}},
            "ReturnValues": "ALL_NEW",
        },
        {"Attributes": WIRED},
    ),
    ("DeleteItem", {"TableName": "people", "Key": KEY, "ConditionExpression": "attribute_exists(pk)"}, {}),
    ("Query", {"TableName": "people", "Limit": 1}, {"Items": [WIRED], "Count": 1, "LastEvaluatedKey": KEY}),
    ("Scan", {"TableName": "people"}, {"Items": [], "Count": 0, "ScannedCount": 0}),
    (
        "TransactWriteItems",
        {"TransactItems": [{"Put": {"TableName": "people", "Item": VALUES}}], "ClientRequestToken": "mine"},
        {},
    ),
    ("Sign", {"KeyId": "key", "Message": b"\x01\xff", "MessageType": "RAW"}, {"KeyId": "key", "Signature": "AP8="}),
    ("GetPublicKey", {"KeyId": "key"}, {"KeyId": "key", "PublicKey": "AP8="}),
    ("TagResource", {"KeyId": "key", "Tags": [{"TagKey": "a", "TagValue": "b"}]}, {}),
    ("GenerateDataKey", {"KeyId": "key", "KeySpec": "AES_256"}, {"Plaintext": "AP8=", "CiphertextBlob": "AA=="}),
    (
        "Decrypt",
        {"KeyId": "key", "CiphertextBlob": b"\xff", "EncryptionContext": {"gatehouse": "ada"}},
        {"Plaintext": "AP8=", "EncryptionAlgorithm": "SYMMETRIC_DEFAULT"},
    ),
]
REASONS = [{"Code": "None"}, {"Code": "ConditionalCheckFailed", "Item": WIRED, "Message": "The condition failed"}]
REFUSALS = [
    (400, {"__type": "com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException", "message": "no"}),
    (400, {"__type": "com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException", "Item": WIRED}),
    (400, {"__type": "x#TransactionCanceledException", "Message": "no", "CancellationReasons": REASONS}),
    (400, {"__type": "AccessDeniedException:http://internal.amazon.com/coral/", "Message": "no"}),
    (403, {"message": "no"}),
]


@cache
def session() -> botocore.session.Session:
    made = botocore.session.Session()
    made.set_credentials(*(ENVIRON[f"AWS_{name}"] for name in ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY", "SESSION_TOKEN")))
    return made


@contextmanager
def botocore_to(server: RawServer, read_timeout_s: float = PATIENCE_S) -> Iterator[AwsCaller]:
    """Call a server by botocore, once each."""
    config = Config(
        region_name="eu-west-1",
        read_timeout=read_timeout_s,
        retries={"total_max_attempts": 1},
        parameter_validation=False,
    )
    url, clients = f"http://127.0.0.1:{server.port}", dict[str, BaseClient]()

    def client_of(service: str) -> BaseClient:
        return clients.setdefault(service, session().create_client(service, endpoint_url=url, config=config))

    yield BotocoreCaller(client_of)
    for client in clients.values():
        client.close()


@contextmanager
def thin_to(server: RawServer, read_timeout_s: float = PATIENCE_S) -> Iterator[AwsCaller]:
    """Call a server by the thin path, once each."""
    transport = KeepAlive(server.connect, read_timeout_s)
    yield ThinClient(transport, ENVIRON, lambda pause_s: pause_s == 0)
    for service in SERVICES.values():
        transport.close_idle(f"{service}.eu-west-1.amazonaws.com")


PATHS = [thin_to, botocore_to]


def in_json(body: Mapping[str, Any], status: int = 200) -> bytes:
    raw = json.dumps(body).encode()
    return answer(raw, status, x_amz_crc32=str(zlib.crc32(raw)))


@pytest.mark.parametrize(("operation", "parameters", "body"), CALLS)
def test_both_paths_send_the_same_call_and_read_the_same_answer(
    operation: Operation, parameters: dict[str, Any], body: dict[str, Any]
) -> None:
    answers, sent = [], []
    for path in PATHS:
        with raw_server((in_json(body),)) as server, path(server) as caller:
            answers.append(caller.ask(operation, parameters))
        ((head, content),) = server.requests[0]
        lines = dict(line.lower().split(b": ", 1) for line in head.strip().split(b"\r\n")[1:])
        told = {name: lines[name] for name in (b"content-type", b"x-amz-target", b"x-amz-security-token")}
        sent.append((told, json.loads(content)))

    assert answers[0] == answers[1]
    assert sent[0] == sent[1]


TEXT = st.text(max_size=8)
BYTES = st.binary(max_size=8)
# The names of types are names of attributes too.
NAMES = TEXT | st.sampled_from(["B", "BS", "S", "M", "L"])
LEAVES: st.SearchStrategy[dict[str, Any]] = (
    st.builds(dict, S=TEXT)
    | st.builds(dict, N=st.integers().map(str))
    | st.builds(dict, BOOL=st.booleans())
    | st.builds(dict, NULL=st.just(True))
    | st.builds(dict, B=BYTES)
    | st.builds(dict, BS=st.lists(BYTES, min_size=1, max_size=3))
    | st.builds(dict, SS=st.lists(TEXT, min_size=1, max_size=3))
)
ATTRIBUTES: st.SearchStrategy[dict[str, Any]] = st.recursive(
    LEAVES,
    lambda inner: (
        st.builds(dict, L=st.lists(inner, max_size=3)) | st.builds(dict, M=st.dictionaries(NAMES, inner, max_size=3))
    ),
    max_leaves=8,
)
ITEMS = st.dictionaries(NAMES, ATTRIBUTES, max_size=4)


@given(item=ITEMS)
def test_item_of_any_form_is_written_and_read_as_by_botocore(item: dict[str, Any]) -> None:
    wire = WireDouble([reply()])
    client = ThinClient(wire, ENVIRON, lambda pause_s: pause_s == 0)
    client.ask("PutItem", {"TableName": "people", "Item": item})
    model = session().get_service_model("dynamodb")
    serializer = create_serializer(model.metadata["protocol"], include_validation=False)
    theirs = serializer.serialize_to_request({"TableName": "people", "Item": item}, model.operation_model("PutItem"))

    assert wire.sent[0].parameters == json.loads(theirs["body"])
    stored = reply({"Item": wire.sent[0].parameters["Item"]})
    wire.answers = [stored]
    parser, shape = create_parser(model.metadata["protocol"]), model.operation_model("GetItem").output_shape
    assert shape
    parsed = parser.parse({"body": stored.body, "headers": {}, "status_code": 200}, shape)
    assert client.ask("GetItem", {}) == {"Item": parsed["Item"]} == {"Item": item}


def refusal_by(path: Any, status: int, body: dict[str, Any]) -> tuple[str, dict[str, Any], int]:
    with (
        raw_server((in_json(body, status),)) as server,
        path(server) as caller,
        pytest.raises(AwsRefused) as refused,
    ):
        caller.ask("TransactWriteItems" if "CancellationReasons" in body else "PutItem", {})
    return refused.value.code, refused.value.body, refused.value.status


@pytest.mark.parametrize(("status", "body"), REFUSALS)
def test_both_paths_read_the_same_refusal(status: int, body: dict[str, Any]) -> None:
    thin, by_botocore = (refusal_by(path, status, body) for path in PATHS)

    assert thin == by_botocore


@pytest.mark.parametrize(
    ("script", "patience_s", "reason"),
    [((SILENCE,), IMPATIENCE_S, "ReadTimeoutError"), ((b"",), PATIENCE_S, "ConnectionClosedError")],
)
@pytest.mark.parametrize("path", PATHS)
def test_both_paths_have_the_same_word_for_an_answer_that_does_not_come(
    path: Any, script: Script, patience_s: float, reason: str
) -> None:
    with (
        raw_server(script) as server,
        path(server, patience_s) as caller,
        pytest.raises(AwsUnreachable) as failure,
    ):
        caller.ask("GetItem", {})

    assert failure.value.reason == reason


def test_botocore_also_sends_messages() -> None:
    published = b"<PublishResponse><PublishResult><MessageId>1</MessageId></PublishResult></PublishResponse>"
    with raw_server((answer(published),), (answer(b'{"MessageId":"2"}'),)) as server, botocore_to(server) as caller:
        assert isinstance(caller, BotocoreCaller)
        assert caller.ask("Publish", {"PhoneNumber": "+4915112345678", "Message": "1"}) == {"MessageId": "1"}
        assert caller.ask("SendEmail", {"FromEmailAddress": "a@example.com", "Content": {}}) == {"MessageId": "2"}


ALONE = """
import socket, sys
from chalicelib.store.aws.environment import needs_botocore
from chalicelib.store.aws.thin_client import ThinClient
from chalicelib.store.aws.transport import KeepAlive

def names():
    return sorted({name.partition(".")[0] for name in sys.modules} & set(sys.argv[2].split()))

environ = {"AWS_ACCESS_KEY_ID": "id", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_DEFAULT_REGION": "eu-west-1"}
assert needs_botocore(environ, lambda _: None) is None
transport = KeepAlive(lambda _: socket.create_connection(("127.0.0.1", int(sys.argv[1]))), 10)
client = ThinClient(transport, environ, lambda _: True)
print("imported", names())
client.ask("GetItem", {})
print("called", names())
"""


def test_call_of_the_thin_path_imports_neither_botocore_nor_http() -> None:
    names = "botocore boto3 urllib3 jmespath s3transfer http email ssl"
    with raw_server((answer(b"{}"),)) as server:
        command = [sys.executable, "-W", "ignore", "-c", ALONE, str(server.port), names]
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)

    assert done.stdout.splitlines() == ["imported []", "called []"]

"""The gateway look-alike through real HTTP on loopback."""

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from http.client import HTTPConnection
from typing import Any

import httpx
import pytest

from infra.gateway.app import Gateway, GatewayConfig, Invoke, LambdaContext, Observe, Receive, Send, ServedRequest
from infra.gateway.proxy_event import GatewayStage
from tests.support.limits import WAIT_S
from tests.support.server import serving

Event = dict[str, Any]

ROUTES = {"/token": ("GET", "HEAD", "POST"), "/users/{id}": ("GET",), "/users/me": ("GET",)}
CONFIG = GatewayConfig(ROUTES)
OWN_HEADERS = {
    "content-type": "application/json",
    "cache-control": "no-store",
    "pragma": "no-cache",
    "strict-transport-security": "max-age=31536000",
    "x-content-type-options": "nosniff",
}


def echo(event: Event, context: LambdaContext) -> Event:
    return {"statusCode": 200, "body": json.dumps(event)}


def answering(result: object) -> Invoke:
    return lambda event, context: result


@dataclass
class Start:
    """One running server, whose gateway each test sets for itself."""

    client: httpx.Client
    gateway: Gateway | None = None

    def __call__(
        self, invoke: Invoke, config: GatewayConfig = CONFIG, observe: Observe = lambda served: None
    ) -> httpx.Client:
        """Put the handler behind a gateway and return a client of it."""
        self.gateway = Gateway(invoke, config, observe)
        return self.client

    async def app(self, scope: Mapping[str, Any], receive: Receive, send: Send) -> None:
        """Answer by the gateway of the test that runs."""
        assert self.gateway
        await self.gateway(scope, receive, send)


@pytest.fixture(scope="module")
def start() -> Iterator[Start]:
    """Serve what the tests start, until the last of them."""
    limits = httpx.Limits(max_connections=64)
    with httpx.Client(limits=limits, timeout=WAIT_S) as client:
        started = Start(client)
        with serving(started.app) as port:
            client.base_url = httpx.URL(f"http://127.0.0.1:{port}")
            yield started


def connected(client: httpx.Client) -> closing[HTTPConnection]:
    return closing(HTTPConnection(client.base_url.host, client.base_url.port, timeout=WAIT_S))


def test_form_post_reaches_the_handler_as_a_proxy_event(start: Start) -> None:
    client = start(echo, GatewayConfig(ROUTES, GatewayStage("dev", "/dev", "api.example.com", "abc123")))
    event = client.post("/dev/token?a=1", data={"grant_type": "password"}, headers={"User-Agent": "tests"}).json()
    context = event["requestContext"]
    assert (event["resource"], event["path"], event["httpMethod"]) == ("/token", "/token", "POST")
    assert (event["body"], event["isBase64Encoded"]) == ("grant_type=password", False)
    assert (event["pathParameters"], event["stageVariables"]) == (None, None)
    assert event["headers"]["Content-Type"] == "application/x-www-form-urlencoded"
    assert (context["stage"], context["apiId"], context["domainName"]) == ("dev", "abc123", "api.example.com")
    assert (context["path"], context["resourcePath"], context["httpMethod"]) == ("/dev/token", "/token", "POST")
    assert (context["identity"]["sourceIp"], context["identity"]["userAgent"]) == ("127.0.0.1", "tests")
    assert context["protocol"] == "HTTP/1.1"


def test_request_without_query_and_body_has_nulls_in_its_event(start: Start) -> None:
    event = start(echo).get("/token").json()
    assert event["queryStringParameters"] is None
    assert event["multiValueQueryStringParameters"] is None
    assert event["body"] is None


def test_each_request_gets_an_id_of_its_own_that_the_answer_names(start: Start) -> None:
    client = start(echo)
    first, second = client.get("/token"), client.get("/token")
    assert first.headers["x-amzn-requestid"] == first.json()["requestContext"]["requestId"]
    assert first.headers["x-amzn-requestid"] != second.headers["x-amzn-requestid"]


def test_repeated_query_parameter_keeps_all_values_and_the_last_one_wins(start: Start) -> None:
    event = start(echo).get("/token?a=1&b=&a=2+%C3%A9").json()
    assert event["queryStringParameters"] == {"a": "2 é", "b": ""}
    assert event["multiValueQueryStringParameters"] == {"a": ["1", "2 é"], "b": [""]}


def test_repeated_header_keeps_all_values_and_the_last_one_wins(start: Start) -> None:
    event = start(echo).get("/token", headers=[("X-Twice", "1"), ("x-twice", "2")]).json()
    assert event["headers"]["X-Twice"] == "2"
    assert event["multiValueHeaders"]["X-Twice"] == ["1", "2"]


def test_forged_forwarding_headers_change_neither_the_source_address_nor_the_scheme(start: Start) -> None:
    forged = {"X-Forwarded-For": "203.0.113.9", "X-Forwarded-Proto": "https", "X-Forwarded-Port": "1"}
    client = start(echo)
    event = client.get("/token", headers=forged).json()
    assert event["requestContext"]["identity"]["sourceIp"] == "127.0.0.1"
    assert event["headers"]["X-Forwarded-For"] == "203.0.113.9, 127.0.0.1"
    assert event["headers"]["X-Forwarded-Proto"] == "http"
    assert event["headers"]["X-Forwarded-Port"] == str(client.base_url.port)


def test_connection_headers_are_not_handed_on(start: Start) -> None:
    event = start(echo).post("/token", content=b"x", headers={"TE": "trailers"}).json()
    assert not {"Connection", "Content-Length", "Te"} & set(event["headers"])


def test_path_parameter_arrives_decoded_under_its_own_name(start: Start) -> None:
    event = start(echo).get("/users/auth0%7C1%2F2").json()
    assert event["pathParameters"] == {"id": "auth0|1/2"}
    assert (event["resource"], event["path"]) == ("/users/{id}", "/users/auth0%7C1%2F2")


def test_literal_path_is_preferred_to_a_parameter(start: Start) -> None:
    assert start(echo).get("/users/me").json()["resource"] == "/users/me"


def test_slash_at_the_end_is_overlooked(start: Start) -> None:
    assert start(echo).get("/token/").json()["resource"] == "/token"


def test_body_that_is_no_utf8_arrives_with_replacement_characters(start: Start) -> None:
    assert start(echo).post("/token", content=b"a=\xff").json()["body"] == "a=\ufffd"


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/nothing"), ("DELETE", "/token"), ("GET", "/users"), ("GET", "/users/a/b"), ("GET", "//token")],
)
def test_unknown_path_or_method_is_answered_without_the_handler(start: Start, method: str, path: str) -> None:
    calls: list[Event] = []
    client = start(lambda event, context: calls.append(event))
    answer = client.request(method, f"{client.base_url}{path}", headers={"Authorization": "Basic Zm9vOmJhcg=="})
    assert answer.status_code == 404
    assert answer.json() == {"error": "not_found", "error_description": "No such path."}
    assert OWN_HEADERS.items() <= dict(answer.headers).items()
    assert answer.headers["x-request-id"] == answer.headers["x-amzn-requestid"]
    assert calls == []


def test_path_outside_of_the_stage_is_unknown(start: Start) -> None:
    client = start(echo, GatewayConfig(ROUTES, GatewayStage("dev", "/dev")))
    assert [client.get(path).status_code for path in ("/token", "/devtoken", "/dev")] == [404, 404, 404]


def chunks(count: int) -> Iterator[bytes]:
    return (bytes(1024) for _ in range(count))


@pytest.mark.parametrize("body", [lambda: bytes(300 * 1024), lambda: chunks(300)], ids=["declared", "chunked"])
def test_oversized_body_is_refused_without_the_handler(start: Start, body: Callable[[], bytes]) -> None:
    calls: list[Event] = []
    client = start(lambda event, context: calls.append(event), GatewayConfig(ROUTES, max_body_bytes=100 * 1024))
    answer = client.post("/token", content=body())
    assert (answer.status_code, answer.json()["error"]) == (413, "invalid_request")
    assert OWN_HEADERS.items() <= dict(answer.headers).items()
    assert answer.headers["connection"] == "close"
    assert calls == []


def test_body_of_just_the_limit_is_accepted(start: Start) -> None:
    answer = start(echo, GatewayConfig(ROUTES, max_body_bytes=2048)).post("/token", content=b"x" * 2048)
    assert answer.json()["body"] == "x" * 2048


def test_limit_is_the_ten_mebibytes_of_api_gateway() -> None:
    assert GatewayConfig(ROUTES).max_body_bytes == 10_485_760


def test_huge_body_that_never_comes_is_answered_all_the_same(start: Start) -> None:
    with connected(start(echo, GatewayConfig(ROUTES, drain_s=0.05))) as connection:
        connection.putrequest("POST", "/token")
        connection.putheader("Content-Length", str(10**12))
        connection.endheaders()
        assert connection.getresponse().status == 413


def test_client_that_hangs_up_within_its_body_never_reaches_the_handler(start: Start) -> None:
    calls: list[str] = []

    def record(event: Event, context: LambdaContext) -> Event:
        calls.append(event["body"])
        return echo(event, context)

    client = start(record)
    with connected(client) as connection:
        connection.putrequest("POST", "/token")
        connection.putheader("Content-Length", "10")
        connection.endheaders(b"half")
    client.post("/token", content=b"whole")
    assert calls == ["whole"]


def leave(event: Event, context: LambdaContext) -> object:
    raise SystemExit(3)


def crash(event: Event, context: LambdaContext) -> object:
    raise ValueError("a secret")


@pytest.mark.parametrize(
    "handler",
    [
        crash,
        leave,
        answering(None),
        answering({}),
        answering({"statusCode": "nonsense"}),
        answering({"statusCode": 99}),
        answering({"statusCode": 200, "body": {"not": "text"}}),
        answering({"statusCode": 200, "body": "\ud800"}),
        answering({"statusCode": 200, "headers": ["a"]}),
        answering({"statusCode": 200, "headers": {"X": None}}),
        answering({"statusCode": 200, "headers": {"X": "a\r\nSet-Cookie: b"}}),
        answering({"statusCode": 200, "headers": {"X Y": "a"}}),
        answering({"statusCode": 200, "multiValueHeaders": {"X": "a"}}),
    ],
)
def test_crash_or_malformed_answer_becomes_a_bland_502(start: Start, handler: Invoke) -> None:
    client = start(handler)
    answer = client.get("/token")
    assert answer.status_code == 502
    assert answer.json() == {"error": "server_error", "error_description": "The request could not be completed."}
    assert OWN_HEADERS.items() <= dict(answer.headers).items()
    assert client.get("/token").status_code == 502


def test_handler_past_the_time_limit_is_answered_for(start: Start) -> None:
    released = threading.Event()
    client = start(lambda event, context: released.wait(WAIT_S), GatewayConfig(ROUTES, timeout_s=0.05))
    answer = client.get("/token")
    released.set()
    assert (answer.status_code, answer.json()["error"]) == (503, "temporarily_unavailable")
    assert answer.headers["retry-after"] == "1"


def test_handler_is_told_the_time_it_has_left(start: Start) -> None:
    def remaining(event: Event, context: LambdaContext) -> Event:
        return {"statusCode": 200, "body": str(context.get_remaining_time_in_millis())}

    assert 0 < int(start(remaining, GatewayConfig(ROUTES, timeout_s=20)).get("/token").text) <= 20_000


def test_connection_is_kept_for_the_next_request(start: Start) -> None:
    bodies, sockets = [], []
    with connected(start(echo)) as connection:
        for _ in range(3):
            connection.request("GET", "/token")
            sockets.append(connection.sock)
            bodies.append(connection.getresponse().read())
    assert sockets == [sockets[0]] * 3
    assert all(json.loads(body)["path"] == "/token" for body in bodies)


def test_connection_outlives_a_request_that_was_refused_and_one_that_crashed(start: Start) -> None:
    statuses, sockets = [], []
    with connected(start(crash)) as connection:
        for method, path in (("GET", "/nothing"), ("POST", "/token"), ("GET", "/nothing")):
            connection.request(method, path, body=b"x=1")
            sockets.append(connection.sock)
            with connection.getresponse() as answer:
                statuses.append(answer.status)
                answer.read()
    assert statuses == [404, 502, 404]
    assert sockets == [sockets[0]] * 3


def test_head_is_answered_without_a_body_and_keeps_the_connection(start: Start) -> None:
    with connected(start(answering({"statusCode": 200, "body": "12345"}))) as connection:
        connection.request("HEAD", "/token")
        head = connection.getresponse()
        assert (head.status, head.getheader("Content-Length"), head.read()) == (200, "5", b"")
        connection.request("GET", "/token")
        assert connection.getresponse().read() == b"12345"


def test_content_length_of_the_handler_never_stands_beside_the_right_one(start: Start) -> None:
    headers = {"Content-Length": "999", "content-length": "1", "Transfer-Encoding": "chunked", "Connection": "close"}
    answer = start(answering({"statusCode": 200, "headers": headers, "body": "é"})).get("/token")
    assert answer.headers.get_list("content-length") == ["2"]
    assert "transfer-encoding" not in answer.headers
    assert "connection" not in answer.headers
    assert answer.text == "é"


def test_answer_without_content_is_sent_without_a_length(start: Start) -> None:
    answer = start(answering({"statusCode": 204, "body": "ignored"})).get("/token")
    assert (answer.status_code, answer.content) == (204, b"")
    assert "content-length" not in answer.headers


def test_both_kinds_of_headers_are_merged_and_the_multiple_ones_win(start: Start) -> None:
    result = {
        "statusCode": 401,
        "headers": {"WWW-Authenticate": "Basic", "Set-Cookie": "c=3", "Retry-After": 5},
        "multiValueHeaders": {"set-cookie": ["a=1", "b=2"]},
    }
    answer = start(answering(result)).get("/token")
    assert answer.headers.get_list("set-cookie") == ["a=1", "b=2"]
    assert (answer.headers["www-authenticate"], answer.headers["retry-after"]) == ("Basic", "5")


def test_sixty_four_requests_run_at_once(start: Start) -> None:
    barrier = threading.Barrier(64)

    def meet(event: Event, context: LambdaContext) -> Event:
        barrier.wait(WAIT_S)
        return {"statusCode": 200, "body": event["queryStringParameters"]["n"]}

    client = start(meet)
    with ThreadPoolExecutor(64) as threads:
        answers = list(threads.map(lambda n: client.get(f"/token?n={n}"), range(64)))
    assert [answer.text for answer in answers] == [str(n) for n in range(64)]


def test_observer_is_told_of_every_answer(start: Start) -> None:
    seen: list[ServedRequest] = []
    told = threading.Semaphore(0)

    def observe(served: ServedRequest) -> None:
        seen.append(served)
        told.release()

    client = start(echo, CONFIG, observe)
    ids = [client.get(path).headers["x-amzn-requestid"] for path in ("/token?secret=1", "/nothing")]
    assert all(told.acquire(timeout=WAIT_S) for _ in ids)
    assert [(s.method, s.path, s.status, s.request_id) for s in seen] == [
        ("GET", "/token", 200, ids[0]),
        ("GET", "/nothing", 404, ids[1]),
    ]
    assert all(0 < served.duration_ms < WAIT_S * 1000 for served in seen)

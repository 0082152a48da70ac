"""Emulate an API Gateway REST API in front of one Lambda function, as an ASGI application.

The local run and the deploy tests put it before the real handler; serving.py opens the port. It follows AWS's
documents, for text bodies only, without authorizers and without preflights of its own.
"""

import asyncio
import logging
import time
import uuid
from collections.abc import Awaitable, Callable, Collection, Mapping, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import unquote

from infra.gateway.proxy_event import (
    BODILESS,
    GatewayStage,
    HttpAnswer,
    HttpRequest,
    MalformedAnswer,
    http_answer,
    proxy_event,
)
from infra.gateway.responses import GatewayResponse, load_gateway_responses

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

BAD_GATEWAY = 502
# Parts of a refused body that are still read. A client that is cut off while it writes never reads its answer.
DRAIN_PARTS = 1024

logger = logging.getLogger(__name__)


class BodyTooLarge(Exception):
    """The request's body is over the limit."""


class ClientGone(Exception):
    """The client closed the connection before its request was complete."""


@dataclass(frozen=True, slots=True)
class LambdaContext:
    """The part of Lambda's context object that a handler uses. ends_at: seconds of the monotonic clock."""

    aws_request_id: str
    function_name: str
    ends_at: float

    def get_remaining_time_in_millis(self) -> int:
        """Return the milliseconds until the invocation is cut off, never below 0."""
        return max(0, int((self.ends_at - time.monotonic()) * 1000))


@dataclass(frozen=True, slots=True)
class ServedRequest:
    """One answered request. path: as sent, without the query."""

    method: str
    path: str
    status: int
    duration_ms: float
    request_id: str


Invoke = Callable[[dict[str, Any], LambdaContext], object]
Observe = Callable[[ServedRequest], None]


@dataclass(frozen=True, slots=True)
class GatewayConfig:
    """The application and the limits of one gateway.

    routes: the methods of each resource, as {"/users/{id}": ("GET",)}; a Chalice app's `routes` is of this form.
    responses: API Gateway's own answers. parallel: the number of requests that are handled at once; others wait.
    timeout_s: the integration timeout. max_body_bytes: API Gateway's limit, not the application's.
    drain_s: seconds for which a body over that limit is still read before the refusal.
    """

    routes: Mapping[str, Collection[str]]
    stage: GatewayStage = field(default_factory=GatewayStage)
    responses: Mapping[str, GatewayResponse] = field(default_factory=load_gateway_responses)
    parallel: int = 64
    timeout_s: float = 29.0
    max_body_bytes: int = 10 * 1024 * 1024
    drain_s: float = 2.0


@dataclass(frozen=True, slots=True)
class _Route:
    resource: str
    segments: tuple[str, ...]
    methods: frozenset[str]

    def parameters_of(self, segments: tuple[str, ...]) -> dict[str, str] | None:
        """Return the decoded path parameters, or None if the path is not this route's."""
        if len(segments) != len(self.segments):
            return None
        pairs = list(zip(self.segments, segments, strict=True))
        if any(ours != theirs for ours, theirs in pairs if not _is_parameter(ours)):
            return None
        return {ours[1:-1]: unquote(theirs) for ours, theirs in pairs if _is_parameter(ours)}


class Gateway:
    """The ASGI application. Each request is one call of invoke, in a thread of its own."""

    def __init__(self, invoke: Invoke, config: GatewayConfig, observe: Observe = lambda served: None) -> None:
        """invoke: the handler, `app(event, context)`; its exceptions become a 502. observe: takes each answer."""
        self._invoke = invoke
        self._config = config
        self._observe = observe
        self._threads = ThreadPoolExecutor(config.parallel, thread_name_prefix="lambda")
        routes = [_Route(path, _segments(path), frozenset(methods)) for path, methods in config.routes.items()]
        # API Gateway prefers a literal segment to a parameter.
        self._routes = sorted(routes, key=lambda route: sum(map(_is_parameter, route.segments)))

    async def __call__(self, scope: Mapping[str, Any], receive: Receive, send: Send) -> None:
        """Answer one HTTP request. Source: the ASGI specification, HTTP 2.3."""
        started, request_id = time.perf_counter(), str(uuid.uuid4())
        close = False
        try:
            answer = await self._answer(await self._request(scope, receive, request_id))
        except ClientGone:
            return
        except BodyTooLarge:
            answer, close = self._gateway_answer("REQUEST_TOO_LARGE", request_id), True
        await _send(send, answer, [("x-amzn-RequestId", request_id), *([("Connection", "close")] if close else [])])
        duration_ms = (time.perf_counter() - started) * 1000
        self._observe(ServedRequest(scope["method"], _path(scope), answer.status, duration_ms, request_id))

    async def _request(self, scope: Mapping[str, Any], receive: Receive, request_id: str) -> HttpRequest:
        headers = tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"])
        return HttpRequest(
            request_id=request_id,
            method=scope["method"],
            path=_path(scope),
            query=scope["query_string"].decode("latin-1"),
            headers=headers,
            body=await self._body(receive, dict(headers).get("content-length", "")),
            peer=(scope["client"] or ("127.0.0.1",))[0],
            scheme=scope["scheme"],
            port=scope["server"][1],
            protocol=f"HTTP/{scope['http_version']}",
        )

    async def _body(self, receive: Receive, declared: str) -> bytes:
        limit, body, more = self._config.max_body_bytes, bytearray(), True
        is_refused = declared.isdigit() and int(declared) > limit
        while more and not is_refused:
            part, more = await _part(receive)
            body += part
            is_refused = len(body) > limit
        if is_refused:
            await self._drain(receive, more)
            raise BodyTooLarge
        return bytes(body)

    async def _drain(self, receive: Receive, more: bool) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(self._config.drain_s):
                for _ in range(DRAIN_PARTS):
                    if not more:
                        return
                    _, more = await _part(receive)

    async def _answer(self, request: HttpRequest) -> HttpAnswer:
        event = self._event(request)
        if event is None:
            return self._gateway_answer("MISSING_AUTHENTICATION_TOKEN", request.request_id)
        context = LambdaContext(str(uuid.uuid4()), "gatehouse", time.monotonic() + self._config.timeout_s)
        running = asyncio.get_running_loop().run_in_executor(self._threads, self._invoke_function, event, context)
        try:
            return http_answer(await asyncio.wait_for(running, self._config.timeout_s))
        except TimeoutError:
            return self._gateway_answer("INTEGRATION_TIMEOUT", request.request_id)
        except MalformedAnswer as fault:
            logger.error("Malformed Lambda proxy response to %s: %s", request.request_id, fault)
            return self._gateway_answer("DEFAULT_5XX", request.request_id)

    def _event(self, request: HttpRequest) -> dict[str, Any] | None:
        """Return the event for the function, or None if the API has no such path or method."""
        base_path = self._config.stage.base_path
        if not request.path.startswith(base_path + "/"):
            return None
        inside = replace(request, path=request.path.removeprefix(base_path))
        for route in self._routes:
            parameters = route.parameters_of(_segments(inside.path))
            if parameters is not None:
                known = request.method in route.methods
                return proxy_event(inside, route.resource, parameters, self._config.stage) if known else None
        return None

    def _invoke_function(self, event: dict[str, Any], context: LambdaContext) -> object:
        try:
            return self._invoke(event, context)
        except (
            BaseException
        ):  # SystemExit among them: it ends one environment in Lambda, and would end the server here.
            logger.exception("The handler crashed.")
            return None

    def _gateway_answer(self, kind: str, request_id: str) -> HttpAnswer:
        """Return API Gateway's own answer of this response type."""
        response = self._config.responses[kind]
        headers = {"Content-Type": "application/json", **response.headers_for({"requestId": request_id})}
        return HttpAnswer(response.status or BAD_GATEWAY, tuple(headers.items()), response.body.encode())


def _is_parameter(segment: str) -> bool:
    return segment.startswith("{")


def _segments(path: str) -> tuple[str, ...]:
    """Return the segments of a path; API Gateway ignores one slash at the end."""
    return tuple(path.removesuffix("/").split("/")[1:])


def _path(scope: Mapping[str, Any]) -> str:
    return str(scope["raw_path"].decode("latin-1"))


async def _part(receive: Receive) -> tuple[bytes, bool]:
    """Return the next part of the body, and whether more follows. Raises ClientGone."""
    message = await receive()
    if message["type"] != "http.request":
        raise ClientGone
    return message.get("body", b""), message.get("more_body", False)


async def _send(send: Send, answer: HttpAnswer, added: list[tuple[str, str]]) -> None:
    length = [] if answer.status in BODILESS else [("Content-Length", str(len(answer.body)))]
    headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in (*answer.headers, *added, *length)]
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body})

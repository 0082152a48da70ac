"""AWS calls as they go over the wire: each try of each call, seen and spoilt, on whichever path it goes.

On the thin path a try passes its transport; on botocore's, which sends the messages of both, its `before-send`.
"""

import json
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

import botocore.exceptions
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from moto.core.botocore_stubber import MockRawResponse

from chalicelib.store.aws.caller import AwsUnreachable
from chalicelib.store.aws.http_reply import Reply
from infra.stage.aws import Stage
from tests.support.function_aws import OpenCaller, OpenTransport

NOWHERE = "https://aws.invalid/"


@dataclass(frozen=True)
class Call:
    """One call. name: what it does to which items, the same in every run of a flow. params: as sent."""

    name: str
    service: str
    operation: str
    params: dict[str, Any] = field(repr=False)


@dataclass(frozen=True)
class Try:
    """One try of a call. number: counted from 1. mark: is the same for all tries of the call, and for no other."""

    call: Call
    number: int
    mark: object = field(repr=False)

    def answered(self, status: int, body: str, **headers: str) -> Reply:
        """Return an answer to this try in AWS's place."""
        return Reply(status, headers, body.encode())


# What becomes of a try: None lets it be, an answer is AWS's, and AwsUnreachable is the connection's.
Act = Callable[[Try], Reply | None]


def nothing(_: Try) -> None:
    """Let a try be."""
    return None


@dataclass
class Wire:
    """The calls of one process. before: acts instead of AWS. after: acts when AWS has done the call."""

    before: Act = nothing
    after: Act = nothing
    tries: list[Try] = field(default_factory=list)
    _names: Counter[str] = field(default_factory=Counter)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def calls(self) -> list[Call]:
        """The calls in the order that they were first tried in."""
        return [one.call for one in self.tries if one.number == 1]

    def note(self, mark: object, service: str, operation: str, body: bytes | str) -> Try:
        """Return the try that begins, as one more of those with the same mark."""
        with self._lock:
            earlier = [one for one in self.tries if one.mark == mark]
            call = earlier[0].call if earlier else self._new(service, operation, body)
            self.tries.append(Try(call, len(earlier) + 1, mark))
            return self.tries[-1]

    def _new(self, service: str, operation: str, body: bytes | str) -> Call:
        # SNS alone takes a form, and tells nothing of items.
        params = {} if service == "sns" else json.loads(body)
        name = " ".join([operation, *_items(params)])
        self._names[name] += 1
        name = name if self._names[name] == 1 else f"{name} {self._names[name]}"
        return Call(name, service, operation, params)


@contextmanager
def watching(stage: Stage, before: Act = nothing, after: Act = nothing) -> Iterator[Wire]:
    """See, and spoil, every try that is made inside this block by a stage's functions, or by its clients."""
    wire, caller = Wire(before, after), stage.aws.caller
    with ExitStack() as watched:
        if not isinstance(caller, OpenCaller):
            clients: list[Any] = [stage.clients.dynamodb, stage.clients.kms, stage.clients.sns()]
        elif caller.transport:
            watched.enter_context(_watching_transport(caller.transport, wire))
            clients = [caller.by_botocore().client_of("sns")]
        else:
            clients = [caller.by_botocore().client_of(service) for service in ("dynamodb", "kms", "sns")]
        for client in clients:
            watched.enter_context(_watching_events(client.meta.events, wire))
        yield wire


@contextmanager
def _watching_transport(transport: OpenTransport, wire: Wire) -> Iterator[None]:
    bodies: list[bytes] = []

    def around(host: str, headers: Mapping[str, str], body: bytes, send: Callable[[], Reply]) -> Reply:
        # All tries of a call send the same object, which is kept, as another could get its id otherwise.
        bodies.append(body)
        one = wire.note(id(body), host.partition(".")[0], headers["x-amz-target"].partition(".")[2], body)
        answer = wire.before(one) or send()
        return wire.after(one) or answer

    assert transport.around is None
    transport.around = around
    try:
        yield
    finally:
        transport.around = None


@contextmanager
def _watching_events(events: Any, wire: Wire) -> Iterator[None]:
    def going(request: AWSPreparedRequest, event_name: str, **_: Any) -> AWSResponse | None:
        service, operation = event_name.split(".")[1:]
        one = wire.note(_invocation(request), service, operation, _text(request.body))
        return _answer(request, wire.before, one)

    def gone(request: AWSPreparedRequest, **_: Any) -> AWSResponse | None:
        mark = _invocation(request)
        return _answer(request, wire.after, next(one for one in reversed(wire.tries) if one.mark == mark))

    events.register_first("before-send", going, unique_id="going")
    events.register_last("before-send", gone, unique_id="gone")
    try:
        yield
    finally:
        events.unregister("before-send", unique_id="going")
        events.unregister("before-send", unique_id="gone")


def _answer(request: AWSPreparedRequest, act: Act, one: Try) -> AWSResponse | None:
    """Return what an act comes to in botocore's terms, and keep moto, whose handler runs in any case, from the call."""
    try:
        reply = act(one)
    except AwsUnreachable as failure:
        raise getattr(botocore.exceptions, failure.reason)(endpoint_url=NOWHERE) from failure
    if reply is None:
        return None
    request.url = NOWHERE
    raw = MockRawResponse(reply.body.decode())
    return AWSResponse(NOWHERE, reply.status, reply.headers, raw)  # type: ignore[arg-type]  # moto's own stand-in for a connection


def _items(params: dict[str, Any]) -> list[str]:
    """Return whose items a call is about: the table, without stage and realm, and what its key begins with."""
    tables = sorted(_table(name) for name in params.get("RequestItems", {}))
    key = params.get("Key") or params.get("Item") or {}
    heads = [key[name]["S"].partition("#")[0] for name in ("pk", "sk") if name in key]
    if "TableName" in params:
        tables = [_table(params["TableName"])]
    return [*tables, "/".join(heads)] if heads else tables


def _table(name: str) -> str:
    return name.split("-")[2]


def _invocation(request: AWSPreparedRequest) -> str:
    return _text(request.headers["amz-sdk-invocation-id"])


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)

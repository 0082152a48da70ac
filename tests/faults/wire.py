"""AWS calls as they go over the wire: each try of each call, seen and spoilt by botocore's `before-send`."""

import json
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from moto.core.botocore_stubber import MockRawResponse

from chalicelib.store.aws.calls import Aws

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
    """One try of a call. number: counted from 1. request: what goes to AWS unless an answer is made here."""

    call: Call
    number: int
    request: AWSPreparedRequest = field(repr=False)

    def answered(self, status: int, body: str, **headers: str) -> AWSResponse:
        """Return an answer to this try, and keep moto, whose handler runs in any case, from the call."""
        self.request.url = NOWHERE
        return AWSResponse(NOWHERE, status, headers, MockRawResponse(body))  # type: ignore[arg-type]  # moto's own stand-in for a connection


# What becomes of a try: None lets it be, an answer is AWS's, and an exception is the connection's.
Act = Callable[[Try], AWSResponse | None]


def nothing(_: Try) -> None:
    """Let a try be."""
    return None


@dataclass
class Wire:
    """The calls of one pair of clients. before: acts instead of AWS. after: acts when AWS has done the call."""

    before: Act = nothing
    after: Act = nothing
    tries: list[Try] = field(default_factory=list)
    _names: Counter[str] = field(default_factory=Counter)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def calls(self) -> list[Call]:
        """The calls in the order that they were first tried in."""
        return [one.call for one in self.tries if one.number == 1]

    def going(self, request: AWSPreparedRequest, event_name: str, **_: Any) -> AWSResponse | None:
        return self.before(self._noted(request, event_name))

    def gone(self, request: AWSPreparedRequest, **_: Any) -> AWSResponse | None:
        return self.after(next(one for one in reversed(self.tries) if one.request is request))

    def _noted(self, request: AWSPreparedRequest, event_name: str) -> Try:
        with self._lock:
            earlier = [one for one in self.tries if _invocation(one.request) == _invocation(request)]
            call = earlier[0].call if earlier else self._new(request, event_name)
            self.tries.append(Try(call, len(earlier) + 1, request))
            return self.tries[-1]

    def _new(self, request: AWSPreparedRequest, event_name: str) -> Call:
        _, service, operation = event_name.split(".")
        # SNS alone takes a form, and tells nothing of items.
        params = {} if service == "sns" else json.loads(_text(request.body))
        name = " ".join([operation, *_items(params)])
        self._names[name] += 1
        name = name if self._names[name] == 1 else f"{name} {self._names[name]}"
        return Call(name, service, operation, params)


@contextmanager
def watching(clients: Aws, before: Act = nothing, after: Act = nothing) -> Iterator[Wire]:
    """See, and spoil, every try that the clients make inside this block."""
    wire = Wire(before, after)
    events = [client.meta.events for client in (clients.dynamodb, clients.kms, clients.sns())]
    for emitter in events:
        # The stub knows of no handler that answers; this event's do.
        emitter.register_first("before-send", wire.going, unique_id="going")  # type: ignore[arg-type]
        emitter.register_last("before-send", wire.gone, unique_id="gone")  # type: ignore[arg-type]
    try:
        yield wire
    finally:
        for emitter in events:
            emitter.unregister("before-send", unique_id="going")
            emitter.unregister("before-send", unique_id="gone")


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

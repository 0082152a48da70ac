"""AWS as a function of the tests calls it: by either path, with places where a test can look in and act."""

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache, partial
from typing import Any

from botocore.session import Session

from chalicelib.store.aws.botocore_caller import BotocoreCaller, make_function_caller
from chalicelib.store.aws.caller import SERVICES, AwsCaller
from chalicelib.store.aws.calls import Aws
from chalicelib.store.aws.connections import connect_over
from chalicelib.store.aws.http_reply import Reply
from chalicelib.store.aws.transport import Transport
from infra.local.moto_transport import MotoTransport
from infra.stage.aws import Stage

IS_BY_BOTOCORE = os.environ.get("TESTS_AWS") == "botocore"

Ask = Callable[[], dict[str, Any]]
# Acts around a call: told the operation and its parameters, it makes the call, or not, and returns an answer.
AroundCall = Callable[[str, Mapping[str, Any], Ask], dict[str, Any]]
# The same around one try of the thin path: told the host, the headers and the body.
AroundTry = Callable[[str, Mapping[str, str], bytes, Callable[[], Reply]], Reply]


class OpenTransport:
    """A transport in front of another. around: acts around each try, if a test has put something there."""

    def __init__(self, transport: Transport) -> None:
        self.around: AroundTry | None = None
        self._transport = transport

    def __call__(self, host: str, headers: Mapping[str, str], body: bytes) -> Reply:
        send = partial(self._transport, host, headers, body)
        return self.around(host, headers, body, send) if self.around else send()


class OpenCaller:
    """The caller of a function of the tests, for messages too.

    arounds: act around each call, the first of them outermost. by_botocore: the caller of messages, and of all on
    botocore's path. transport: of the thin path; None on botocore's.
    """

    def __init__(
        self, caller: AwsCaller, by_botocore: Callable[[], BotocoreCaller], transport: OpenTransport | None
    ) -> None:
        self.arounds: list[AroundCall] = []
        self.by_botocore, self.transport = by_botocore, transport
        self._caller = caller

    def ask(self, operation: Any, parameters: Mapping[str, Any]) -> dict[str, Any]:
        caller = self._caller if operation in SERVICES else self.by_botocore()
        ask: Ask = partial(caller.ask, operation, parameters)
        for around in reversed(self.arounds):
            ask = partial(around, operation, parameters, ask)
        return ask()


def function_aws(session: Session | None = None, transport: Transport | None = None) -> Aws:
    """Return AWS for a function: by the thin path, or by botocore if the environment has TESTS_AWS=botocore.

    session: of botocore's clients, a new one by default. transport: of the thin path, to moto by default.
    """
    by_botocore = cache(partial(make_function_caller, session))
    if IS_BY_BOTOCORE:
        caller = OpenCaller(by_botocore(), by_botocore, None)
    else:
        opened = OpenTransport(transport or MotoTransport())
        caller = OpenCaller(connect_over(opened, os.environ).caller, by_botocore, opened)
    return Aws(caller, lambda: caller)


def open_caller(stage: Stage) -> OpenCaller:
    """Return what the functions of a stage of the tests call AWS by."""
    assert isinstance(stage.aws.caller, OpenCaller)
    return stage.aws.caller


@contextmanager
def around_calls(stage: Stage, around: AroundCall) -> Iterator[None]:
    """Act around each call that a stage's functions make inside this block."""
    arounds = open_caller(stage).arounds
    arounds.append(around)
    try:
        yield
    finally:
        arounds.remove(around)

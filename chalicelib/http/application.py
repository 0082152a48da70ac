"""The Chalice application: one error boundary around every endpoint, and one log line for every outcome."""

import time
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from chalice.app import Chalice, Response
from chalice.app import Request as ChaliceRequest

from chalicelib.errors import MethodNotAllowed, NotFound, ServerError, WireError
from chalicelib.flows.discovery import Discovery
from chalicelib.flows.introspection import IntrospectionFlow
from chalicelib.flows.mfa import MfaFlow
from chalicelib.flows.notices import NoticeFlow
from chalicelib.flows.revocation import RevocationFlow
from chalicelib.flows.token import TokenFlow
from chalicelib.flows.userinfo import UserinfoFlow
from chalicelib.http import headers, log, pages, wire
from chalicelib.http.wire import Reply
from chalicelib.model.request import Outcome, Request
from chalicelib.rules.loading import BadRules
from chalicelib.settings import BadSettings
from chalicelib.store.budget import one_request

# Every path takes every method as far as API Gateway is concerned: a wrong one must reach our own 405.
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")


@dataclass(frozen=True, slots=True)
class Services:
    """What the endpoints call.

    outcomes: by service of AWS, `ok` or the failure's name, as the last call gave it. issuer: the configured URL, or ""
    to read it off each request. trusted_proxies: how many stand in front of API Gateway.
    """

    outcomes: Mapping[str, str]
    issuer: str
    trusted_proxies: int
    token: TokenFlow
    revocation: RevocationFlow
    introspection: IntrospectionFlow
    userinfo: UserinfoFlow
    mfa: MfaFlow
    notices: NoticeFlow
    discovery: Discovery


Emit = Callable[[dict[str, Any]], None]
Endpoint = Callable[[Services, Request], Reply]
BAD_REQUEST = 400
CRASHED = "The request could not be completed."
_current_request: ContextVar[ChaliceRequest] = ContextVar("chalice_request")


class Application(Chalice):
    """Chalice, made safe to call from several threads, with errors that are ours on every path.

    services: called for each request, so that nothing is built before the first. emit: takes the log line of each
    outcome. clock: seconds from any beginning, for the time that AWS has.
    """

    def __init__(self, services: Callable[[], Services], emit: Emit, clock: Callable[[], float]) -> None:
        # Chalice's own logger and its mark in the environment belong to the process, which may hold several of these.
        super().__init__("gatehouse", configure_logs=False, env={})
        self._services, self._emit, self._clock = services, emit, clock

    @property
    def current_request(self) -> ChaliceRequest:
        """The request of this thread; Chalice itself keeps one for the process."""
        return _current_request.get()

    @current_request.setter
    def current_request(self, request: ChaliceRequest) -> None:
        _current_request.set(request)

    def serve(self, path: str, methods: tuple[str, ...], endpoint: Endpoint, event: str = "") -> None:
        """Serve an endpoint under a path; other methods than these, and HEAD where GET is, answer 405 with Allow.

        event: the log code of an outcome that learns no better one; "" logs failures alone.
        """
        allowed = (*methods, "HEAD") if "GET" in methods else methods

        def view(**_: str) -> Response:
            return self._answer(endpoint, allowed, Outcome(event))

        self.route(path, methods=list(METHODS), content_types=[])(view)

    def __call__(self, event: Any, context: Any) -> dict[str, Any]:
        """Answer one proxy event. What no endpoint can answer is ours too: an unknown path, a crash of Chalice."""
        try:
            if event["requestContext"]["resourcePath"] in self.routes:
                return super().__call__(event, context)
            error: WireError = NotFound("No such path.")
        except Exception as crash:
            error = ServerError(CRASHED, reason=log.crash_reason(crash))
            outcome = Outcome(error=error.error, reason=error.reason)
            self._emit(log.line(outcome, request_id=wire.request_id(event), status=error.status))
        return _response(_error_reply(error, wire.resource(event)), event).to_dict()

    def send_notices(self) -> None:
        """Do what the schedule is for: tell people that they were blocked. Who could not be told is a log line."""
        self._services().notices.send(lambda outcome: self._emit(log.line(outcome)))

    def _answer(self, endpoint: Endpoint, methods: tuple[str, ...], outcome: Outcome) -> Response:
        started = time.perf_counter()
        with one_request(self._clock) as budget:
            reply = self._reply(endpoint, methods, outcome)
        event = self.current_request.to_original_event()
        if outcome.event or reply.status >= BAD_REQUEST:
            ms = int(1000 * (time.perf_counter() - started))
            about = {"request_id": wire.request_id(event), "path": self.current_request.path, "status": reply.status}
            self._emit(log.line(outcome, **about, ms=ms, aws_calls=budget.calls))
        return _response(reply, event)

    def _reply(self, endpoint: Endpoint, methods: tuple[str, ...], outcome: Outcome) -> Reply:
        method, path = self.current_request.method, self.current_request.context["resourcePath"]
        try:
            preflight = headers.preflight(method, path, methods)
            if preflight:
                return preflight
            if method not in methods:
                raise MethodNotAllowed(methods, headers.why_not(method, path))
            services = self._services()
            request = wire.read(self.current_request, services.issuer, outcome, services.trusted_proxies)
            return endpoint(services, request)
        except WireError as failure:
            error = failure
        except (BadSettings, BadRules) as faults:
            error = ServerError(CRASHED, reason=str(faults))
        except Exception as crash:
            error = ServerError(CRASHED, reason=log.crash_reason(crash))
        outcome.error, outcome.reason, outcome.event = error.error, error.reason, error.event or outcome.event
        return _error_reply(error, path)


def _error_reply(error: WireError, path: str) -> Reply:
    return pages.error_page(error) if path.startswith(wire.PAGES) else wire.error_reply(error)


def _response(reply: Reply, event: object) -> Response:
    by_path = headers.path_headers(wire.resource(event), reply.status)
    return wire.response(reply, by_path | {"X-Request-Id": wire.request_id(event)})

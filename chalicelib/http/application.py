"""The Chalice application: one error boundary around every route, and one log line for every outcome."""

import time
from collections.abc import Callable, Iterable
from contextvars import ContextVar
from typing import Any

from chalice.app import Chalice, CloudWatchEvent, Response
from chalice.app import Request as ChaliceRequest

from chalicelib.errors import NotFound, ServerError, WireError
from chalicelib.flows.mails import MailFlow
from chalicelib.flows.notices import NoticeFlow
from chalicelib.http import log, wire
from chalicelib.http.caching import revalidate
from chalicelib.http.routes import CLIENT, Caller, Resource, Route, Services, resources
from chalicelib.http.wire import Reply
from chalicelib.model.request import Outcome
from chalicelib.rules.loading import BadRules
from chalicelib.settings import BadSettings
from chalicelib.store.aws.budget import open_budget

# API Gateway hands on every method of every path: a wrong one must get Gatehouse's own 405.
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
BAD_REQUEST = 400
CRASHED = "The request could not be completed."
Emit = Callable[[dict[str, Any]], None]
_current_request: ContextVar[ChaliceRequest] = ContextVar("chalice_request")


class Application(Chalice):
    """Chalice, made safe to call from several threads, with Gatehouse's own errors on every path.

    routes: the table. services: called for each request, so that nothing is built before the first. emit: takes the
    log line of each outcome. clock: monotonic seconds, for the time budget of the calls to AWS.
    """

    def __init__(
        self,
        routes: Iterable[Route[Any]],  # rows of several services stand in one table
        services: Callable[[], Services],
        emit: Emit = log.write_line,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        # Chalice's logger and its environment variable belong to the process, which may have several applications.
        super().__init__("gatehouse", configure_logs=False, env={})
        self._resources, self._services, self._emit, self._clock = resources(routes), services, emit, clock
        for path in self._resources:
            self.route(path, methods=list(METHODS), content_types=[])(self._answer)
        self.schedule("rate(1 minute)")(self.tell_blocked)

    @property
    def current_request(self) -> ChaliceRequest:
        """The request of this thread; Chalice itself has one for the whole process."""
        return _current_request.get()

    @current_request.setter
    def current_request(self, request: ChaliceRequest) -> None:
        _current_request.set(request)

    def __call__(self, event: Any, context: Any) -> dict[str, Any]:
        """Answer one proxy event. An unknown path and a crash of Chalice get Gatehouse's own errors too."""
        try:
            if event["requestContext"]["resourcePath"] in self.routes:
                return super().__call__(event, context)
            error: WireError = NotFound("No such path.")
        except Exception as crash:
            error = ServerError(CRASHED, reason=log.crash_reason(crash))
            outcome = Outcome(error=error.error, reason=error.reason)
            self._emit(log.line(outcome, request_id=wire.request_id(event), status=error.status))
        resource = self._resources.get(wire.resource(event))
        caller = resource.first.caller if resource else CLIENT
        return _response(caller.error_reply(error), caller, event).to_dict()

    def tell_blocked(self, _: CloudWatchEvent | None = None) -> None:
        """Send the emails that wait, and those of accounts that were blocked; log each that cannot be sent."""
        services = self._services()
        for send in (services[MailFlow].send, services[NoticeFlow].send):
            send(lambda outcome: self._emit(log.line(outcome)))

    def _answer(self, **_: str) -> Response:
        """Return the response to the current request. The path's parameters are read from the request."""
        started, event = time.perf_counter(), self.current_request.to_original_event()
        resource = self._resources[wire.resource(event)]
        route = resource.by_method.get(self.current_request.method, resource.first)
        outcome = Outcome(route.event)
        with open_budget(self._clock) as budget:
            reply = self._reply(resource, outcome)
        if outcome.event or reply.status >= BAD_REQUEST:
            ms = int(1000 * (time.perf_counter() - started))
            about = {"request_id": wire.request_id(event), "path": self.current_request.path, "status": reply.status}
            throttles = {f"{service}_throttles": tries for service, tries in budget.throttles.items()}
            self._emit(log.line(outcome, **about, ms=ms, aws_calls=budget.calls, **throttles))
        return _response(reply, route.caller, event)

    def _reply(self, resource: Resource, outcome: Outcome) -> Reply:
        route = resource.by_method.get(self.current_request.method)
        try:
            if route is None:
                return resource.other_method(self.current_request.method)
            services = self._services()
            request = services[wire.RequestReader].read(self.current_request, route.caller.in_links, outcome)
            reply = route.reply(services, request)
            return revalidate(reply, self.current_request.headers.get("if-none-match", ""))
        except WireError as failure:
            error = failure
        except (BadSettings, BadRules) as faults:
            error = ServerError(CRASHED, reason=str(faults))
        except Exception as crash:
            error = ServerError(CRASHED, reason=log.crash_reason(crash))
        outcome.error, outcome.reason, outcome.event = error.error, error.reason, error.event or outcome.event
        return (route or resource.first).caller.error_reply(error)


def _response(reply: Reply, caller: Caller, event: object) -> Response:
    return wire.response(reply, caller.headers(reply.status) | {"X-Request-Id": wire.request_id(event)})

"""The rows of the route table, and the kinds of callers. app.py lists the rows; application.py answers by them."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from chalicelib.errors import InvalidClient, MethodNotAllowed, WireError
from chalicelib.http.wire import NO_STORE, Body, Reply, error_reply
from chalicelib.model.request import Request

S = TypeVar("S")

GET, POST, DELETE = ("GET",), ("POST",), ("DELETE",)
BASIC = 'Basic realm="gatehouse", charset="UTF-8"'
BEARER = 'Bearer realm="gatehouse", error="invalid_token"'
ANY_ORIGIN = {"Access-Control-Allow-Origin": "*"}
NO_PREFLIGHT = "It answers no preflight: an app in a browser must not take people's passwords."
PREFLIGHT = "OPTIONS"
NO_CONTENT = 204


@dataclass(frozen=True, slots=True)
class Caller:
    """The kind of caller of a path. It decides the headers of all its answers, errors and crashes included.

    challenge: the WWW-Authenticate of a 401. is_open: whether scripts of any origin may read the answers.
    error_reply: renders an error. in_links: the credentials that the query of the path may hold.
    Source: RFC 9110 15.5.2; Fetch 3.2.3.
    """

    challenge: str = BASIC
    is_open: bool = False
    error_reply: Callable[[WireError], Reply] = error_reply
    in_links: frozenset[str] = frozenset()

    def headers(self, status: int) -> dict[str, str]:
        """Return the headers of every answer with this status."""
        origin = ANY_ORIGIN if self.is_open else {}
        return {**origin, "WWW-Authenticate": self.challenge} if status == InvalidClient.status else dict(origin)


# A backend that authenticates as a client.
CLIENT = Caller()
TOKEN_BEARER = Caller(BEARER)
# Open to scripts: the answers are public or need a bearer token, which a browser never adds by itself.
BROWSER = Caller(BEARER, is_open=True)
ANYBODY = Caller(is_open=True)


@dataclass(slots=True, eq=False, repr=False)
class Services:
    """The services of one stage, each found by its class."""

    by_class: Mapping[type[Any], Any]

    def __getitem__(self, kind: type[S]) -> S:
        service: S = self.by_class[kind]
        return service


@dataclass(frozen=True, slots=True)
class Route(Generic[S]):
    """One row of the route table: the methods of a path that one function of a service answers.

    answer: a method of the service's class, or a function of such a service; a Reply of its own is sent as it is.
    status, headers: of a success; an error has its own. event: the default log code; with "", a success without another
    code is not logged.
    """

    path: str
    methods: tuple[str, ...]
    service: type[S]
    answer: Callable[[S, Request], Body | Reply]
    caller: Caller = CLIENT
    event: str = ""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=lambda: NO_STORE)

    def reply(self, services: Services, request: Request) -> Reply:
        """Return the service's answer to a request."""
        answer = self.answer(services[self.service], request)
        return answer if isinstance(answer, Reply) else Reply(answer, self.status, self.headers)


@dataclass(frozen=True, slots=True)
class Resource:
    """The routes of one path, by method. A path with GET has HEAD too."""

    by_method: Mapping[str, Route[Any]]  # the routes of a path may be of several services

    @property
    def first(self) -> Route[Any]:
        """The first row, whose caller is that of the whole path."""
        return next(iter(self.by_method.values()))

    def other_method(self, method: str) -> Reply:
        """Return the answer to a browser's preflight, if a browser may send a bearer token to this path.

        Raises MethodNotAllowed for any other method without a row. Source: Fetch 3.2.3.
        """
        allowed, caller = tuple(self.by_method), self.first.caller
        if method != PREFLIGHT or caller.challenge != BEARER or not caller.is_open:
            raise MethodNotAllowed(allowed, NO_PREFLIGHT if method == PREFLIGHT and not caller.is_open else "")
        told = {"Access-Control-Allow-Headers": "authorization", "Access-Control-Allow-Methods": ", ".join(allowed)}
        return Reply(None, NO_CONTENT, {**NO_STORE, **told})


def resources(routes: Iterable[Route[Any]]) -> dict[str, Resource]:
    """Return the resource of each path of the table."""
    by_path: dict[str, dict[str, Route[Any]]] = {}
    for route in routes:
        by_path.setdefault(route.path, {}).update(dict.fromkeys(route.methods, route))
    for by_method in by_path.values():
        if "GET" in by_method:
            by_method["HEAD"] = by_method["GET"]
    return {path: Resource(by_method) for path, by_method in by_path.items()}

"""Read API Gateway's bytes into a Request, strictly, and write an answer as a response."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from chalice.app import Request as ChaliceRequest
from chalice.app import Response

from chalicelib.errors import InvalidRequest, WireError
from chalicelib.http.body import CREDENTIALS, JSON, parameters
from chalicelib.http.viewer import geoip_from
from chalicelib.model.address import parse_address, parse_forwarded
from chalicelib.model.request import Outcome, Request

# The body of such a request has no meaning (RFC 9110 9.3.1).
BODILESS = ("GET", "HEAD")
_ALWAYS = {
    "Content-Type": JSON,
    "Strict-Transport-Security": "max-age=31536000",
    "X-Content-Type-Options": "nosniff",
}
UNREADABLE_PROXY = "X-Forwarded-For does not hold the address that the trusted proxies saw; it was ignored"
NO_STORE = {"Cache-Control": "no-store", "Pragma": "no-cache"}


# JSON, the text of a page, or nothing.
Body = Mapping[str, Any] | list[Any] | str | None


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer of a path. headers: its own, beside those of all answers."""

    body: Body = field(repr=False)
    status: int
    headers: Mapping[str, str]


def request_id(event: object) -> str:
    """Return API Gateway's ID of the request in a proxy event; "" if the event is malformed."""
    return str(_context(event).get("requestId", ""))


def resource(event: object) -> str:
    """Return the path of the route in a proxy event, as API Gateway declares it; "" if the event is malformed."""
    return str(_context(event).get("resourcePath", ""))


def _context(event: object) -> Mapping[str, Any]:
    context = event.get("requestContext") if isinstance(event, Mapping) else None
    return context if isinstance(context, Mapping) else {}


@dataclass(slots=True, eq=False, repr=False)
class RequestReader:
    """Reads requests. issuer: the configured URL, or "" to take it from API Gateway's request context.

    trusted_proxies: how many proxies in front of API Gateway add to X-Forwarded-For. read_body: returns the members of
    a body; by default the parameters of OAuth's requests.
    """

    issuer: str
    trusted_proxies: int = 0
    read_body: Callable[[ChaliceRequest], dict[str, Any]] = parameters

    def read(self, chalice_request: ChaliceRequest, in_links: frozenset[str], outcome: Outcome) -> Request:
        """Return the parsed request; raises InvalidRequest for the faults of "Every response" in docs/use/http.md.

        in_links: the credentials that its query may hold. outcome: its log line, to be filled in.
        """
        context, headers = chalice_request.context, chalice_request.headers
        forwarded = self._note_addresses(context, headers.get("x-forwarded-for", ""), outcome)
        query = _query(chalice_request, in_links)
        body = {} if chalice_request.method in BODILESS else self.read_body(chalice_request)
        return Request(
            issuer=self.issuer or _issuer(context),
            source_ip=outcome.source_ip,
            params={name: value for name, value in body.items() if isinstance(value, str)},
            body=body,
            path=str(context["resourcePath"]),
            path_params={name: unquote(value) for name, value in (chalice_request.uri_params or {}).items()},
            query=query,
            hostname=str(context.get("domainName", "")),
            user_agent=headers.get("user-agent", ""),
            authorization=headers.get("authorization", ""),
            forwarded_for=headers.get("auth0-forwarded-for", ""),
            geoip=geoip_from(headers) if forwarded else {},
            method=chalice_request.method,
            outcome=outcome,
        )

    def _note_addresses(self, context: Mapping[str, Any], forwarded_for: str, outcome: Outcome) -> str | None:
        """Note the request's addresses in the outcome; return the one that a trusted proxy saw, or None."""
        source_ip = str(context["identity"]["sourceIp"])
        peer = parse_address(source_ip) or source_ip
        forwarded = _find_forwarded(peer, forwarded_for, self.trusted_proxies)
        outcome.source_ip = forwarded or peer
        outcome.client_ip = "" if outcome.source_ip == peer else peer
        if self.trusted_proxies and forwarded is None:
            outcome.warnings.append(UNREADABLE_PROXY)
        return forwarded


def _query(chalice_request: ChaliceRequest, in_links: frozenset[str]) -> dict[str, str]:
    query = dict(chalice_request.query_params or {})
    if (CREDENTIALS - in_links) & set(query):
        raise InvalidRequest("Credentials and tokens are never taken from the query string.")
    return query


def error_reply(error: WireError) -> Reply:
    """Return an error in the one shape that all errors have. Source: RFC 6749 5.2."""
    body = {"error": error.error, "error_description": error.description, **error.members}
    return Reply(body, error.status, {**NO_STORE, **error.headers})


def response(reply: Reply, headers: Mapping[str, str]) -> Response:
    """Return the reply as a response of Chalice. headers: of this request; the reply's own replace them."""
    return Response(
        body=render(reply.body),
        status_code=reply.status,
        headers={**_ALWAYS, **headers, **reply.headers},
    )


def render(body: Body) -> str:
    """Return a body as it is sent."""
    if body is None or isinstance(body, str):
        return body or ""
    return json.dumps(body, separators=(",", ":"))


def _issuer(context: Mapping[str, Any]) -> str:
    """Return the issuer from the request context: the domain, and the part of the path before the resource's own."""
    depth = str(context["resourcePath"]).count("/")
    prefix = str(context["path"]).rstrip("/").rsplit("/", depth)[0]
    return f"https://{context['domainName']}{prefix}/"


def _find_forwarded(peer: str, forwarded_for: str, trusted_proxies: int) -> str | None:
    """Return the address that the outermost trusted proxy saw, or None if the header does not hold it.

    Each hop, API Gateway too, adds the address that it saw on the right. So the last entry is the peer, and entries
    left of the trusted hops can be forged.
    """
    entries = forwarded_for.split(",")
    if not trusted_proxies or len(entries) <= trusted_proxies or parse_forwarded(entries[-1]) != peer:
        return None
    return parse_forwarded(entries[-1 - trusted_proxies])

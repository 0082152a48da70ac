"""A request as the flows get it, and its outcome as the log gets it."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from chalicelib.errors import InvalidRequest
from chalicelib.model.address import parse_forwarded
from chalicelib.model.redaction import secrets_in, without
from chalicelib.model.tenant import Client

UNREADABLE_FORWARDED = "auth0-forwarded-for holds no IP address that can be read; it was ignored"


@dataclass(slots=True)
class Outcome:
    """The content of a request's one log line, filled in during the request. It never holds a secret.

    event: the Auth0 log code. grant_type: one of the stage's, if the client was authenticated.
    user: the user_id, or a hash of the typed identifier if no user has it.
    client_ip: the address that API Gateway saw, if source_ip is another one that a client or proxy named.
    action: what a client changed by the Management API; or that a login moved its user from the legacy store.
    warnings: faults that did not change the answer: of a rule, of Pwned Passwords, or in a trusted header.
    traceback: of a rule that raised. audit: the id of the lines that the change has in the audit log.
    """

    event: str = ""
    grant_type: str = ""
    client_id: str = ""
    realm: str = ""
    user: str = ""
    source_ip: str = ""
    client_ip: str = ""
    error: str = ""
    reason: str = ""
    traceback: str = ""
    action: str = ""
    audit: str = ""
    warnings: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Request:
    """One parsed HTTP request.

    params: the body's parameters, without empty and null ones. body: the same, with values that are no strings.
    issuer: this server's URL as its tokens name it, with the final slash. source_ip: the address that counters count.
    path: the API's, with the names of its parameters. path_params: the values of these parameters.
    query, hostname, user_agent: for rules alone; Gatehouse decides nothing by them.
    forwarded_for: the header auth0-forwarded-for, which with_forwarded_address honours.
    geoip: the location of source_ip as a trusted proxy sent it, for rules alone; empty if it is unknown.
    """

    issuer: str
    source_ip: str
    params: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: Mapping[str, Any] = field(default_factory=dict, repr=False)
    path: str = ""
    path_params: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict, repr=False)
    hostname: str = ""
    user_agent: str = ""
    authorization: str = field(default="", repr=False)
    forwarded_for: str = ""
    geoip: Mapping[str, Any] = field(default_factory=dict, repr=False)
    method: str = "GET"
    outcome: Outcome = field(default_factory=Outcome)

    def require(self, name: str) -> str:
        """Return the parameter; raises InvalidRequest if it is missing."""
        value = self.params.get(name)
        if value is None:
            raise InvalidRequest(f"Missing required parameter: {name}")
        return value

    def text(self, name: str) -> str | None:
        """Return a member of the body, or None if it is missing; raises InvalidRequest if it is no string."""
        value = self.body.get(name)
        if not isinstance(value, str | None):
            raise InvalidRequest(f"{name} must be a string.")
        return value

    def require_all(self, *names: str) -> None:
        """Raise InvalidRequest for the first of these parameters that is missing."""
        for name in names:
            self.require(name)

    def without_secrets(self) -> "Request":
        """Return the request without its secrets and any text that equals one, for the steps after the proof."""
        secrets = secrets_in(self.body)
        return replace(
            self,
            params=without(self.params, secrets),
            body=without(self.body, secrets),
            query=without(self.query, secrets),
            authorization="",
        )

    def has_authorization(self, scheme: str) -> bool:
        """Return whether the Authorization header is of this scheme, given in lower case. Source: RFC 9110 11.1."""
        return self.authorization.partition(" ")[0].lower() == scheme

    def with_forwarded_address(self, client: Client) -> "Request":
        """Return the request with the address of its auth0-forwarded-for header, if this client's is honoured.

        The tenant file must trust the client with it, the client must be confidential, and the header must hold one
        address. If such a header cannot be read, the outcome gets a warning. Source: Auth0's auth0-forwarded-for.
        """
        address = parse_forwarded(self.forwarded_for)
        if not self.forwarded_for or address == self.source_ip or not client.is_forwarding:
            return self
        if address is None:
            self.outcome.warnings.append(UNREADABLE_FORWARDED)
            return replace(self, geoip={})
        self.outcome.client_ip = self.outcome.client_ip or self.source_ip
        self.outcome.source_ip = address
        # The location that the proxy sent is the client's, not the user's.
        return replace(self, source_ip=address, geoip={})

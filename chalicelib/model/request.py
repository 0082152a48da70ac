"""A request as the flows see it, and its outcome as the log has it."""

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
    """The one log line of a request; the steps fill it in as they learn it. Never a secret.

    event: the Auth0 log code. user: the user_id, or a hash of the typed identifier if no user has it.
    client_ip: the address that API Gateway saw, if source_ip is another one that a client or proxy named.
    warnings: faults of a rule, of Pwned Passwords or in a trusted header that did not keep the request from its answer.
    traceback: of a rule that raised.
    """

    event: str = ""
    client_id: str = ""
    realm: str = ""
    user: str = ""
    source_ip: str = ""
    client_ip: str = ""
    error: str = ""
    reason: str = ""
    traceback: str = ""
    warnings: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Request:
    """One parsed HTTP request.

    params: the body's parameters; absent, empty and null ones are not in it. body: the same with what is no string.
    issuer: this server's URL as its tokens name it, with the final slash. source_ip: the address that counters count.
    path: the API's, with the names of its parameters. path_params: the values of these parameters.
    query, hostname, user_agent: for rules alone; nothing is decided by them.
    forwarded_for: the header auth0-forwarded-for, not honoured yet.
    geoip: the place of source_ip as a trusted proxy told it, for rules alone; empty if it is unknown.
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
        """Return the member of the body, None if it is missing; raises InvalidRequest if it is no string."""
        value = self.body.get(name)
        if not isinstance(value, str | None):
            raise InvalidRequest(f"{name} must be a string.")
        return value

    def require_all(self, *names: str) -> None:
        """Let a request with all of these parameters pass; raises InvalidRequest for the first that is missing."""
        for name in names:
            self.require(name)

    def without_secrets(self) -> "Request":
        """Return the request without its secrets and whatever repeats one: all that is needed once they are proved."""
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
        """Return the request with the user's address, if this client's auth0-forwarded-for header is honoured.

        The header of a confidential client is, if the tenant file trusts the client with it, and only one address. A
        header of such a client that cannot be read is a warning.
        Source: Auth0's auth0-forwarded-for.
        """
        address = parse_forwarded(self.forwarded_for)
        if not self.forwarded_for or address == self.source_ip or not client.is_forwarding:
            return self
        if address is None:
            self.outcome.warnings.append(UNREADABLE_FORWARDED)
            return replace(self, geoip={})
        self.outcome.client_ip = self.outcome.client_ip or self.source_ip
        self.outcome.source_ip = address
        # The place that a proxy told is the client's own.
        return replace(self, source_ip=address, geoip={})

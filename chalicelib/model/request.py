"""A request as the flows see it, and what the log will say of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from chalicelib.errors import InvalidRequest


@dataclass(slots=True)
class Outcome:
    """What the one log line of a request says; the steps fill it in as they learn it. Never a secret.

    event: the Auth0 log code. user: the user_id, or a hash of the typed name where nobody was found.
    warnings: what was done otherwise than a rule asked. traceback: of a rule that raised.
    """

    event: str = ""
    client_id: str = ""
    realm: str = ""
    user: str = ""
    source_ip: str = ""
    error: str = ""
    reason: str = ""
    traceback: str = ""
    warnings: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Request:
    """One parsed HTTP request.

    params: the body's parameters; absent, empty and null ones are not in it. body: the same with what is no string.
    issuer: this server's URL as its tokens name it, with the final slash. source_ip: as API Gateway saw it.
    path_params: what stands in the path for its names. query, hostname, user_agent: for rules alone; nothing is decided
    by them.
    """

    issuer: str
    source_ip: str
    params: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: Mapping[str, Any] = field(default_factory=dict, repr=False)
    path_params: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict, repr=False)
    hostname: str = ""
    user_agent: str = ""
    authorization: str = field(default="", repr=False)
    outcome: Outcome = field(default_factory=Outcome)

    def required(self, name: str) -> str:
        """Return the parameter; raises InvalidRequest where it is missing."""
        value = self.params.get(name)
        if value is None:
            raise InvalidRequest(f"Missing required parameter: {name}")
        return value

"""The token endpoint: a grant proves the login, this flow decides its access, the issuer mints (docs/adr/0002)."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

from chalicelib.clients import ClientAuthenticator
from chalicelib.errors import UnauthorizedClient, UnsupportedGrantType, echo
from chalicelib.flows.access import AccessPolicy
from chalicelib.mfa.demand import SecondFactor
from chalicelib.model.request import Request
from chalicelib.model.tenant import Client
from chalicelib.rules.runner import Rules
from chalicelib.tokens.issuer import Issuer
from chalicelib.tokens.settlement import ProvedLogin


class Grant(Protocol):
    """The interface of every grant.

    parameters: the required ones. log_codes: of its success and its failure. is_for_users: whether it logs a user in;
    the client's `apis` limit such a login.
    """

    @property
    def grant_type(self) -> str: ...
    @property
    def parameters(self) -> tuple[str, ...]: ...
    @property
    def log_codes(self) -> tuple[str, str]: ...
    @property
    def is_for_users(self) -> bool: ...
    def prove(self, client: Client, request: Request) -> ProvedLogin: ...


@dataclass(slots=True, eq=False, repr=False)
class TokenFlow:
    """Answers POST /oauth/token, whatever the grant. grants: by grant_type."""

    clients: ClientAuthenticator
    grants: Mapping[str, Grant]
    access: AccessPolicy
    rules: Rules
    second_factor: SecondFactor
    issuer: Issuer

    def answer(self, request: Request) -> dict[str, Any]:
        """Return the token response of RFC 6749 5.1; raises the errors of docs/use/http.md, in its order of checks."""
        grant_type = request.require("grant_type")
        client = self.clients.authenticate(request)
        request = request.with_forwarded_address(client)
        grant = self._find_grant(grant_type, client)
        request.outcome.grant_type = grant.grant_type
        succeeded, request.outcome.event = grant.log_codes
        request.require_all(*grant.parameters)
        requested = self.access.read_request(request, client if grant.is_for_users else None)
        proved = grant.prove(client, request)
        request, login = request.without_secrets(), proved.login
        with proved.undo_on_failure():
            requested = login.requested or requested
            find_access = partial(self.access.grant, request, requested, client)
            granted = find_access(login)
            decision = self.rules.decide(request, client, login, granted)
            if decision.roles is not None:
                before, granted = granted, find_access(login.with_roles(decision.roles))
                decision = decision.rebase(before, granted)
            access = self.access.limit(request, granted, decision.access, client)
            self.second_factor.demand(client, login, requested, decision.multifactor)
            tokens = self.issuer.mint(request.issuer, client, proved, access)
        request.outcome.event = succeeded
        return tokens

    def _find_grant(self, grant_type: str, client: Client) -> Grant:
        grant = self.grants.get(grant_type)
        if grant is None:
            raise UnsupportedGrantType(f"Unsupported grant type: {echo(grant_type)}")
        if grant_type not in client.grant_types:
            raise UnauthorizedClient(f"Grant type '{grant_type}' not allowed for the client.")
        return grant

"""The beginning of each call about accounts: which client it is from, and which realm it is about."""

from collections.abc import Callable
from dataclasses import dataclass

from chalicelib.accounts.tickets import INVALID, Tickets
from chalicelib.clients import ClientAuthenticator
from chalicelib.errors import InvalidGrant, InvalidRequest
from chalicelib.identifiers import digest, is_acceptable
from chalicelib.mfa.typed import plain_code
from chalicelib.model.request import Request
from chalicelib.model.tenant import Realm
from chalicelib.protection.calls import CODES, CallGuard, CallLimit
from chalicelib.protection.codes import CodeGuard
from chalicelib.store.configuration.config import ConfigStore
from chalicelib.store.tickets import EmailTicket


@dataclass(frozen=True, slots=True)
class AdmittedCall:
    """A call of a known client about one of its realms. request: with the address that counts."""

    request: Request
    realm: Realm


@dataclass(slots=True, eq=False, repr=False)
class Admission:
    """Admits calls. mac: of the stage key."""

    clients: ClientAuthenticator
    config: ConfigStore
    guard: CallGuard
    codes: CodeGuard
    tickets: Tickets
    mac: Callable[[str, bytes], bytes]

    def admit(self, request: Request) -> AdmittedCall:
        """Return the admitted call; raises InvalidClient, InvalidRequest, TooManyAttempts.

        The client may prove itself; only then its auth0-forwarded-for counts.
        """
        client, request = self.clients.identify(request)
        name = self.config.tenant().realm_named(request.require("connection"))
        realm = self.config.realm(name) if name in client.realms else None
        if realm is None:
            raise InvalidRequest("Unknown realm.")
        request.outcome.realm = realm.name
        return AdmittedCall(request, realm)

    def read_email(self, request: Request) -> str:
        """Return the email that a call names; the log gets its hash. Raises InvalidRequest."""
        email = request.require("email")
        if not is_acceptable(email):
            raise InvalidRequest("email is too long or holds control characters.")
        request.outcome.user = f"name:{digest(email, self.mac)}"
        return email

    def count(self, call: AdmittedCall, limit: CallLimit) -> None:
        """Count a call of its address; raises TooManyAttempts."""
        self.guard.take(limit, call.request.source_ip)

    def open_ticket(self, call: AdmittedCall, purpose: str) -> EmailTicket:
        """Return the ticket that a call proves to have, by itself or by its email's code, without using it up.

        Raises InvalidGrant, InvalidRequest, TooManyAttempts.
        """
        request, token = call.request, call.request.params.get("ticket")
        if token is None:
            email, code = self.read_email(request), request.require("code")
            self.count(call, CODES)
            if not self.codes.take(purpose, call.realm.name, email):
                raise InvalidGrant(INVALID, reason="too many codes were tried for this email")
            return self.tickets.open_by_code(purpose, call.realm.name, email, plain_code(code))
        if "code" in request.params:
            raise InvalidRequest("Use a ticket or a code, not both.")
        self.count(call, CODES)
        ticket = self.tickets.open_by_ticket(purpose, token)
        if ticket.subject.realm != call.realm.name:
            raise InvalidGrant(INVALID, reason="the ticket is another realm's")
        return ticket

"""Admit the requests of the Management API: by an access token of a client that has a client grant for it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from chalicelib.directories.finder import bearer
from chalicelib.errors import InsufficientScope, InvalidToken, RateLimit, TemporarilyUnavailable, TooManyRequests
from chalicelib.model.bucket import Bucket
from chalicelib.model.clock import Clock
from chalicelib.model.request import Request
from chalicelib.model.tenant import MANAGEMENT, Client, management_audience
from chalicelib.store.code_attempts import Allowance, AllowanceStore
from chalicelib.store.configuration.config import ConfigStore
from chalicelib.store.logs.audit import DONE, FAILED, AuditEntry, AuditLog
from chalicelib.tokens.verifier import AccessTokenVerifier, audiences

# Of a client: a hundred requests at once, then twenty a second.
REQUESTS = Bucket(100, 50)
CHANGED = "sapi"
READS = ("GET", "HEAD")
NO_RESULT = "the audit log lacks the result of this change"


@dataclass(slots=True, eq=False, repr=False)
class ManagementAdmission:
    """Admits the requests of clients, counts them, and audits those that change something."""

    verifier: AccessTokenVerifier
    config: ConfigStore
    allowances: AllowanceStore
    audit: AuditLog
    clock: Clock

    def admit(self, request: Request, *scopes: str) -> None:
        """Admit a request whose token has one of these scopes.

        Its line in the audit log is written before it changes anything.
        Raises InvalidToken, TooManyRequests, InsufficientScope. The token of a user is none of this API.
        """
        claims = self.verifier.verify(bearer(request.authorization), request.issuer)
        client = self.config.client(claims["client_id"])
        if client is None or MANAGEMENT not in client.client_grants or not _is_own(claims, request.issuer):
            raise InvalidToken(reason="no token of a client with a client grant for this API")
        request.outcome.client_id = client.client_id
        self._count(client)
        # A scope that left the tenant file is gone at once.
        granted = {*claims["scope"].split()} & {*client.client_grants[MANAGEMENT]}
        if not granted & {*scopes}:
            raise InsufficientScope(scopes[0])
        if request.method not in READS:
            entry = _entry(request, "")
            self.audit.write(entry)
            request.outcome.audit = entry.audit

    def note_result(self, request: Request, error: str = "") -> None:
        """Write the result of an admitted change into the audit log. error: the name of its failure."""
        if not request.outcome.audit:
            return
        try:
            self.audit.write(_entry(request, FAILED if error else DONE, error))
        except TemporarilyUnavailable as failure:
            # The change is made, and cannot be taken back.
            request.outcome.warnings.append(f"{NO_RESULT}: {failure.reason}")

    def _count(self, client: Client) -> None:
        now_ms = self.clock.now_ms()
        allowance = Allowance(f"management#{client.client_id}", "requests", REQUESTS)
        wait_ms = self.allowances.take(allowance, now_ms, is_running=True)
        if wait_ms:
            raise TooManyRequests(
                "Global limit has been reached.",
                retry_after_s=max(1, -(-wait_ms // 1000)),
                event="api_limit",
                rate_limit=RateLimit(REQUESTS.size, -(-(now_ms + wait_ms) // 1000)),
            )


def note_change(request: Request, realm: str, user_id: str, changed: str = "") -> None:
    """Note a change in the request's log line. changed: the names of what was changed, never a value."""
    note_user(request, realm, user_id)
    request.outcome.event = CHANGED
    request.outcome.action = f"{request.method} {request.path}{f': {changed}' if changed else ''}"


def note_user(request: Request, realm: str, user_id: str) -> None:
    """Note one of the users whom a change concerns, so that the log names them also if a later one fails."""
    outcome = request.outcome
    outcome.realm, outcome.user = _joined(outcome.realm, realm), _joined(outcome.user, user_id)


def _entry(request: Request, result: str, error: str = "") -> AuditEntry:
    outcome = request.outcome
    known = {"audit": outcome.audit} if outcome.audit else {}
    changed = outcome.action.partition(": ")[2]
    whom = {**request.path_params, "realm": outcome.realm, "user": outcome.user, "changed": changed}
    return AuditEntry(outcome.client_id, f"{request.method} {request.path}", whom, result, error, **known)


def _joined(noted: str, more: str) -> str:
    return ", ".join(dict.fromkeys(name for name in (*noted.split(", "), more) if name))


def _is_own(claims: Mapping[str, Any], issuer: str) -> bool:
    """Return whether a token is a client's own, for this API alone."""
    is_client = claims["gty"] == "client-credentials" and claims["sub"] == f"{claims['client_id']}@clients"
    return is_client and audiences({**claims}) == [management_audience(issuer)]

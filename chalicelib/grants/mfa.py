"""The three MFA grants: an earlier login that waits, and a second factor."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from chalicelib.directories.dynamodb import DynamoDirectory
from chalicelib.mfa.case import Case, Cases, Proof
from chalicelib.model.enrolment import PendingLogin
from chalicelib.model.login import Login
from chalicelib.model.request import Request
from chalicelib.model.tenant import Client, Realm
from chalicelib.protection import AccountGuard, Attempt
from chalicelib.store.attempts import Counter
from chalicelib.store.pending import PendingStore
from chalicelib.store.transactions import Write


class Factor(Protocol):
    """What every factor does for its grant."""

    def prove(self, case: Case, request: Request) -> Proof: ...


@dataclass(frozen=True, slots=True)
class MfaGrant:
    """Proves a person by what waits for a second factor, and that factor.

    grant_type, parameters, log_codes, refused: which of the grants this is; refused is what a code that another
    request used meanwhile is answered with. clock: epoch seconds.
    """

    grant_type: str
    parameters: tuple[str, ...]
    log_codes: tuple[str, str]
    refused: str
    factor: Factor
    cases: Cases
    pending: PendingStore
    directory_of: Callable[[Realm], DynamoDirectory]
    guard: AccountGuard
    clock: Callable[[], float]

    def prove(self, client: Client, request: Request) -> Login:
        """Return who is asking, with what they first asked for; raises InvalidGrant, ExpiredToken, TooManyAttempts."""
        case = self.cases.of_login(request.required("mfa_token"), request, client)
        proof = self.factor.prove(case, request)
        # A case of an mfa_token has its login.
        waiting: PendingLogin = case.pending  # type: ignore[assignment]
        writes = self._writes(case, proof, request)
        return Login(
            sub=case.user.user_id,
            client_id=client.client_id,
            gty=("password",),
            protocol="oauth2-password",
            amr=proof.amr,
            auth_time=waiting.auth_time,
            user=case.user,
            realm=case.realm.name,
            source_ip=request.source_ip,
            asked=waiting.asked,
            original=waiting.original,
            has_second_factor=True,
            writes=lambda counter: (*proof.writes, self.pending.use_login(waiting), *writes(counter)),
            is_used_up=True,
            refused=self.refused,
            members=proof.members,
        )

    def _writes(self, case: Case, proof: Proof, request: Request) -> Callable[[str], tuple[Write, ...]]:
        """Return what makes the writes of a login that is complete at last."""
        directory = self.directory_of(case.realm)
        write = directory.login_write(case.user, int(self.clock()), request.source_ip, proof.record)
        counter = Counter(account=case.account, address=request.source_ip)
        attempt = Attempt(counter, case.tenant.brute_force_protection)
        return lambda name: (*self.guard.clear_writes(attempt), write(name))

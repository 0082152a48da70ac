"""The three MFA grants: an earlier login that waits, and a second factor."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol

from chalicelib.directories.dynamodb import DynamoDirectory
from chalicelib.errors import TemporarilyUnavailable
from chalicelib.mfa.case import Case, Cases, Proof, WrongCode
from chalicelib.model.login import Login
from chalicelib.model.request import Request
from chalicelib.model.tenant import Client, Realm
from chalicelib.protection.account import AccountGuard, Admitted, Attempt
from chalicelib.store.pending import PendingStore
from chalicelib.store.transactions import Write


class Factor(Protocol):
    """What every factor does for its grant."""

    def prove(self, case: Case, request: Request) -> Proof: ...


@dataclass(frozen=True, slots=True)
class MfaGrant:
    """Proves a person by what waits for a second factor, and that factor.

    grant_type, parameters, log_codes, refused: which of the grants this is; refused is what a code that another
    request used meanwhile is answered with. commit: does writes apart from a token. clock: epoch seconds.
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
    commit: Callable[[tuple[Write, ...]], None]
    clock: Callable[[], float]
    is_for_people: bool = True

    def prove(self, client: Client, request: Request) -> Login:
        """Return who is asking, with what they first asked for; raises InvalidGrant, ExpiredToken, TooManyAttempts."""
        case = self.cases.to_prove(request.required("mfa_token"), request, client)
        proof, waiting = self._proof(case, request), case.pending
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
            writes=self._writes(case, proof, request),
            is_used_up=True,
            refused=self.refused,
            # Whatever came of it, the code was right.
            give_back=lambda _: self._give_back(proof),
            members=proof.members,
            # An access token confirms and is not renewed by it.
            latest_exp=0 if case.is_login else waiting.ends_at,
        )

    def _proof(self, case: Case, request: Request) -> Proof:
        """Return what the factor proves; a wrong code counts for the address too."""
        try:
            return self.factor.prove(case, request)
        except WrongCode:
            self.guard.addresses.fail(request.source_ip, ())
            raise

    def _writes(self, case: Case, proof: Proof, request: Request) -> Callable[[str], tuple[Write, ...]]:
        """Return what makes the writes of a login that is complete at last."""
        directory = self.directory_of(case.realm)
        write = directory.login_write(case.user, int(self.clock()), request.source_ip, proof.record)
        attempt = Attempt(case.account, request.source_ip, case.tenant.brute_force_protection, ())
        cleared = self.guard.clear_writes(Admitted(attempt, case.user, has_total=True))
        used = (self.pending.use_login(case.pending),) if case.is_login else ()
        return lambda name: (*proof.give_back, *proof.writes, *used, *cleared, write(name))

    def _give_back(self, proof: Proof) -> None:
        with suppress(TemporarilyUnavailable):
            self.commit(proof.give_back)

"""The three MFA grants: a pending login and a second factor."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace

from chalicelib.errors import TemporarilyUnavailable
from chalicelib.mfa.factor import Factor
from chalicelib.mfa.session import MfaSession, MfaSessions, Proof, WrongCode
from chalicelib.model.clock import Clock
from chalicelib.model.directory import Directory, LoginRecord, LoginWrites
from chalicelib.model.login import Login
from chalicelib.model.request import Request
from chalicelib.model.storage import Change, Write
from chalicelib.model.tenant import Client, Realm
from chalicelib.protection.account import AccountGuard, LoginAttempt
from chalicelib.store.dynamo import update_of, update_write
from chalicelib.store.sessions import PendingStore
from chalicelib.tokens.settlement import Issuance, Issued, ProvedLogin


@dataclass(slots=True, eq=False, repr=False)
class MfaSettlement:
    """Uses the code and the pending login up, and records the login, once the tokens are signed.

    used: the writes that use them up. record: makes the writes that record the login. returned: the writes that give
    the attempt at the code back. refusal: the error_description for a code that another request used meanwhile.
    commit: does writes apart from a token.
    """

    used: tuple[Write, ...] = field(repr=False)
    record: LoginWrites = field(repr=False)
    returned: tuple[Write, ...] = field(repr=False)
    refusal: str
    commit: Callable[[tuple[Write, ...]], None]

    def settle(self, issuance: Issuance) -> Issued:
        """Sign the tokens first: if KMS fails, the code works once more."""
        return issuance.sign_then_write(lambda name: (*self.returned, *self.used, *self.record(name)), self.refusal)

    def undo(self, failure: Exception) -> None:
        """Give the attempt back: the code was right, even if the login failed later."""
        with suppress(TemporarilyUnavailable):
            self.commit(self.returned)


@dataclass(slots=True, eq=False, repr=False)
class MfaGrant:
    """Proves a user by a pending login and a second factor.

    factor: the one of this grant. commit: does writes apart from a token.
    """

    factor: Factor
    sessions: MfaSessions
    pending: PendingStore
    directory_of: Callable[[Realm], Directory]
    guard: AccountGuard
    commit: Callable[[tuple[Write, ...]], None]
    clock: Clock
    is_for_users: bool = True

    @property
    def grant_type(self) -> str:
        """The factor's grant type."""
        return self.factor.grant_type

    @property
    def parameters(self) -> tuple[str, ...]:
        """The parameters that the factor requires."""
        return self.factor.parameters

    @property
    def log_codes(self) -> tuple[str, str]:
        """The log codes of the factor's success and failure."""
        return self.factor.log_codes

    def prove(self, client: Client, request: Request) -> ProvedLogin:
        """Return the pending login, now complete; raises InvalidGrant, ExpiredToken, TooManyAttempts."""
        session = self.sessions.find_for_grant(request.require("mfa_token"), request, client)
        proof, waiting = self._check_code(session, request), session.pending
        login = Login(
            sub=session.user.user_id,
            client_id=client.client_id,
            gty=("password",),
            protocol="oauth2-password",
            amr=proof.amr,
            auth_time=waiting.auth_time,
            user=session.user,
            realm=session.realm.name,
            source_ip=request.source_ip,
            requested=waiting.requested,
            original=waiting.original,
            has_second_factor=True,
            # An access token that confirms an authenticator does not gain time by it.
            latest_exp=0 if session.is_login else waiting.ends_at,
        )
        return ProvedLogin(login, self._make_settlement(session, proof, request), proof.members)

    def _check_code(self, session: MfaSession, request: Request) -> Proof:
        """Return the factor's proof; a wrong code counts as a failure of the address too."""
        try:
            return self.factor.prove(session, request)
        except WrongCode:
            self.guard.addresses.fail(request.source_ip, ())
            raise

    def _make_settlement(self, session: MfaSession, proof: Proof, request: Request) -> MfaSettlement:
        directory, user = self.directory_of(session.realm), session.user
        own = directory.counts_of(user.user_id)
        attempt = LoginAttempt(
            account=session.account,
            counts=own or self.guard.attempts.key_of(session.account),
            door=session.pending.door,
            is_user=own is not None,
            address=request.source_ip,
            policy=session.tenant.brute_force_protection,
            fill=(),
        )
        counts = self.guard.forgive(attempt, user.attempt_counts) or Change()
        record = LoginRecord(self.clock.now_s(), request.source_ip, multifactor=proof.multifactor)
        login = (self.pending.use_login(session.pending),) if session.is_login else ()
        apart = () if own or counts == Change() else (update_write(attempt.counts, update_of(counts)),)
        return MfaSettlement(
            used=(*proof.writes, *login, *apart),
            record=directory.login_writes(user, replace(record, counts=counts)),
            returned=proof.give_back,
            refusal=self.factor.refusal,
            commit=self.commit,
        )

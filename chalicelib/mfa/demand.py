"""Decide if a login owes a second factor. The request has no say in it (docs/use/mfa.md "When it is owed")."""

from collections.abc import Callable
from dataclasses import dataclass

from chalicelib.errors import MfaRequired, UnauthorizedClient
from chalicelib.mfa.session import own_email
from chalicelib.model.clock import Clock
from chalicelib.model.enrolment import EMAIL, FACTOR_KINDS, PendingLogin
from chalicelib.model.login import Login, RequestedAccess
from chalicelib.model.tenant import MFA_GRANTS, MFA_OTP, Client, Tenant
from chalicelib.model.user import Credentials
from chalicelib.store.sessions import MFA_TOKEN, PendingStore, make_token, stored_id

LIFETIME_S = 600
Requirements = dict[str, list[dict[str, str]]]


@dataclass(slots=True, eq=False, repr=False)
class SecondFactor:
    """Asks for the second factor that a login owes."""

    tenant: Callable[[], Tenant]
    pending: PendingStore
    clock: Clock

    def demand(self, client: Client, login: Login, requested: RequestedAccess, by_rule: bool | None) -> None:
        """Return if no second factor is owed; else store the login and raise MfaRequired.

        by_rule: whether a rule asks for one, None if no rule said. Raises UnauthorizedClient for a client without any
        MFA grant.
        """
        if login.user is None or not self._is_owed(login, login.user, by_rule):
            return
        if not client.grant_types.intersection(MFA_GRANTS):
            raise UnauthorizedClient(f"Grant type '{MFA_OTP}' not allowed for the client.")
        token = make_token(MFA_TOKEN)
        pending = PendingLogin(
            login_id=stored_id(token),
            client_id=client.client_id,
            realm=login.realm,
            user_id=login.user.user_id,
            credential_version=login.user.credential_epoch,
            requested=requested,
            original=login.original,
            auth_time=login.auth_time or 0,
            ends_at=self.clock.now_s() + LIFETIME_S,
            door=login.door,
        )
        self.pending.put_login(pending)
        # Only a password may enrol; a refresh token may not.
        raise MfaRequired(token, requirements(login, self.tenant(), may_enrol=login.original is None))

    def _is_owed(self, login: Login, user: Credentials, by_rule: bool | None) -> bool:
        if login.has_second_factor:
            return False
        if by_rule is not None:
            return by_rule
        # A refresh carries on the factor of its login; a user who enrolled since then owes one.
        return "mfa" not in login.amr and (self.tenant().mfa.policy == "always" or bool(user.multifactor))


def requirements(login: Login, tenant: Tenant, may_enrol: bool) -> Requirements:
    """Return the kinds of factors to challenge, or those to enrol if there is none yet and may_enrol is set."""
    on = tenant.mfa.factors
    multifactor = login.user.multifactor if login.user else ""
    enrolled = [kind for kind in multifactor.split(",") if kind in on]
    has_own_email = EMAIL in on and EMAIL not in enrolled and bool(own_email(login.person, tenant))
    challenge = [*enrolled, *([EMAIL] if has_own_email else [])]
    enrollable = [name for name, kind in FACTOR_KINDS.items() if kind.is_enrolled and name in on]
    enrol = enrollable if may_enrol and not challenge else []
    both = {"challenge": challenge, "enroll": enrol}
    return {name: [{"type": FACTOR_KINDS[kind].requirement} for kind in kinds] for name, kinds in both.items() if kinds}

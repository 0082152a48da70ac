"""The /mfa endpoints: enrol, challenge, list and remove second factors. Source: docs/use/mfa.md, as Auth0 has them."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from chalicelib.clients import ClientAuthenticator
from chalicelib.directories.finder import bearer
from chalicelib.errors import (
    AccessDenied,
    InvalidAuthenticator,
    InvalidGrant,
    InvalidRequest,
    InvalidToken,
    NotFound,
    UnsupportedChallengeType,
)
from chalicelib.mfa.enrolling import MAX_AUTHENTICATORS, remove_authenticator
from chalicelib.mfa.factor import EnrollableFactor
from chalicelib.mfa.names import list_authenticators
from chalicelib.mfa.recovery import RecoveryCode
from chalicelib.mfa.session import MfaSession, MfaSessions, is_access_token
from chalicelib.model.enrolment import FACTOR_KINDS, OOB, Authenticator, Enrolment
from chalicelib.model.request import Request
from chalicelib.model.tenant import ENROLL, READ_AUTHENTICATORS, REMOVE_AUTHENTICATORS
from chalicelib.store.aws.calls import ConditionFailed

NOT_ENROLLED = "User is not enrolled. You can use /mfa/associate endpoint to enroll the first authenticator."
ENROLLED = "User is already enrolled. Use an access token of the MFA API to enroll another authenticator."
OWN_EMAIL = "Show a code of the verified email first. Then enroll with an access token of the MFA API."
REFRESHED = "A refresh token enrolls no authenticator. Log in with the password to enroll the first one."


@dataclass(slots=True, eq=False, repr=False)
class MfaFlow:
    """Answers /mfa/challenge, /mfa/associate and /mfa/authenticators. factors: by kind of authenticator."""

    clients: ClientAuthenticator
    sessions: MfaSessions
    factors: Mapping[str, EnrollableFactor]
    recovery_code: RecoveryCode

    def challenge(self, request: Request) -> dict[str, Any]:
        """Return the challenge: the application asks for an app's code, or for the code that was just sent.

        Raises UnsupportedChallengeType, InvalidAuthenticator, TooManyAttempts, and the errors of a bad mfa_token.
        """
        client = self.clients.authenticate(request)
        request = request.with_forwarded_address(client)
        session = self.sessions.find_by_mfa_token(request.require("mfa_token"), request, client)
        authenticator = _choose_authenticator(session, request)
        return self.factors[authenticator.kind].challenge(session, authenticator)

    def associate(self, request: Request) -> dict[str, Any]:
        """Return a new authenticator's secret or its oob_code, and the first recovery code. Its first use confirms it.

        Raises AccessDenied for a password alone if the user has a second factor or a verified email, and for a refresh
        token in any case; TooManyAttempts.
        """
        session = self._find_session(request, ENROLL)
        if session.is_login and not session.may_enrol_first:
            raise AccessDenied(_why_not_first(session))
        if len(session.enrolment.authenticators) >= MAX_AUTHENTICATORS:
            raise AccessDenied("The user has as many authenticators as there may be.")
        kind = _choose_kind(session, request)
        return self.factors[kind].enrol(session, kind, request, partial(self._store_enrolment, session))

    def authenticators(self, request: Request) -> list[dict[str, Any]]:
        """Return the user's authenticators, each with its ID and a masked name."""
        return list_authenticators(self._find_session(request, READ_AUTHENTICATORS))

    def remove(self, request: Request) -> None:
        """Remove an authenticator; raises NotFound. An mfa_token, which a password alone gets, never removes one."""
        session = self.sessions.find_by_access_token(bearer(request.authorization), request, REMOVE_AUTHENTICATORS)
        authenticator_id = request.path_params.get("authenticator_id", "")
        if authenticator_id not in [one.authenticator_id for one in session.enrolment.authenticators]:
            raise NotFound("No such authenticator.")
        self._replace(session, remove_authenticator(session.enrolment, authenticator_id))

    def _store_enrolment(self, session: MfaSession, enrolment: Enrolment) -> dict[str, Any]:
        """Store an enrolment with one authenticator more, and return the recovery code that comes with the first."""
        after, recovery = self.recovery_code.first(session, enrolment)
        self._replace(session, after)
        return recovery

    def _replace(self, session: MfaSession, after: Enrolment) -> None:
        try:
            self.sessions.enrolments_of(session.realm).replace(session.user, session.enrolment, after)
        except ConditionFailed:
            raise InvalidRequest("The user's authenticators were changed meanwhile. Please try again.") from None

    def _find_session(self, request: Request, scope: str) -> MfaSession:
        """Return the session of the bearer token: an mfa_token, or an access token of the MFA API with this scope."""
        token = bearer(request.authorization)
        if is_access_token(token):
            return self.sessions.find_by_access_token(token, request, scope)
        try:
            return self.sessions.find_by_mfa_token(token, request, None)
        except InvalidGrant as failure:
            raise InvalidToken(reason=failure.reason) from None


def _why_not_first(session: MfaSession) -> str:
    if session.is_enrolled:
        return ENROLLED
    return REFRESHED if session.pending.original else OWN_EMAIL


def _choose_authenticator(session: MfaSession, request: Request) -> Authenticator:
    """Return the authenticator to challenge: the one that the request names, else an app rather than a message."""
    kinds = FACTOR_KINDS.values()
    types = (request.text("challenge_type") or " ".join(kind.authenticator_type for kind in kinds)).split()
    wanted = {name for name, kind in FACTOR_KINDS.items() if kind.authenticator_type in types}
    channel, named = request.text("oob_channel"), request.text("authenticator_id")
    found = [one for one in session.active if one.kind in wanted and channel in (None, one.kind)]
    if named is not None:
        found = [one for one in session.active if one.authenticator_id == named and one.kind in wanted]
        if not found:
            raise InvalidAuthenticator("The user has no such authenticator.")
    if not found:
        raise UnsupportedChallengeType(NOT_ENROLLED if not session.active else "The user has no such authenticator.")
    return min(found, key=lambda one: FACTOR_KINDS[one.kind].authenticator_type == OOB)


def _choose_kind(session: MfaSession, request: Request) -> str:
    """Return the kind of authenticator that the request names; raises InvalidRequest if the tenant lacks it."""
    types, channels = (_texts(request, name) for name in ("authenticator_types", "oob_channels"))
    if not types:
        raise InvalidRequest("Missing required parameter: authenticator_types")
    enrolled = [kind for kind in FACTOR_KINDS.values() if kind.is_enrolled and kind.authenticator_type in types]
    kinds = [kind.name for kind in enrolled if kind.authenticator_type != OOB]
    sent = [name for name in channels if name in [kind.name for kind in enrolled if kind.authenticator_type == OOB]]
    on = [kind for kind in kinds or sent if session.is_on(kind)]
    if not on:
        raise InvalidRequest("No authenticator of these types can be enrolled here.")
    return on[0]


def _texts(request: Request, name: str) -> list[str]:
    value = request.body.get(name, [])
    listed = value.split() if isinstance(value, str) else value
    if not isinstance(listed, list) or not all(isinstance(one, str) for one in listed):
        raise InvalidRequest(f"{name} must be a list of strings.")
    return listed

"""The /mfa endpoints: enrol, challenge, list and remove second factors. Source: docs/use/mfa.md, as Auth0 has them."""

import re
from dataclasses import dataclass
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
from chalicelib.mfa.case import Case, Cases, is_access_token
from chalicelib.mfa.enrolling import MAX_AUTHENTICATORS, removed
from chalicelib.mfa.names import shown
from chalicelib.mfa.oob import Oob
from chalicelib.mfa.otp import Otp
from chalicelib.mfa.recovery import RecoveryCode
from chalicelib.mfa.typed import phone_number
from chalicelib.model.enrolment import EMAIL, OTP, SMS, Authenticator, Enrolment
from chalicelib.model.request import Request
from chalicelib.model.tenant import ENROLL, READ_AUTHENTICATORS, REMOVE_AUTHENTICATORS
from chalicelib.store.aws import ConditionFailed

NOT_ENROLLED = "User is not enrolled. You can use /mfa/associate endpoint to enroll the first authenticator."
ENROLLED = "User is already enrolled. Use an access token of the MFA API to enroll another authenticator."
OWN_EMAIL = "Show a code of the verified email first. Then enroll with an access token of the MFA API."
REFRESHED = "A refresh token enrolls no authenticator. Log in with the password to enroll the first one."
PHONE = re.compile(r"\+[1-9][0-9]{6,14}")
# Of RFC 5321 what SES takes: no quotes, no display name, no list, no empty label of a domain.
ADDRESS = re.compile(
    r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@(?=[A-Za-z0-9.-]{1,189}\Z)[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*"
)
OOB_CHANNELS = (SMS, EMAIL)


@dataclass(frozen=True, slots=True)
class Factors:
    """The factors, each by its own name."""

    otp: Otp
    oob: Oob
    recovery_code: RecoveryCode


@dataclass(frozen=True, slots=True)
class MfaFlow:
    """Answers /mfa/challenge, /mfa/associate and /mfa/authenticators."""

    clients: ClientAuthenticator
    cases: Cases
    factors: Factors

    def challenge(self, request: Request) -> dict[str, Any]:
        """Return what the application does next: ask for an app's code, or for one that was sent just now.

        Raises UnsupportedChallengeType, InvalidAuthenticator, TooManyAttempts, and what any bad mfa_token raises.
        """
        client = self.clients.authenticate(request)
        request = request.forwarded_by(client)
        case = self.cases.of_login(request.required("mfa_token"), request, client)
        authenticator = _chosen(case, request)
        if authenticator.kind == OTP:
            return {"challenge_type": OTP}
        with self.factors.oob.admitted(case, authenticator):
            return {"challenge_type": "oob", **self.factors.oob.send(case, authenticator)}

    def associate(self, request: Request) -> dict[str, Any]:
        """Return a new authenticator's secret or its sent code, and the first recovery code; it is confirmed by use.

        Raises AccessDenied if only a password speaks for a person who has a second factor or a verified email, or only
        a refresh token for anybody; TooManyAttempts.
        """
        case = self._case(request, ENROLL)
        if case.is_login and not case.may_enrol_first:
            raise AccessDenied(_why_not_first(case))
        if len(case.enrolment.authenticators) >= MAX_AUTHENTICATORS:
            raise AccessDenied("The user has as many authenticators as there may be.")
        kind = _wanted(case, request)
        if kind == OTP:
            enrolment, answer = self.factors.otp.associate(case)
            return answer | self._enrolled(case, enrolment)
        enrolment, authenticator = self.factors.oob.associate(case, kind, _address(case, kind, request))
        # Admitted first: what is refused must not have replaced the recovery code that was shown before. Stored next:
        # of several at once, those that are refused send nothing.
        with self.factors.oob.admitted(case, authenticator):
            recovery = self._enrolled(case, enrolment)
            sent = self.factors.oob.send(case, authenticator)
        return {"authenticator_type": "oob", "oob_channel": kind, **sent, **recovery}

    def authenticators(self, request: Request) -> list[dict[str, Any]]:
        """Return the person's authenticators, each with its id and a masked name."""
        return shown(self._case(request, READ_AUTHENTICATORS))

    def remove(self, request: Request) -> None:
        """Remove an authenticator; raises NotFound. A password alone, by an mfa_token, never does."""
        case = self.cases.of_token(bearer(request.authorization), request, REMOVE_AUTHENTICATORS)
        authenticator_id = request.path_params.get("authenticator_id", "")
        if authenticator_id not in [one.authenticator_id for one in case.enrolment.authenticators]:
            raise NotFound("No such authenticator.")
        self._replace(case, removed(case.enrolment, authenticator_id))

    def _enrolled(self, case: Case, enrolment: Enrolment) -> dict[str, Any]:
        """Store an enrolment with one authenticator more, and return the recovery codes that come with the first."""
        after, recovery = self.factors.recovery_code.first(case, enrolment)
        self._replace(case, after)
        return recovery

    def _replace(self, case: Case, after: Enrolment) -> None:
        try:
            self.cases.enrolments_of(case.realm).replace(case.user, case.enrolment, after)
        except ConditionFailed:
            raise InvalidRequest("The user's authenticators were changed meanwhile. Please try again.") from None

    def _case(self, request: Request, scope: str) -> Case:
        """Return the case of the bearer: an mfa_token, or an access token of the MFA API with this scope."""
        token = bearer(request.authorization)
        if is_access_token(token):
            return self.cases.of_token(token, request, scope)
        try:
            return self.cases.of_login(token, request, None)
        except InvalidGrant as failure:
            raise InvalidToken(reason=failure.reason) from None


def _why_not_first(case: Case) -> str:
    if case.is_enrolled:
        return ENROLLED
    return REFRESHED if case.pending.original else OWN_EMAIL


def _chosen(case: Case, request: Request) -> Authenticator:
    """Return the authenticator that a challenge is for: the one that is named, else an app before a message."""
    types = (_text(request, "challenge_type") or "otp oob").split()
    wanted = {OTP} & set(types) | (set(OOB_CHANNELS) if "oob" in types else set())
    channel, named = _text(request, "oob_channel"), _text(request, "authenticator_id")
    found = [one for one in case.active if one.kind in wanted and channel in (None, one.kind)]
    if named is not None:
        found = [one for one in case.active if one.authenticator_id == named and one.kind in wanted]
        if not found:
            raise InvalidAuthenticator("The user has no such authenticator.")
    if not found:
        raise UnsupportedChallengeType(NOT_ENROLLED if not case.active else "The user has no such authenticator.")
    return min(found, key=lambda one: one.kind != OTP)


def _wanted(case: Case, request: Request) -> str:
    """Return the kind of authenticator that is asked for; raises InvalidRequest where the tenant has it not."""
    types, channels = (_texts(request, name) for name in ("authenticator_types", "oob_channels"))
    if not types:
        raise InvalidRequest("Missing required parameter: authenticator_types")
    kinds = [OTP] if OTP in types else [one for one in channels if one in OOB_CHANNELS] if "oob" in types else []
    on = [kind for kind in kinds if case.is_on(kind)]
    if not on:
        raise InvalidRequest("No authenticator of these types can be enrolled here.")
    return on[0]


def _texts(request: Request, name: str) -> list[str]:
    value = request.body.get(name, [])
    listed = value.split() if isinstance(value, str) else value
    if not isinstance(listed, list) or not all(isinstance(one, str) for one in listed):
        raise InvalidRequest(f"{name} must be a list of strings.")
    return listed


def _text(request: Request, name: str) -> str | None:
    value = request.body.get(name)
    if not isinstance(value, str | None):
        raise InvalidRequest(f"{name} must be a string.")
    return value


def _address(case: Case, kind: str, request: Request) -> str:
    if kind == SMS:
        number = phone_number(request.required("phone_number"))
        if not PHONE.fullmatch(number):
            raise InvalidRequest("phone_number must be in E.164 form, such as +14155550100.")
        return number
    address = _text(request, "email") or case.user.email
    if not address:
        raise InvalidRequest("Missing required parameter: email")
    if not ADDRESS.fullmatch(address):
        raise InvalidRequest("email is no email address.")
    return address

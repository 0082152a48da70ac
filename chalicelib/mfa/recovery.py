"""Recovery codes: each user has one, which works once and is replaced by the next."""

import hashlib
import hmac
import secrets
import string
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from chalicelib.errors import InvalidGrant, UnsupportedChallengeType
from chalicelib.mfa.limits import RECOVERY_CODES, Limits
from chalicelib.mfa.session import MALFORMED, MfaSession, Proof, WrongCode
from chalicelib.mfa.typed import plain_code
from chalicelib.model.enrolment import RECOVERY_CODE, Enrolment
from chalicelib.model.request import Request
from chalicelib.model.tenant import MFA_RECOVERY_CODE
from chalicelib.store.people.enrolments import EnrolmentStore

REJECTED = RECOVERY_CODES.invalid
NONE = "User does not have a recovery-code."
LENGTH = 24
_ALPHABET = string.ascii_uppercase + string.digits


@dataclass(slots=True, eq=False, repr=False)
class RecoveryCode:
    """The factor recovery-code."""

    limits: Limits
    enrolments_of: Callable[[Any], EnrolmentStore]
    grant_type: ClassVar = MFA_RECOVERY_CODE
    parameters: ClassVar = ("mfa_token", "recovery_code")
    log_codes: ClassVar = ("sercft", "fercft")
    refusal: ClassVar = REJECTED

    def first(self, session: MfaSession, enrolment: Enrolment) -> tuple[Enrolment, dict[str, Any]]:
        """Return the enrolment with a recovery code for its newest authenticator, and the members that show the code.

        If the user has a second factor already, the enrolment is unchanged and there are no members.
        """
        if session.enrolment.active or not session.is_on(RECOVERY_CODE):
            return enrolment, {}
        code, (*others, newest) = _new_code(), enrolment.authenticators
        with_code = replace(newest, recovery_hash=_hash_code(code))
        return replace(enrolment, authenticators=(*others, with_code)), {"recovery_codes": [code]}

    def prove(self, session: MfaSession, request: Request) -> Proof:
        """Return the proof of the right code, with the next code; raises InvalidGrant, TooManyAttempts.

        Raises UnsupportedChallengeType if the user has no recovery code.
        """
        code, enrolment = plain_code(request.require("recovery_code")).upper(), session.enrolment
        if not session.is_login:
            raise InvalidGrant(MALFORMED, reason="an access token confirms authenticators, and does no more")
        if not (enrolment.active and enrolment.recovery_hash and session.is_on(RECOVERY_CODE)):
            raise UnsupportedChallengeType(NONE)
        with self.limits.count_attempt(session, request.source_ip, RECOVERY_CODES) as give_back:
            if not hmac.compare_digest(_hash_code(code), enrolment.recovery_hash):
                raise WrongCode(REJECTED, reason="wrong recovery code", event="gd_recovery_failed")
        following = _new_code()
        after = replace(enrolment, recovery_hash=_hash_code(following))
        writes = self.enrolments_of(session.realm).writes(enrolment, after)
        return Proof(("pwd", "mfa"), give_back, writes, None, {"recovery_code": following})


def renew_recovery_code(enrolment: Enrolment) -> tuple[Enrolment, str]:
    """Return the enrolment with a new recovery code in place of any other, and the code."""
    code = _new_code()
    return replace(enrolment, recovery_hash=_hash_code(code)), code


def _new_code() -> str:
    return "".join(secrets.choice(_ALPHABET) for _ in range(LENGTH))


def _hash_code(code: str) -> str:
    return hashlib.sha256(code.encode()).hexdigest()

"""Codes that are sent out of band, by text message or email: six digits, five minutes, used once."""

import hashlib
import hmac
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, ClassVar

from chalicelib.errors import AuthorizationPending, InvalidGrant, InvalidRequest, WireError
from chalicelib.identifiers import is_mailable, is_textable
from chalicelib.mfa.countries import require_country
from chalicelib.mfa.enrolling import add_authenticator, confirm_authenticator, new_authenticator
from chalicelib.mfa.factor import Store
from chalicelib.mfa.limits import SENT_CODES, Limits
from chalicelib.mfa.session import MfaSession, Proof, WrongCode
from chalicelib.mfa.typed import phone_number, plain_code
from chalicelib.model.clock import Clock
from chalicelib.model.enrolment import EMAIL, OOB, SMS, Authenticator, Challenge
from chalicelib.model.request import Request
from chalicelib.model.storage import Write
from chalicelib.model.tenant import MFA_OOB
from chalicelib.store.aws.messages import Messages
from chalicelib.store.people.enrolments import EnrolmentStore
from chalicelib.store.sessions import PendingStore, stored_id

MALFORMED = "Malformed oob_code."
INVALID = SENT_CODES[SMS].invalid
PENDING = "Authorization pending: please repeat the request in a few seconds."
LIFETIME_S = 300
DIGITS = 6
TOKEN_BYTES = 32
AMR = {SMS: ("pwd", "sms", "mfa")}


@dataclass(slots=True, eq=False, repr=False)
class Oob:
    """The factors sms and email."""

    messages: Messages
    pending: PendingStore
    limits: Limits
    enrolments_of: Callable[[Any], EnrolmentStore]
    clock: Clock
    kinds: ClassVar = (SMS, EMAIL)
    grant_type: ClassVar = MFA_OOB
    parameters: ClassVar = ("mfa_token", "oob_code")
    log_codes: ClassVar = ("seoobft", "feoobft")
    refusal: ClassVar = INVALID

    def enrol(self, session: MfaSession, kind: str, request: Request, store: Store) -> dict[str, Any]:
        """Store a new phone or email address, send it a code, and return the members that answer the code."""
        authenticator = new_authenticator(session, kind, _address(session, kind, request))
        # Admitted first: a refused request must not replace the recovery code that was shown before. Stored next: of
        # several requests at once, those that are refused send nothing.
        with self.admit(session, authenticator):
            recovery = store(add_authenticator(session.enrolment, authenticator))
            sent = self.send(session, authenticator)
        return {"authenticator_type": OOB, "oob_channel": kind, **sent, **recovery}

    def challenge(self, session: MfaSession, authenticator: Authenticator) -> dict[str, Any]:
        """Send a code, and return the members that answer it; raises what admit raises."""
        with self.admit(session, authenticator):
            return {"challenge_type": OOB, **self.send(session, authenticator)}

    @contextmanager
    def admit(self, session: MfaSession, authenticator: Authenticator) -> Iterator[None]:
        """Take a message to this authenticator from its allowances before the block sends it.

        If the block raises a WireError, the message is given back. Raises TooManyAttempts, and InvalidRequest for a
        number of a country that the tenant does not send text messages to.
        """
        if authenticator.kind == SMS:
            require_country(authenticator.address, session.tenant.mfa.sms_countries)
        taken = self.limits.take_message(session, authenticator.kind, authenticator.address)
        try:
            yield
        except WireError:
            self.limits.give_back(taken)
            raise

    def send(self, session: MfaSession, authenticator: Authenticator) -> dict[str, str]:
        """Send a fresh code whose message was admitted, and return the members that answer it."""
        oob_code = secrets.token_urlsafe(TOKEN_BYTES)
        code = f"{secrets.randbelow(10**DIGITS):0{DIGITS}}"
        challenge = Challenge(
            challenge_id=stored_id(oob_code),
            authenticator_id=authenticator.authenticator_id,
            code_hash=_code_hash(oob_code, code),
            ends_at=self.clock.now_s() + LIFETIME_S,
        )
        self.pending.put_challenge(session.pending, challenge)
        self._deliver(session, authenticator, code)
        return {"oob_code": oob_code, "binding_method": "prompt"}

    def prove(self, session: MfaSession, request: Request) -> Proof:
        """Return the proof of a right code; raises InvalidGrant, TooManyAttempts.

        Without a code, as for a push, raises AuthorizationPending, or SlowDown for polls that follow too fast.
        """
        oob_code, code = request.require("oob_code"), request.params.get("binding_code")
        challenge = self._live(session, oob_code)
        authenticator = next(
            (one for one in session.usable if one.authenticator_id == challenge.authenticator_id), None
        )
        if authenticator is None:
            raise InvalidGrant(MALFORMED, reason="the authenticator is gone, or not this login's to confirm")
        if code is None:
            self.limits.take_poll(session, challenge.challenge_id)
            raise AuthorizationPending(PENDING)
        with self.limits.count_attempt(session, request.source_ip, SENT_CODES[authenticator.kind]) as give_back:
            if not hmac.compare_digest(_code_hash(oob_code, plain_code(code)), challenge.code_hash):
                raise WrongCode(INVALID, reason="wrong binding_code")
        writes, multifactor = self._confirmation(session, authenticator)
        amr = AMR.get(authenticator.kind, ("pwd", "mfa"))
        used = self.pending.use_challenge(session.pending, challenge)
        return Proof(amr, give_back, (used, *writes), multifactor, {})

    def _confirmation(self, session: MfaSession, authenticator: Authenticator) -> tuple[tuple[Write, ...], str | None]:
        """Return the writes that confirm an authenticator with its first right code, and the user's kinds then.

        An active one needs no write, and its kinds are None: they stay.
        """
        if authenticator.is_active:
            return (), None
        after = confirm_authenticator(session.enrolment, authenticator)
        return self.enrolments_of(session.realm).writes(session.enrolment, after), after.kinds

    def _live(self, session: MfaSession, oob_code: str) -> Challenge:
        """Return the session's live challenge; raises InvalidGrant unless this is its oob_code."""
        challenge = self.pending.challenge(session.pending)
        if challenge is None or not hmac.compare_digest(stored_id(oob_code), challenge.challenge_id):
            raise InvalidGrant(MALFORMED, reason="not the oob_code of this login's latest challenge")
        if challenge.ends_at <= self.clock.now_s():
            raise InvalidGrant(MALFORMED, reason="the challenge is over")
        return challenge

    def _deliver(self, session: MfaSession, authenticator: Authenticator, code: str) -> None:
        name = session.tenant.friendly_name
        text = f"{code} is your verification code for {name}. It is valid for {LIFETIME_S // 60} minutes."
        if authenticator.kind == SMS:
            self.messages.send_sms(authenticator.address, text)
        else:
            self.messages.send_email(authenticator.address, f"Your verification code for {name}", text)


def _address(session: MfaSession, kind: str, request: Request) -> str:
    """Return the number or address to enrol; without an email, the user's own. Raises InvalidRequest."""
    if kind == SMS:
        number = phone_number(request.require("phone_number"))
        if not is_textable(number):
            raise InvalidRequest("phone_number must be in E.164 form, such as +14155550100.")
        return number
    address = request.text("email") or session.user.email
    if not address:
        raise InvalidRequest("Missing required parameter: email")
    if not is_mailable(address):
        raise InvalidRequest("email is no email address.")
    return address


def _code_hash(oob_code: str, code: str) -> str:
    # Six digits are guessed in no time, so the hash is keyed with the oob_code, which the store does not have.
    return hmac.new(oob_code.encode(), code.encode(), hashlib.sha256).hexdigest()

"""One-time passwords of an authenticator app (RFC 6238): six digits, a new one every 30 seconds."""

import secrets
from base64 import b32encode
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from chalicelib.mfa.enrolling import add_authenticator, confirm_authenticator, new_authenticator
from chalicelib.mfa.factor import Store
from chalicelib.mfa.limits import OTP_CODES, Limits
from chalicelib.mfa.session import MfaSession, Proof, WrongCode
from chalicelib.mfa.typed import plain_code
from chalicelib.model.clock import Clock
from chalicelib.model.enrolment import OTP, Authenticator, Enrolment
from chalicelib.model.request import Request
from chalicelib.model.tenant import MFA_OTP
from chalicelib.store.configuration.vault import Vault, seal, unseal
from chalicelib.store.people.enrolments import EnrolmentStore

INVALID = OTP_CODES.invalid
STEP_S = 30
# A phone's clock is rarely right, so a code of the step before or after is accepted too (RFC 6238 5.2).
SKEW_STEPS = 1
SECRET_BYTES = 20
DIGITS = 6


@dataclass(slots=True, eq=False, repr=False)
class Otp:
    """The factor otp. vault: seals its secrets."""

    vault: Vault
    limits: Limits
    enrolments_of: Callable[[Any], EnrolmentStore]
    clock: Clock
    kinds: ClassVar = (OTP,)
    grant_type: ClassVar = MFA_OTP
    parameters: ClassVar = ("mfa_token", "otp")
    log_codes: ClassVar = ("seotpft", "feotpft")
    refusal: ClassVar = INVALID

    def enrol(self, session: MfaSession, kind: str, request: Request, store: Store) -> dict[str, Any]:
        """Store a new device, and return what its app needs. kind: otp always; the request is not read."""
        enrolment, answer = self.associate(session)
        return answer | store(enrolment)

    def challenge(self, session: MfaSession, authenticator: Authenticator) -> dict[str, Any]:
        """Return the challenge: the application asks for the app's code."""
        return {"challenge_type": authenticator.kind}

    def associate(self, session: MfaSession) -> tuple[Enrolment, dict[str, Any]]:
        """Return the enrolment with a new device, and what its app needs: the secret, and the URI of its QR code."""
        text = b32encode(secrets.token_bytes(SECRET_BYTES)).decode()
        authenticator = new_authenticator(session, OTP)
        data_key, stored = self._data_key(session)
        sealed = seal(data_key, text, _owner(session, authenticator))
        enrolment = add_authenticator(
            replace(session.enrolment, data_key=stored), replace(authenticator, secret=sealed)
        )
        return enrolment, {"authenticator_type": OTP, "secret": text, "barcode_uri": barcode_uri(session, text)}

    def prove(self, session: MfaSession, request: Request) -> Proof:
        """Return the proof of a right code; raises InvalidGrant, TooManyAttempts.

        A device's step is used once: the write of its use fails if another request was faster.
        """
        code = plain_code(request.require("otp"))
        with self.limits.count_attempt(session, request.source_ip, OTP_CODES) as give_back:
            used = next(self._matching(session, code), None)
            if used is None:
                raise WrongCode(INVALID, reason="no device has this code, or it was used")
        after = confirm_authenticator(session.enrolment, used)
        writes = self.enrolments_of(session.realm).writes(session.enrolment, after)
        return Proof(("pwd", "otp", "mfa"), give_back, writes, after.kinds, {})

    def _matching(self, session: MfaSession, code: str) -> Iterator[Authenticator]:
        """Yield each device that has this code in an unused step, with that step marked as used."""
        devices = [one for one in session.usable if one.kind == OTP]
        data_key = self.vault.open_key(session.enrolment.data_key, session.account.key) if devices else b""
        for device in devices:
            step = self._step(unseal(data_key, device.secret, _owner(session, device)), code)
            if step is not None and step > device.last_step:
                yield replace(device, last_step=step)

    def _step(self, text: str, code: str) -> int | None:
        # Only a login with this factor waits for the import of pyotp.
        from pyotp import TOTP  # noqa: PLC0415
        from pyotp.exceptions import OTPVerificationError  # noqa: PLC0415

        totp, now = TOTP(text, digits=DIGITS, interval=STEP_S), self.clock.now_s()
        try:
            return totp.verify_and_get_timecode(code, for_time=now, valid_window=SKEW_STEPS)
        except OTPVerificationError:
            return None

    def _data_key(self, session: MfaSession) -> tuple[bytes, str]:
        stored, owner = session.enrolment.data_key, session.account.key
        return (self.vault.open_key(stored, owner), stored) if stored else self.vault.new_key(owner)


def barcode_uri(session: MfaSession, text: str) -> str:
    """Return the otpauth URI of a secret, which apps read as a QR code."""
    from pyotp import TOTP  # noqa: PLC0415 (as above)

    issuer, user = session.tenant.friendly_name, session.user
    uri = TOTP(text, digits=DIGITS, interval=STEP_S).provisioning_uri(
        name=user.email or user.username, issuer_name=issuer
    )
    return f"{uri}&algorithm=SHA1&digits={DIGITS}&period={STEP_S}"


def _owner(session: MfaSession, authenticator: Authenticator) -> str:
    return f"{session.account.key}#{authenticator.authenticator_id}"

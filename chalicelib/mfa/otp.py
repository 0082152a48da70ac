"""One-time passwords of an authenticator app (RFC 6238): six digits, a new one every 30 seconds."""

import hmac
import secrets
from base64 import b32decode, b32encode
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any, ClassVar
from urllib.parse import quote

from chalicelib.mfa.enrolling import add_authenticator, confirm_authenticator, new_authenticator
from chalicelib.mfa.factor import Store
from chalicelib.mfa.limits import OTP_CODES, Limits
from chalicelib.mfa.session import MfaSession, Proof, WrongCode
from chalicelib.mfa.typed import plain_code
from chalicelib.model.account import Account
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
        sealed = seal(data_key, text, secret_owner(session.account, authenticator.authenticator_id))
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
            step = self._step(
                unseal(data_key, device.secret, secret_owner(session.account, device.authenticator_id)), code
            )
            if step is not None and step > device.last_step:
                yield replace(device, last_step=step)

    def _step(self, text: str, code: str) -> int | None:
        # Only a login with this factor waits for the import.
        from cryptography.hazmat.primitives.hashes import SHA1  # noqa: PLC0415
        from cryptography.hazmat.primitives.twofactor.hotp import HOTP  # noqa: PLC0415

        # Apps that other servers enrolled have secrets of 10 bytes, under the 16 of RFC 4226 4.
        hotp = HOTP(decode_secret(text), DIGITS, SHA1(), enforce_key_length=False)  # noqa: S303 (RFC 6238 1.2)
        typed, now = code.encode("utf-8", "surrogatepass"), self.clock.now_s() // STEP_S
        steps = range(now - SKEW_STEPS, now + SKEW_STEPS + 1)
        return next((step for step in steps if hmac.compare_digest(hotp.generate(step), typed)), None)

    def _data_key(self, session: MfaSession) -> tuple[bytes, str]:
        stored, owner = session.enrolment.data_key, session.account.key
        return (self.vault.open_key(stored, owner), stored) if stored else self.vault.new_key(owner)


def barcode_uri(session: MfaSession, text: str) -> str:
    """Return the otpauth URI of a secret, which apps read as a QR code."""
    issuer = quote(session.tenant.friendly_name, safe="")
    name = quote(session.user.email or session.user.username, safe="")
    return (
        f"otpauth://totp/{issuer}:{name}?secret={text}&issuer={issuer}&algorithm=SHA1&digits={DIGITS}&period={STEP_S}"
    )


def decode_secret(text: str) -> bytes:
    """Return the bytes of a secret in base32, with or without padding. Raises binascii.Error for other texts."""
    plain = text.rstrip("=")
    return b32decode(plain + "=" * (-len(plain) % 8), casefold=True)


def secret_owner(account: Account, authenticator_id: str) -> str:
    """Return the owner that the vault binds the secret of an authenticator to."""
    return f"{account.key}#{authenticator_id}"

"""The second factors of a user, and logins that wait for one."""

from dataclasses import dataclass, field

from chalicelib.model.login import Original, RequestedAccess
from chalicelib.model.redaction import mask_email, mask_number

OTP = "otp"
SMS = "sms"
EMAIL = "email"
RECOVERY_CODE = "recovery-code"
# Auth0's word for what is sent out of band.
OOB = "oob"


@dataclass(frozen=True, slots=True)
class FactorKind:
    """One kind of second factor: its name in the tenant file and in records, and Auth0's names for it.

    id_prefix: of its authenticators' IDs. requirement: its type in mfa_requirements. authenticator_type: its type at
    /mfa, "oob" if a code is sent. is_enrolled: whether a user enrols it; a recovery code comes with another factor.
    """

    name: str
    id_prefix: str
    requirement: str
    authenticator_type: str
    is_enrolled: bool = True


# By name; in this order they are offered.
FACTOR_KINDS = {
    kind.name: kind
    for kind in (
        FactorKind(OTP, "totp", "otp", OTP),
        FactorKind(SMS, "sms", "phone", OOB),
        FactorKind(EMAIL, "email", "email", OOB),
        FactorKind(RECOVERY_CODE, "recovery-code", "recovery-code", RECOVERY_CODE, is_enrolled=False),
    )
}


@dataclass(frozen=True, slots=True)
class Authenticator:
    """One second factor. kind: otp, sms or email. address: a phone number or an email, "" for otp.

    enrolled_by: while it is not active, the id of the one pending login that may confirm it; "" for any of the user.
    secret: of otp, sealed (`vault.py`). last_step: the last TOTP step that was used; -1 before the first.
    recovery_hash: of the recovery code that was shown with it, which comes into force if it is the first confirmed.
    """

    authenticator_id: str
    kind: str
    address: str = ""
    is_active: bool = False
    enrolled_by: str = ""
    secret: str = field(default="", repr=False)
    last_step: int = -1
    recovery_hash: str = field(default="", repr=False)

    @property
    def masked_address(self) -> str:
        """The address in a form that only its owner recognises; "" for otp."""
        if not self.address:
            return ""
        return mask_email(self.address) if self.kind == EMAIL else mask_number(self.address)


# What happened to a factor.
ADDED, REMOVED, USED = "added", "removed", "used"
# How long changes are remembered, and how many of one user at most.
HISTORY_LIFETIME_S = 365 * 86_400
MAX_HISTORY = 50


@dataclass(frozen=True, slots=True)
class FactorChange:
    """One change of a user's factors. at: epoch seconds. action: added or removed; used, for a recovery code.

    name: the masked address, "" for otp and a recovery code.
    """

    at: int
    action: str
    kind: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class Enrolment:
    """All second factors of one user.

    version: counts the changes; 0 if nothing was ever stored. data_key: seals the secrets; in its stored form.
    recovery_hash: of the one recovery code, "" if there is none. history: the changes of a year, the oldest first.
    """

    user_id: str
    version: int = 0
    data_key: str = field(default="", repr=False)
    recovery_hash: str = field(default="", repr=False)
    authenticators: tuple[Authenticator, ...] = ()
    history: tuple[FactorChange, ...] = ()

    @property
    def active(self) -> tuple[Authenticator, ...]:
        """The confirmed authenticators."""
        return tuple(one for one in self.authenticators if one.is_active)

    @property
    def kinds(self) -> str:
        """The kinds that can be challenged, as the user's credentials keep them, between commas."""
        kinds = {one.kind for one in self.active}
        return ",".join(sorted(kinds | ({RECOVERY_CODE} if kinds and self.recovery_hash else set())))


def changes_between(before: Enrolment, after: Enrolment, now: int) -> tuple[FactorChange, ...]:
    """Return the changes that lead from one state of a user's factors to the next. Unconfirmed ones do not count."""
    known, kept = ({one.authenticator_id for one in state.active} for state in (before, after))
    added = [(ADDED, one) for one in after.active if one.authenticator_id not in known]
    removed = [(REMOVED, one) for one in before.active if one.authenticator_id not in kept]
    changes = [FactorChange(now, action, one.kind, one.masked_address) for action, one in (*added, *removed)]
    # A recovery code is replaced by the next one when it is used.
    if before.recovery_hash and after.recovery_hash not in ("", before.recovery_hash):
        changes.append(FactorChange(now, USED, RECOVERY_CODE))
    return tuple(changes)


def forget_old(history: tuple[FactorChange, ...], now: int) -> tuple[FactorChange, ...]:
    """Return the changes that are still remembered: those of a year, a bounded number of the latest."""
    return tuple(one for one in history if one.at > now - HISTORY_LIFETIME_S)[-MAX_HISTORY:]


@dataclass(frozen=True, slots=True)
class PendingLogin:
    """A login whose password was right and whose second factor is owed. Times are epoch seconds.

    login_id: its ID in the store; "" if it is made of an access token of the MFA API. jti: of that token.
    credential_version: the user's when the password was checked. requested: the access that the login named. original:
    the access that a refresh token was granted before, None after a password. is_used: a second factor completed it.
    door: as of the login.
    """

    login_id: str
    client_id: str
    realm: str
    user_id: str
    credential_version: int
    requested: RequestedAccess
    original: Original | None
    auth_time: int
    ends_at: int
    jti: str = ""
    is_used: bool = False
    door: str = ""


@dataclass(frozen=True, slots=True)
class Challenge:
    """A code that was sent for a pending login or an access token. Each has one challenge: a new one replaces it.

    challenge_id: the hash of its oob_code. code_hash: keyed with the oob_code itself.
    """

    challenge_id: str
    authenticator_id: str
    code_hash: str = field(repr=False)
    ends_at: int = 0

"""How often codes may be guessed and sent. Each try is counted before it is looked at (docs/use/mfa.md "Limits")."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from chalicelib.errors import RateLimit, SlowDown, TemporarilyUnavailable, TooManyAttempts, WireError
from chalicelib.mfa.session import MfaSession, WrongCode
from chalicelib.model.account import Account
from chalicelib.model.address import network
from chalicelib.model.bucket import Bucket
from chalicelib.model.clock import Clock
from chalicelib.model.enrolment import EMAIL, OTP, RECOVERY_CODE, SMS
from chalicelib.model.storage import Write
from chalicelib.protection.destinations import HOUR_MS, allowance_of, stage_allowance
from chalicelib.store.code_attempts import Allowance, AllowanceStore, WrongCodeStore

MINUTE_MS = 60_000
CODES = Bucket(10, 6 * MINUTE_MS)
MESSAGES = {SMS: Bucket(10, HOUR_MS), EMAIL: Bucket(20, MINUTE_MS)}
POLLS = Bucket(1, 5_000)
# How many codes of one kind may be wrong in a row. Source: NIST SP 800-63B-4 3.2.2.
MAX_WRONG_IN_A_ROW = 100
# After this many wrong codes in a row, their owner is told.
TELL_AFTER = 10
TOO_MANY_CODES = "Too many failed codes. Wait for some minutes before retrying."
TOO_MANY_MESSAGES = "Too many messages sent to the user. Wait for some minutes before retrying."


@dataclass(frozen=True, slots=True)
class CodeLimit:
    """How guessing at one kind of code is stopped.

    name: the bucket that it shares with others. event: the log code of a refusal. invalid: the words for a wrong code.
    most: how many in a row disable the kind.
    """

    kind: str
    name: str
    event: str
    invalid: str
    most: int = MAX_WRONG_IN_A_ROW


OTP_CODES = CodeLimit(OTP, "codes", "gd_otp_rate_limit_exceed", "Invalid otp_code.")
SENT_CODES = {
    kind: CodeLimit(kind, "codes", "gd_otp_rate_limit_exceed", "Invalid binding_code.") for kind in (SMS, EMAIL)
}
# 124 random bits are not guessed: a thief who tries must not disable the way out of a lost phone.
RECOVERY_CODES = CodeLimit(
    RECOVERY_CODE.replace("-", "_"),
    "recovery-codes",
    "gd_recovery_rate_limit_exceed",
    "MFA Authorization rejected.",
    10**9,
)


@dataclass(slots=True, eq=False, repr=False)
class Limits:
    """Takes attempts and messages from their allowances.

    commit: does writes. mac: returns a keyed hash, by purpose, for numbers and addresses. on_wrong: hears of each
    account whose codes were wrong TELL_AFTER times in a row or more, with the time.
    """

    allowances: AllowanceStore
    wrong: WrongCodeStore
    commit: Callable[[tuple[Write, ...]], None]
    mac: Callable[[str, bytes], bytes]
    on_wrong: Callable[[Account, int], None]
    clock: Clock

    @contextmanager
    def count_attempt(self, session: MfaSession, address: str, limit: CodeLimit) -> Iterator[tuple[Write, ...]]:
        """Count an attempt before the block checks its code; yield the writes that give it back for a right code.

        Each network of the user's latest logins has an allowance of its own; all others share one.
        If AWS fails inside the block, the attempt is given back.
        Raises TooManyAttempts, and WrongCode if this kind is disabled.
        """
        allowance = _allowance_of(session, _bucket_name(session, address, limit), CODES)
        self._take(allowance, TOO_MANY_CODES, limit.event)
        with _undo_on_failure(lambda: self.commit((self.allowances.give_back(allowance),))):
            in_a_row = self._count(session, allowance, limit)
            with _undo_on_failure(lambda: self.wrong.withdraw(allowance.owner, limit.kind)):
                try:
                    yield self.allowances.give_back(allowance), self.wrong.clear_write(allowance.owner)
                except WrongCode:
                    self._tell(session, in_a_row)
                    raise

    def take_message(self, session: MfaSession, kind: str, address: str) -> tuple[Write, ...]:
        """Take one message by sms or email to an address; return the writes that give it back.

        The allowances are the user's, the destination's and, if the tenant sets messages_per_hour, the stage's.
        Raises TooManyAttempts.
        """
        taken: tuple[Write, ...] = ()
        for allowance in self._messages(session, kind, address):
            try:
                self._take(allowance, TOO_MANY_MESSAGES, "gd_otp_rate_limit_exceed")
            except WireError:
                self.give_back(taken)
                raise
            taken += (self.allowances.give_back(allowance),)
        return taken

    def give_back(self, taken: tuple[Write, ...]) -> None:
        """Give back what was taken for a message that was not sent."""
        with suppress(TemporarilyUnavailable):
            self.commit(taken)

    def take_poll(self, session: MfaSession, challenge_id: str) -> None:
        """Count one poll without a code; raises SlowDown if it comes too soon after the last."""
        if self.allowances.take(_allowance_of(session, f"poll#{challenge_id}", POLLS), self.clock.now_ms()):
            raise SlowDown("Polled too fast: wait five seconds between two requests.")

    def _count(self, session: MfaSession, allowance: Allowance, limit: CodeLimit) -> int:
        in_a_row = self.wrong.count(allowance.owner, limit.kind, limit.most)
        if in_a_row is None:
            self._tell(session, limit.most)
            raise WrongCode(limit.invalid, reason=f"{limit.kind} is disabled after {limit.most} wrong codes in a row")
        return in_a_row

    def _tell(self, session: MfaSession, in_a_row: int) -> None:
        if in_a_row >= TELL_AFTER:
            # A notice that is lost must not change the answer.
            with suppress(TemporarilyUnavailable):
                self.on_wrong(session.account, self.clock.now_s())

    def _messages(self, session: MfaSession, kind: str, address: str) -> Iterator[Allowance]:
        yield _allowance_of(session, kind, MESSAGES[kind])
        yield allowance_of(kind, address, self.mac)
        per_hour = session.tenant.mfa.messages_per_hour.get(kind)
        if per_hour:
            yield stage_allowance(kind, per_hour)

    def _take(self, allowance: Allowance, words: str, event: str) -> None:
        now_ms = self.clock.now_ms()
        wait_ms = self.allowances.take(allowance, now_ms)
        if wait_ms:
            limit = RateLimit(allowance.bucket.size, -(-(now_ms + wait_ms) // 1000))
            raise TooManyAttempts(words, retry_after_s=-(-wait_ms // 1000), event=event, rate_limit=limit)


@contextmanager
def _undo_on_failure(undo: Callable[[], None]) -> Iterator[None]:
    """Undo what was taken if AWS fails inside this block."""
    try:
        yield
    except TemporarilyUnavailable:
        with suppress(TemporarilyUnavailable):
            undo()
        raise


def _allowance_of(session: MfaSession, kind: str, bucket: Bucket) -> Allowance:
    return Allowance(f"mfa#{session.account.key}", kind, bucket)


def _bucket_name(session: MfaSession, address: str, limit: CodeLimit) -> str:
    """Return the name of the user's bucket for an address: a thief elsewhere does not empty the owner's."""
    known = network(address)
    return f"{limit.name}#{known}" if known in session.user.known_addresses else limit.name

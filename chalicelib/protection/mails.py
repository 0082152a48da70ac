"""The bounds of the emails that people ask for: silent, so that nobody learns by them who has an account."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from chalicelib.errors import TemporarilyUnavailable
from chalicelib.identifiers import canonical
from chalicelib.model.bucket import Bucket
from chalicelib.model.clock import Clock
from chalicelib.model.enrolment import EMAIL
from chalicelib.model.storage import Write
from chalicelib.model.tenant import MfaPolicy
from chalicelib.protection.destinations import HOUR_MS, allowance_of, stage_allowance
from chalicelib.store.code_attempts import Allowance, AllowanceStore

# Emails of one kind to a person: ten at once, then one each six minutes.
PERSON = Bucket(10, HOUR_MS // 10)


def mailed_person(realm: str, email: str, mac: Callable[[str, bytes], bytes]) -> str:
    """Return the owner of the allowances of a person's emails. mac: of the stage key."""
    hashed = mac("mailed person", f"{realm}\0{canonical(email)}".encode())
    return f"mailed#{hashed.hex()[:32]}"


@dataclass(slots=True, eq=False, repr=False)
class MailGuard:
    """Takes emails from their allowances, before anybody is looked up: an unknown address has allowances too.

    commit: does writes. mac: of the stage key.
    """

    allowances: AllowanceStore
    commit: Callable[[tuple[Write, ...]], None]
    mac: Callable[[str, bytes], bytes]
    clock: Clock

    def take(self, realm: str, email: str, kind: str) -> tuple[Write, ...] | None:
        """Take one email of a kind to a person; return the writes that give it back, None if there is none left.

        The calls do not tell whether the address was mailed before: both allowances are read first.
        """
        person = Allowance(mailed_person(realm, email, self.mac), kind, PERSON)
        allowances = person, allowance_of(EMAIL, email, self.mac)
        taken, now_ms = tuple[Write, ...](), self.clock.now_ms()
        are_running = self.allowances.are_running(allowances, now_ms)
        for allowance, is_running in zip(allowances, are_running, strict=True):
            if self.allowances.take(allowance, now_ms, is_running):
                self.give_back(taken)
                return None
            taken += (self.allowances.give_back(allowance),)
        return taken

    def give_back(self, taken: tuple[Write, ...]) -> None:
        """Give back what was taken for an email that is not sent."""
        with suppress(TemporarilyUnavailable):
            self.commit(taken)


@dataclass(slots=True, eq=False, repr=False)
class StageMailLimit:
    """Takes each email that is sent from the stage's allowance. mfa: returns the policy that may limit it."""

    allowances: AllowanceStore
    commit: Callable[[tuple[Write, ...]], None]
    mfa: Callable[[], MfaPolicy]
    clock: Clock

    def take(self) -> tuple[Write, ...] | None:
        """Take one email; return the writes that give it back, None if the stage has none left for now."""
        per_hour = self.mfa().messages_per_hour.get(EMAIL)
        if not per_hour:
            return ()
        allowance = stage_allowance(EMAIL, per_hour)
        if self.allowances.take(allowance, self.clock.now_ms()):
            return None
        return (self.allowances.give_back(allowance),)

    def give_back(self, taken: tuple[Write, ...]) -> None:
        """Give back what was taken for an email that another run sends."""
        with suppress(TemporarilyUnavailable):
            self.commit(taken)

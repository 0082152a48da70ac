"""The bound of the codes that are tried for an email, over all the codes that were mailed to it."""

from collections.abc import Callable
from dataclasses import dataclass

from chalicelib.identifiers import canonical
from chalicelib.model.bucket import Bucket
from chalicelib.model.clock import Clock
from chalicelib.store.code_attempts import Allowance, AllowanceStore

# 98 on the first day. Each email allows five tries, and anybody can ask for hundreds of emails a day.
# Source: NIST SP 800-63B-4 3.2.2, which allows 100 failed attempts in a row.
TRIES = Bucket(50, 1_800_000)


def tried_person(realm: str, email: str, mac: Callable[[str, bytes], bytes]) -> str:
    """Return the owner of the allowances of the codes that are tried for an email. mac: of the stage key."""
    hashed = mac("tried codes", f"{realm}\0{canonical(email)}".encode())
    return f"tried#{hashed.hex()[:32]}"


@dataclass(slots=True, eq=False, repr=False)
class CodeGuard:
    """Counts the codes that are tried, before they are compared. mac: of the stage key."""

    allowances: AllowanceStore
    mac: Callable[[str, bytes], bytes]
    clock: Clock

    def take(self, purpose: str, realm: str, email: str) -> bool:
        """Count one code for an email, as typed; return False if it has none left. Nobody is looked up."""
        owner = tried_person(realm, email, self.mac)
        return not self.allowances.take(Allowance(owner, purpose, TRIES), self.clock.now_ms())

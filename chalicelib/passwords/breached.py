"""Breached-password detection as the tenant has it set: the shipped filter, and the range API where it is asked for."""

from collections.abc import Callable

from chalicelib.model.tenant import BreachedPasswordDetection
from chalicelib.passwords.breached_filter import is_breached
from chalicelib.passwords.hash import MAX_LENGTH
from chalicelib.passwords.range_api import RangeApiFailure

# Whether Pwned Passwords knows a password; raises RangeApiFailure.
RangeApi = Callable[[str], bool]


def is_refused(
    password: str, detection: BreachedPasswordDetection, range_api: RangeApi, warn: Callable[[str], None]
) -> bool:
    """Return whether the password counts as breached; never if detection is off, or the password is too long to be one.

    The range API is asked only where the tenant wants it, and the filter does not know the password. Where it gives no
    answer, this warns and says no: its failure shuts nobody out (docs/adr/0015).
    """
    if not detection.enabled or len(password) > MAX_LENGTH:
        return False
    if is_breached(password):
        return True
    if not detection.asks_range_api:
        return False
    try:
        return range_api(password)
    except RangeApiFailure as failure:
        warn(f"Pwned Passwords gave no answer ({failure}): the password was held against the filter alone.")
        return False

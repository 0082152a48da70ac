"""Breached-password detection, as the tenant sets it: by the shipped filter and, if it is on, by the range API."""

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
    """Return whether the password is refused as breached; False if detection is off or the password is too long.

    The range API is asked only if the tenant turns it on and the filter does not know the password. If it gives no
    answer, this warns and returns False: its failure shuts no user out (docs/adr/0015).
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
        warn(f"Pwned Passwords gave no answer ({failure}): the password was checked against the filter alone.")
        return False

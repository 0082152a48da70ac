"""Failures of rules, and their text in the log."""

import json
import traceback
from collections.abc import Mapping
from urllib.parse import quote, quote_plus

from chalicelib.rules.geoip import GeoipUnknown
from chalicelib.rules.loading import Rule
from chalicelib.rules.spelling import find_meant, members_of

MAX_TRACEBACK = 4_000
MAX_FRAMES = 10
# A shorter value is no secret, and replacing it would black out half the traceback.
MIN_SECRET = 4


class BadRule(Exception):
    """A rule did something that no rule may do. The message names the rule and the fault, and holds no user's value."""

    def __init__(self, rule: Rule | None, words: str) -> None:
        """rule: None if the one at fault is not known."""
        super().__init__(f"rule {rule} {words}" if rule else f"the rules {words}")


class RuleFailed(Exception):
    """A rule raised an exception. failure: that exception."""

    def __init__(self, rule: Rule | None, failure: BaseException) -> None:
        """rule: the one that raised. failure: what it raised."""
        super().__init__(f"rule {rule} raised {type(failure).__name__}{_why(failure)}")
        self.failure = failure


def _why(failure: BaseException) -> str:
    """Return the details of a failure that the log may have. The message of a team's exception may hold user data."""
    if isinstance(failure, GeoipUnknown):
        return f": {failure}"
    right = find_meant(failure.name, members_of(failure.obj)) if isinstance(failure, AttributeError) else ""
    return f": did you mean {right}?" if right else ""


def traceback_of(failure: BaseException, configuration: Mapping[str, str]) -> str:
    """Return the traceback of a rule's exception, without Gatehouse's own frames and the configuration's values."""
    place = failure.__traceback__
    while place and place.tb_frame.f_globals.get("__package__") == __package__:
        place = place.tb_next
    text = "".join(traceback.format_exception(type(failure), failure, place, limit=-MAX_FRAMES))
    for name, value in configuration.items():
        if len(value) >= MIN_SECRET:
            for spelling in _spellings(value):
                text = text.replace(spelling, f"[{name}]")
    return text[-MAX_TRACEBACK:]


def _spellings(value: str) -> set[str]:
    """Return the spellings of a value in a message: as it is, quoted by Python or JSON, or in a URL."""
    return {value, repr(value)[1:-1], json.dumps(value)[1:-1], quote(value), quote(value, safe=""), quote_plus(value)}

"""Read the moment that an operator names: `2026-11-26T10:00:00Z`, or `2h ago`."""

import re
from datetime import UTC, datetime, timedelta

from infra.errors import OperatorError

# As names of tables can hold a moment.
FORM = "%Y%m%dT%H%M%SZ"
MOMENT = re.compile(r"\d{8}T\d{6}Z", re.ASCII)
_AGO = re.compile(r"(\d{1,5}) ?(m|h|d) ago")
_UNITS = {"m": "minutes", "h": "hours", "d": "days"}


def parse_moment(text: str, now: datetime) -> datetime:
    """Return the moment, in whole seconds of UTC. Raises OperatorError for a text that names none, or the future."""
    ago = _AGO.fullmatch(text.strip())
    moment = now - timedelta(**{_UNITS[ago[2]]: int(ago[1])}) if ago else _parse_iso(text).astimezone(UTC)
    if moment > now:
        raise OperatorError(f"{in_iso(moment)} is in the future.")
    return moment.replace(microsecond=0)


def in_iso(moment: datetime) -> str:
    """Return a moment as `2026-11-26T10:00:00Z`, which `--at` takes."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _parse_iso(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text.strip())
        # In the first and the last year a zone may lead out of the calendar.
        moment.astimezone(UTC)
    except (ValueError, OverflowError):
        moment = None
    if moment is None or moment.tzinfo is None:
        raise OperatorError(
            f"{text} is no moment. Write it with its zone, 2026-11-26T10:00:00Z, or as 90m ago, 2h ago."
        )
    return moment

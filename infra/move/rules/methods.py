"""JavaScript's methods of texts, lists and dates, for the rules beside this file. It imports nothing of Gatehouse."""

import re
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from .javascript import SPACES, UNDEFINED, same, text, truthy, units_of

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_ISO = re.compile(r"\d{4}-\d\d-\d\d(T\d\d:\d\d:\d\d(\.\d{1,6})?Z)?", re.ASCII)


def _of(thing: Any, *kinds: type) -> Any:
    """Return a thing that has such methods. Raises TypeError for any other, as JavaScript does."""
    if not isinstance(thing, kinds):
        raise TypeError(f"a value of {type(thing).__name__} has no such method")
    return thing


def includes(thing: Any, item: Any) -> bool:
    """Return `thing.includes(item)`, of a list or a text."""
    if isinstance(_of(thing, str, list), str):
        return text(item) in thing
    return any(same(one, item) or (one != one and item != item) for one in thing)  # noqa: PLR0124 (NaN includes NaN)


def index_of(thing: Any, item: Any) -> int:
    """Return `thing.indexOf(item)`, of a list or a text."""
    if isinstance(_of(thing, str, list), str):
        found = thing.find(text(item))
        return found if found < 0 else len(units_of(thing[:found]))
    return next((index for index, one in enumerate(thing) if same(one, item)), -1)


def starts_with(thing: Any, start: Any) -> bool:
    """Return `thing.startsWith(start)`."""
    return bool(_of(thing, str).startswith(text(start)))


def ends_with(thing: Any, end: Any) -> bool:
    """Return `thing.endsWith(end)`."""
    return bool(_of(thing, str).endswith(text(end)))


def lower(thing: Any) -> str:
    """Return `thing.toLowerCase()`."""
    return str(_of(thing, str).lower())


def upper(thing: Any) -> str:
    """Return `thing.toUpperCase()`."""
    return str(_of(thing, str).upper())


def trim(thing: Any) -> str:
    """Return `thing.trim()`."""
    return str(_of(thing, str).strip(SPACES))


def split(thing: Any, separator: str) -> list[str]:
    """Return `thing.split(separator)`. The separator is not empty."""
    return list(_of(thing, str).split(separator))


def some(thing: Any, is_right: Callable[[Any], Any]) -> bool:
    """Return `thing.some(isRight)`."""
    return any(truthy(is_right(one)) for one in _of(thing, list))


def every(thing: Any, is_right: Callable[[Any], Any]) -> bool:
    """Return `thing.every(isRight)`."""
    return all(truthy(is_right(one)) for one in _of(thing, list))


def keep(thing: Any, is_right: Callable[[Any], Any]) -> list[Any]:
    """Return `thing.filter(isRight)`."""
    return [one for one in _of(thing, list) if truthy(is_right(one))]


def change_each(thing: Any, change: Callable[[Any], Any]) -> list[Any]:
    """Return `thing.map(change)`."""
    return [change(one) for one in _of(thing, list)]


def find(thing: Any, is_right: Callable[[Any], Any]) -> Any:
    """Return `thing.find(isRight)`."""
    return next((one for one in _of(thing, list) if truthy(is_right(one))), UNDEFINED)


def join(thing: Any, separator: str) -> str:
    """Return `thing.join(separator)`."""
    return separator.join("" if one is None or one is UNDEFINED else text(one) for one in _of(thing, list))


def concat(thing: Any, other: Any) -> Any:
    """Return `thing.concat(other)`, of a list or a text."""
    if isinstance(_of(thing, str, list), str):
        return thing + text(other)
    return [*thing, *(other if isinstance(other, list) else [other])]


def now() -> int:
    """Return `Date.now()`: milliseconds since 1970. A date is such a number here."""
    return int(1000 * time.time())


def date(written: Any) -> float:
    """Return `new Date(written)` of one of the user's times, NaN if there is none."""
    if not isinstance(written, str) or not _ISO.fullmatch(written):
        return float("nan")
    at = datetime.fromisoformat(written)
    return (at.replace(tzinfo=UTC) - EPOCH) // timedelta(milliseconds=1)


def part(ms: float, name: str) -> float:
    """Return a part of a date in UTC, which is Auth0's zone. Months count from 0, days from Sunday."""
    if ms != ms:  # noqa: PLR0124 (NaN is no equal of itself)
        return ms
    at = EPOCH + timedelta(milliseconds=ms)
    parts = {
        "FullYear": at.year,
        "Month": at.month - 1,
        "Date": at.day,
        "Day": at.isoweekday() % 7,
        "Hours": at.hour,
        "Minutes": at.minute,
        "Seconds": at.second,
        "Milliseconds": at.microsecond // 1000,
        "Time": int(ms),
    }
    return parts[name]

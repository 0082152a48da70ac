"""The pages of lists: by number as Auth0's `page` and `per_page`, or by key as its `from` and `take`."""

import base64
import json
from binascii import Error
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from chalicelib.errors import InvalidQueryString, echo

E = TypeVar("E")

MAX_PAGE_SIZE = 100
DEFAULT_PAGE_SIZE = 50
# An entry behind this many is reached by `from` and `take` alone.
MAX_OFFSET = 1_000
MAX_ANSWER_BYTES = 5_500_000
BOOLEANS = {"true": True, "false": False}


@dataclass(frozen=True, slots=True)
class Page:
    """The part of a list that a request asks for.

    start: the entries before a page by number. size: the most entries. has_totals: whether the answer names the total.
    is_by_key: whether it was asked for by `take`. after: the key of the last entry before it, "" for the beginning.
    """

    start: int
    size: int
    has_totals: bool
    is_by_key: bool
    after: str = ""

    def count_fitting(self, entries: Sequence[Any]) -> int:
        """Return how many of the entries one answer holds. Raises InvalidQueryString for a page by number that is cut.

        Lambda sends 6 MB at most, and what it sends is JSON that holds the body as a text.
        """
        size_bytes = 0
        for number, entry in enumerate(entries):
            size_bytes += len(json.dumps(json.dumps(entry)))
            if number and size_bytes > MAX_ANSWER_BYTES:
                if not self.is_by_key:
                    raise InvalidQueryString("The entries are too large for one answer: ask for a smaller per_page.")
                return number
        return len(entries)

    def show_of(
        self, name: str, entries: Iterable[E], key: Callable[[E], str], shape: Callable[[E], Any]
    ) -> dict[str, Any] | list[Any]:
        """Return the answer with this page of a whole list, sorted by a key of its entries.

        name: as of `show`. shape: makes the answer's form of an entry.
        """
        rest = sorted((one for one in entries if key(one) > self.after), key=key)
        shown = rest[self.start : self.start + self.size]
        has_more = len(rest) > self.start + len(shown)
        return self.show(name, list(map(shape, shown)), len(rest), key(shown[-1]) if shown and has_more else "")

    def show(self, name: str, shown: Sequence[Any], total: int | None, last: str) -> dict[str, Any] | list[Any]:
        """Return the answer with the entries of this page.

        name: of the member that holds them. total: None if it is not known. last: the key of the last entry, if others
        may follow.
        """
        if self.is_by_key:
            return {name: list(shown), **({"next": encode_key(last)} if last else {})}
        if not self.has_totals:
            return list(shown)
        counted = {} if total is None else {"total": total}
        return {name: list(shown), "start": self.start, "limit": self.size, "length": len(shown), **counted}


def read_page(query: Mapping[str, str]) -> Page:
    """Return the page that a query asks for; raises InvalidQueryString."""
    if "from" in query or "take" in query:
        size = read_number(query, "take", DEFAULT_PAGE_SIZE, 1, MAX_PAGE_SIZE)
        return Page(0, size, has_totals=False, is_by_key=True, after=_decode_key(query.get("from", "")))
    size = read_number(query, "per_page", DEFAULT_PAGE_SIZE, 1, MAX_PAGE_SIZE)
    start = read_number(query, "page", 0, 0, MAX_OFFSET) * size
    if start > MAX_OFFSET:
        raise InvalidQueryString(f"page times per_page is at most {MAX_OFFSET}: use from and take beyond that.")
    return Page(start, size, read_boolean(query, "include_totals", False), is_by_key=False)


def read_number(query: Mapping[str, str], name: str, default: int, least: int, most: int) -> int:
    """Return a whole number of a query; raises InvalidQueryString."""
    text = query.get(name) or str(default)
    if not (text.isascii() and text.isdigit() and len(text) <= len(str(most)) and least <= int(text) <= most):
        raise InvalidQueryString(f"{name} must be a number from {least} to {most}.")
    return int(text)


def read_boolean(query: Mapping[str, str], name: str, default: bool) -> bool:
    """Return a truth value of a query; raises InvalidQueryString."""
    text = query.get(name) or str(default).lower()
    if text not in BOOLEANS:
        raise InvalidQueryString(f"{name} must be true or false.")
    return BOOLEANS[text]


def select_fields(entry: dict[str, Any], query: Mapping[str, str]) -> dict[str, Any]:
    """Return the members of an entry that `fields` and `include_fields` of a query name."""
    named = {name.strip() for name in query.get("fields", "").split(",") if name.strip()}
    is_included = read_boolean(query, "include_fields", True)
    return {name: value for name, value in entry.items() if not named or (name in named) == is_included}


def encode_key(key: str) -> str:
    """Return a key as the opaque text of `next`."""
    return base64.urlsafe_b64encode(key.encode()).decode().rstrip("=")


def _decode_key(text: str) -> str:
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True).decode()
    except (Error, ValueError):
        raise InvalidQueryString(f"from is the next of an earlier page, and {echo(text)} is none.") from None

"""DynamoDB's condition and update expressions, as far as Gatehouse's store writes them: names without paths.

Each is turned into Python once and kept, so that the stub answers at once. The expressions come from our own store.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Any

Item = dict[str, Any]
Names = Mapping[str, str]

_TOKEN = re.compile(r"\s*(<>|<=|>=|[=<>(),+-]|[:#]?\w+)")
_WORDS = {"AND": "and", "OR": "or", "NOT": "not", "=": "==", "<>": "!="}
_SYMBOLS = frozenset("<>(),+-") | {"<=", ">="}
_CLAUSE = re.compile(r"\b(SET|ADD|REMOVE)\b")
_COMMA = re.compile(r",(?![^(]*\))")


class _Missing:
    """An attribute that an item lacks: no comparison with it holds."""

    def _never(self, _: object) -> bool:
        return False

    __eq__ = __ne__ = __lt__ = __le__ = __gt__ = __ge__ = _never
    __hash__ = None  # type: ignore[assignment]  # It is compared, never kept.


_MISSING = _Missing()
_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "attribute_exists": lambda value: value is not _MISSING,
    "attribute_not_exists": lambda value: value is _MISSING,
    "begins_with": lambda value, start: isinstance(value, str) and value.startswith(start),
    "if_not_exists": lambda value, other: other if value is _MISSING else value,
}


def holds(condition: str, item: Item | None, call: Mapping[str, Any]) -> bool:
    """Whether a condition holds for an item, None where nothing stands. call: names its names and values."""
    return bool(_value(condition, item or {}, call))


def updated(update: str, item: Item, call: Mapping[str, Any]) -> Item:
    """Return the item after an update expression. Every right side sees the item as it was."""
    after = dict(item)
    for clause, name, right in _changes(update):
        key = _named(name, call)
        if clause == "REMOVE":
            after.pop(key, None)
            continue
        value = _value(right, item, call)
        after[key] = _attribute(value + _plain(item.get(key, {"N": "0"})) if clause == "ADD" else value)
    return after


@cache
def _changes(update: str) -> tuple[tuple[str, str, str], ...]:
    parts = _CLAUSE.split(update)[1:]
    return tuple(
        (clause, *_sides(clause, change))
        for clause, changes in zip(parts[::2], parts[1::2], strict=True)
        for change in _COMMA.split(changes)
    )


def _sides(clause: str, change: str) -> tuple[str, str]:
    name, _, right = change.strip().partition("=" if clause == "SET" else " ")
    return name.strip(), right.strip()


def _value(expression: str, item: Item, call: Mapping[str, Any]) -> Any:
    def at(name: str) -> Any:
        key = _named(name, call)
        return _plain(item[key]) if key in item else _MISSING

    def given(name: str) -> Any:
        return _plain(call["ExpressionAttributeValues"][name])

    scope = {**_FUNCTIONS, "at": at, "given": given}
    return eval(_compiled(expression), scope)  # noqa: S307 (it is made of the tokens below, nothing else)


@cache
def _compiled(expression: str) -> Any:
    return compile(" ".join(_translated(expression)), expression, "eval")


def _translated(expression: str) -> Iterator[str]:
    rest = expression
    while rest := rest.strip():
        token = _TOKEN.match(rest)
        if token is None:
            raise ValueError(f"the stub cannot read: {rest}")
        word, rest = token[1], rest[token.end() :]
        if word in _WORDS or word in _SYMBOLS or word in _FUNCTIONS:
            yield _WORDS.get(word, word)
        else:
            yield f"given({word!r})" if word.startswith(":") else f"at({word!r})"


def _named(name: str, call: Mapping[str, Any]) -> str:
    return str(call["ExpressionAttributeNames"][name]) if name.startswith("#") else name


def _plain(attribute: Mapping[str, Any]) -> Any:
    """Return what can be compared: a text, a number, a boolean; any other kind as it is."""
    ((kind, value),) = attribute.items()
    return int(value) if kind == "N" else value if kind in ("S", "BOOL") else attribute


def _attribute(value: Any) -> Any:
    if isinstance(value, bool):
        return {"BOOL": value}
    return {"N": str(value)} if isinstance(value, int) else {"S": value} if isinstance(value, str) else value

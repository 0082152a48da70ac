"""Evaluate DynamoDB's condition and update expressions, in the part that Gatehouse's store uses: no document paths.

Each expression is compiled to Python once, for speed. The expressions come from our own store.
Raises ValueError for an expression that the fake cannot read, BadExpression for one that DynamoDB refuses.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from typing import Any

from moto.dynamodb.parsing.reserved_keywords import ReservedKeywords

Item = dict[str, Any]

_TOKEN = re.compile(r"\s*(<=|>=|[=<>(),+-]|[:#]?\w+)")
_WORDS = {"AND": "and", "OR": "or", "NOT": "not", "=": "=="}
_SYMBOLS = frozenset("<>(),+-") | {"<=", ">="}
_CLAUSE = re.compile(r"\b(SET|ADD|DELETE|REMOVE)\b")
_COMMA = re.compile(r",(?![^(]*\))")
_NUMBER_DIGITS = 38


class BadExpression(Exception):
    """DynamoDB refuses the call; the message is its reason."""


@dataclass(frozen=True, slots=True)
class Value:
    """An attribute's value. kind: DynamoDB's letter; "" for an attribute that an item lacks."""

    kind: str
    plain: Any

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Value) and self.kind == other.kind != "" and bool(self.plain == other.plain)

    __hash__ = None  # type: ignore[assignment]  # It is compared, never hashed.

    def __lt__(self, other: "Value") -> bool:
        return self._is_ordered_with(other) and bool(self.plain < other.plain)

    def __le__(self, other: "Value") -> bool:
        return self._is_ordered_with(other) and bool(self.plain <= other.plain)

    def __add__(self, other: "Value") -> "Value":
        return Value("N", _number(self) + _number(other))

    def __sub__(self, other: "Value") -> "Value":
        return Value("N", _number(self) - _number(other))

    def _is_ordered_with(self, other: "Value") -> bool:
        # A comparison with a missing value, or with one of another kind, is false.
        return self.kind == other.kind and self.kind in ("S", "N")


_MISSING = Value("", None)


def _number(value: Value) -> Decimal:
    if value.kind == "":
        raise BadExpression("The provided expression refers to an attribute that does not exist in the item")
    if value.kind != "N":
        raise BadExpression("An operand in the update expression has an incorrect data type")
    return Decimal(value.plain)


def _size(value: Value) -> Value:
    """Return the length of a text or the number of a set's members; no comparison with it holds if there is none."""
    return Value("N", Decimal(len(value.plain))) if value.kind in ("S", "SS") else _MISSING


_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "attribute_exists": lambda value: value.kind != "",
    "attribute_not_exists": lambda value: value.kind == "",
    "begins_with": lambda value, start: value.kind == start.kind == "S" and value.plain.startswith(start.plain),
    "contains": lambda value, part: part.kind == "S" and value.kind in ("S", "SS") and part.plain in value.plain,
    "size": _size,
    "if_not_exists": lambda value, other: value if value.kind else other,
}


def holds(condition: str, item: Item | None, call: Mapping[str, Any]) -> bool:
    """Return whether a condition holds for an item, or for None. call: with the expression's names and values."""
    return bool(_value(condition, item or {}, call))


def apply_update(update: str, item: Item, call: Mapping[str, Any]) -> Item:
    """Return the item after an update expression. Right sides read the item before the update."""
    after, changed = dict(item), set()
    for clause, name, right in _changes(update):
        key = _resolve_name(name, call)
        if key in changed:
            raise BadExpression("Two document paths overlap with each other")
        changed.add(key)
        if clause == "REMOVE":
            after.pop(key, None)
        elif clause == "SET":
            after[key] = _attribute(_value(right, item, call))
        else:
            after[key] = _changed_by(clause, item.get(key), _value(right, item, call))
    return {name: attribute for name, attribute in after.items() if attribute is not None}


def _changed_by(clause: str, attribute: Mapping[str, Any] | None, operand: Value) -> dict[str, Any] | None:
    """Return an attribute after ADD or DELETE; None if a set has no member left."""
    if operand.kind == "SS":
        before = parse(attribute or {"SS": []})
        if before.kind != "SS":
            raise BadExpression("An operand in the update expression has an incorrect data type")
        members = set(before.plain) | set(operand.plain) if clause == "ADD" else set(before.plain) - set(operand.plain)
        return {"SS": sorted(members)} if members else None
    if clause == "DELETE":
        raise BadExpression("Incorrect operand type for operator or function; operator: DELETE")
    return _attribute(parse(attribute or {"N": "0"}) + operand)


def changed_names(update: str, call: Mapping[str, Any]) -> set[str]:
    """Return the attributes that an update expression changes."""
    return {_resolve_name(name, call) for _, name, _ in _changes(update)}


def require_used(expressions: list[str], call: Mapping[str, Any]) -> None:
    """Raise BadExpression for names or values that no expression uses, and for reserved words."""
    used = set().union(*(_words(expression) for expression in expressions))
    for member in ("ExpressionAttributeNames", "ExpressionAttributeValues"):
        given = call.get(member)
        if given is not None and (not given or set(given) - used):
            raise BadExpression(f"Value provided in {member} unused in expressions: {sorted(set(given) - used)}")
    for word in used:
        if word.upper() in _reserved_words() and word not in _WORDS and word not in ("SET", "ADD", "DELETE", "REMOVE"):
            raise BadExpression(f"Attribute name is a reserved keyword; reserved keyword: {word}")


def parse(attribute: Mapping[str, Any]) -> Value:
    """Return an attribute as a comparable value. Raises BadExpression for a number that DynamoDB cannot store."""
    ((kind, value),) = attribute.items()
    if kind != "N":
        return Value(kind, value)
    number = Decimal(value)
    if not number.is_finite() or len(number.as_tuple().digits) > _NUMBER_DIGITS:
        raise BadExpression("Attempting to store more than 38 significant digits in a Number")
    return Value(kind, number)


@cache
def _reserved_words() -> frozenset[str]:
    return frozenset(ReservedKeywords.get_reserved_keywords())


@cache
def _words(expression: str) -> frozenset[str]:
    # A function's name is no attribute's: `size` is reserved as one.
    return frozenset(re.findall(r"[:#]?\w+\b(?!\()", expression))


@cache
def _changes(update: str) -> tuple[tuple[str, str, str], ...]:
    before, *parts = _CLAUSE.split(update)
    if before.strip() or not parts or len(set(parts[::2])) < len(parts[::2]):
        raise ValueError(f"the fake cannot read: {update}")
    return tuple(
        (clause, *_sides(clause, change))
        for clause, changes in zip(parts[::2], parts[1::2], strict=True)
        for change in _COMMA.split(changes)
    )


def _sides(clause: str, change: str) -> tuple[str, str]:
    name, _, right = change.strip().partition("=" if clause == "SET" else " ")
    if not re.fullmatch(r"#?\w+", name.strip()):
        raise ValueError(f"the fake cannot read: {change}")
    return name.strip(), right.strip()


def _value(expression: str, item: Item, call: Mapping[str, Any]) -> Any:
    def at(name: str) -> Value:
        key = _resolve_name(name, call)
        return parse(item[key]) if key in item else _MISSING

    def given(name: str) -> Value:
        values = call.get("ExpressionAttributeValues", {})
        if name not in values:
            raise BadExpression(f"An expression attribute value used in expression is not defined: {name}")
        return parse(values[name])

    scope = {**_FUNCTIONS, "at": at, "given": given}
    return eval(_compile(expression), scope)  # noqa: S307 (it is made of the tokens below, nothing else)


@cache
def _compile(expression: str) -> Any:
    return compile(" ".join(_translate(expression)), expression, "eval")


def _translate(expression: str) -> Iterator[str]:
    rest = expression
    while rest := rest.strip():
        token = _TOKEN.match(rest)
        if token is None:
            raise ValueError(f"the fake cannot read: {rest}")
        word, rest = token[1], rest[token.end() :]
        if rest.lstrip().startswith("(") and word[0].isalpha() and word not in _WORDS and word not in _FUNCTIONS:
            raise ValueError(f"the fake does not know the function {word}")
        if word in _WORDS or word in _SYMBOLS or word in _FUNCTIONS:
            yield _WORDS.get(word, word)
        else:
            yield f"given({word!r})" if word.startswith(":") else f"at({word!r})"


def _resolve_name(name: str, call: Mapping[str, Any]) -> str:
    if not name.startswith("#"):
        return name
    if name not in call.get("ExpressionAttributeNames", {}):
        raise BadExpression(f"An expression attribute name used in the document path is not defined: {name}")
    return str(call["ExpressionAttributeNames"][name])


def _attribute(value: Value) -> dict[str, Any]:
    if value.kind == "":
        raise BadExpression("The provided expression refers to an attribute that does not exist in the item")
    return {value.kind: f"{value.plain:f}" if value.kind == "N" else value.plain}

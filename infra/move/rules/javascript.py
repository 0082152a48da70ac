"""JavaScript's operators, for the rules beside this file: each does what its JavaScript does, in every case.

A value is one that JSON has, or UNDEFINED. This file imports nothing of Gatehouse. Source: ECMA-262.
"""

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

SPACES = "\t\n\v\f\r \u00a0\u1680\u2028\u2029\u202f\u205f\u3000\ufeff" + "".join(map(chr, range(0x2000, 0x200B)))
EXACT = 2**53
# What every object of JavaScript has by these names is a function, which JSON has not.
INHERITED = frozenset(
    """__defineGetter__ __defineSetter__ __lookupGetter__ __lookupSetter__ __proto__ constructor hasOwnProperty
    isPrototypeOf propertyIsEnumerable toLocaleString toString valueOf""".split()  # noqa: SIM905 (one a line is long)
)
_DECIMAL = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_INFINITE = re.compile(r"[+-]?Infinity")
_INTEGER = re.compile(r"0([xX][0-9a-fA-F]+|[oO][0-7]+|[bB][01]+)")


class _Undefined:
    """The type of UNDEFINED."""

    __slots__ = ()

    def __bool__(self) -> bool:
        return False

    def __repr__(self) -> str:
        return "UNDEFINED"


UNDEFINED = _Undefined()


def is_nullish(value: Any) -> bool:
    """Return whether a value is null or undefined."""
    return value is None or value is UNDEFINED


def truthy(value: Any) -> bool:
    """Return whether JavaScript takes a value for true: an empty list or object too."""
    return isinstance(value, dict | list) or bool(value and value == value)  # noqa: PLR0124 (NaN is no equal of itself)


def get(thing: Any, key: Any) -> Any:
    """Return a member, or UNDEFINED. Raises TypeError for a member of null or undefined."""
    if is_nullish(thing):
        raise TypeError(f"cannot read a member of {text(thing)}")
    name = text(key)
    if isinstance(thing, str | list):
        units = units_of(thing) if isinstance(thing, str) else thing
        if name == "length":
            return len(units)
        if re.fullmatch("0|[1-9][0-9]{0,9}", name):
            return units[int(name)] if int(name) < len(units) else UNDEFINED
    if name in INHERITED and not (isinstance(thing, dict) and name in thing):
        raise TypeError(f"{name} is a function of JavaScript")
    return thing.get(name, UNDEFINED) if isinstance(thing, dict) else UNDEFINED


def get_if_there(thing: Any, key: Any) -> Any:
    """Return a member, or UNDEFINED if the thing is null or undefined."""
    return UNDEFINED if is_nullish(thing) else get(thing, key)


def own(user: Any, name: str) -> Any:
    """Return a text or another value of the user, or UNDEFINED. What app_metadata has as null is null."""
    value = getattr(user, name, None)
    return UNDEFINED if value is None and user.app_metadata.get(name, UNDEFINED) is not None else value


def metadata(user: Any, name: str) -> Any:
    """Return the user's metadata. Auth0's is undefined if there is none, until a rule makes it an object."""
    value = getattr(user, name)
    return value if value or getattr(user, f"is_{name}_made", False) else UNDEFINED


def make_metadata(user: Any, name: str) -> None:
    """Make metadata that is undefined an empty object, for this rule and the later ones."""
    setattr(user, f"is_{name}_made", True)


def set_metadata(user: Any, name: str, key: str, value: Any) -> None:
    """Set a member of the user's metadata. Raises TypeError if there is none."""
    if metadata(user, name) is UNDEFINED:
        raise TypeError(f"cannot set a member of {name}, which is undefined")
    getattr(user, name)[key] = as_json(value)


def require_metadata(user: Any, name: str) -> None:
    """Raise TypeError if the user has no such metadata: there is nothing to store."""
    if metadata(user, name) is UNDEFINED:
        raise TypeError(f"{name} is undefined, and is to be stored")


def set_claim(token: Any, key: Any, value: Any) -> None:
    """Set a claim, or the scope of an access token. A claim that is undefined is not in the token."""
    if text(key) == "scope" and hasattr(token, "scope"):
        token.scope = as_json(value)
    elif value is UNDEFINED:
        token.pop(text(key), None)
    else:
        token[text(key)] = as_json(value)


def as_json(value: Any) -> Any:
    """Return a value as JSON.stringify writes it: undefined members are left out, NaN is null."""
    if isinstance(value, dict):
        return {key: as_json(inner) for key, inner in value.items() if inner is not UNDEFINED}
    if isinstance(value, list):
        return [as_json(inner) for inner in value]
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return None if value is UNDEFINED or (is_number and not abs(value) < float("inf")) else value


def either(value: Any, other: Callable[[], Any]) -> Any:
    """Return a value if it is truthy, or else the other one: `||`."""
    return value if truthy(value) else other()


def both(value: Any, other: Callable[[], Any]) -> Any:
    """Return a value if it is falsy, or else the other one: `&&`."""
    return other() if truthy(value) else value


def if_nullish(value: Any, other: Callable[[], Any]) -> Any:
    """Return a value, or the other one if it is null or undefined: `??`."""
    return other() if is_nullish(value) else value


def text(value: Any) -> str:
    """Return a value as a text: `String(value)`."""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return ",".join("" if is_nullish(inner) else text(inner) for inner in value)
    if isinstance(value, dict):
        return "[object Object]"
    if is_nullish(value):
        return "null" if value is None else "undefined"
    return str(value).lower() if isinstance(value, bool) else _number_text(_float(value))


def _number_text(value: float) -> str:
    if value != value or abs(value) == float("inf"):  # noqa: PLR0124 (NaN is no equal of itself)
        return "NaN" if value != value else "Infinity" if value > 0 else "-Infinity"  # noqa: PLR0124 (as above)
    sign, figures, exponent = Decimal(repr(value)).normalize().as_tuple()
    digits, point = "".join(map(str, figures)), len(figures) + int(exponent)
    if len(digits) <= point <= 21:  # noqa: PLR2004 (ECMA-262 6.1.6.1.20)
        shown = digits + "0" * (point - len(digits))
    elif 0 < point <= 21:  # noqa: PLR2004 (as above)
        shown = f"{digits[:point]}.{digits[point:]}"
    elif -6 < point <= 0:  # noqa: PLR2004 (as above)
        shown = f"0.{'0' * -point}{digits}"
    else:
        shown = f"{digits[0]}{'.' * (len(digits) > 1)}{digits[1:]}e{point - 1:+d}"
    return f"{'-' if sign and value else ''}{shown}"


def number(value: Any) -> float:
    """Return a value as a number, NaN if it is none: `Number(value)`."""
    value = _primitive(value)
    if value is UNDEFINED:
        return float("nan")
    if not isinstance(value, str):
        return _float(value or 0)
    bare = value.strip(SPACES)
    if _INTEGER.fullmatch(bare):
        return _float(int(bare, 0))
    if _INFINITE.fullmatch(bare) or _DECIMAL.fullmatch(bare):
        return float(bare)
    return float("nan") if bare else 0


def _float(value: float) -> float:
    try:
        return float(value)
    except OverflowError:
        return float("inf") if value > 0 else float("-inf")


def _primitive(value: Any) -> Any:
    return text(value) if isinstance(value, dict | list) else value


def _tidy(value: float) -> float:
    return int(value) if abs(value) < EXACT and value == int(value) else value


def add(left: Any, right: Any) -> Any:
    """Return `left + right`: a text if one of them is a text, a list or an object."""
    left, right = _primitive(left), _primitive(right)
    if isinstance(left, str) or isinstance(right, str):
        return text(left) + text(right)
    return _tidy(number(left) + number(right))


def subtract(left: Any, right: Any) -> float:
    """Return `left - right`."""
    return _tidy(number(left) - number(right))


def multiply(left: Any, right: Any) -> float:
    """Return `left * right`."""
    return _tidy(number(left) * number(right))


def divide(left: Any, right: Any) -> float:
    """Return `left / right`: no division fails."""
    above, below = number(left), number(right)
    if below:
        return _tidy(above / below)
    is_negative = (str(above)[0] == "-") != (str(below)[0] == "-")
    return float("nan") if not above or above != above else float("-inf" if is_negative else "inf")  # noqa: PLR0124 (NaN)


def same(left: Any, right: Any) -> bool:
    """Return `left === right`. Objects and lists are the same if they are one."""
    if isinstance(left, bool) or isinstance(right, bool) or isinstance(left, dict | list):
        return left is right
    return bool(left == right)


def loosely_same(left: Any, right: Any) -> bool:
    """Return `left == right`."""
    if is_nullish(left) or is_nullish(right):
        return is_nullish(left) and is_nullish(right)
    if isinstance(left, dict | list) and isinstance(right, dict | list):
        return left is right
    left, right = _primitive(left), _primitive(right)
    return left == right if isinstance(left, str) and isinstance(right, str) else number(left) == number(right)


def less(left: Any, right: Any) -> bool:
    """Return `left < right`."""
    left, right = _primitive(left), _primitive(right)
    if isinstance(left, str) and isinstance(right, str):
        return units_of(left) < units_of(right)
    return number(left) < number(right)


def less_or_same(left: Any, right: Any) -> bool:
    """Return `left <= right`."""
    left, right = _primitive(left), _primitive(right)
    if isinstance(left, str) and isinstance(right, str):
        return units_of(left) <= units_of(right)
    return number(left) <= number(right)


def type_of(value: Any) -> str:
    """Return `typeof value`."""
    if isinstance(value, bool):
        return "boolean"
    kinds = {str: "string", int: "number", float: "number", _Undefined: "undefined"}
    return kinds.get(type(value), "object")


def units_of(value: str) -> list[str]:
    """Return the UTF-16 code units of a text, which JavaScript counts and sorts by."""
    coded = value.encode("utf-16-be", "surrogatepass")
    return [chr(int.from_bytes(coded[at : at + 2])) for at in range(0, len(coded), 2)]

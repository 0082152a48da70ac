"""The items and keys that DynamoDB takes, and how large it counts an item."""

from collections.abc import Mapping
from typing import Any

from tests.support.fake_aws.expressions import BadExpression, parse

MAX_KEY_BYTES = (2048, 1024)
_SETS = ("SS", "NS", "BS")
_KINDS = ("S", "N", "B", "BOOL", "NULL", "M", "L", *_SETS)


def require_key(names: tuple[str, ...], attributes: Mapping[str, Any]) -> None:
    """Raise BadExpression unless all attributes of a table's key are texts of an allowed size."""
    for name, most in zip(names, MAX_KEY_BYTES, strict=False):
        text = attributes.get(name, {}).get("S")
        if text is None:
            raise BadExpression(f"The provided key element does not match the schema, or is missing: {name}")
        if not 0 < len(text.encode()) <= most:
            raise BadExpression(f"The AttributeValue for a key attribute is empty or exceeds {most} bytes: {name}")


def require_item(item: Mapping[str, Any]) -> None:
    """Raise BadExpression for a value that DynamoDB refuses."""
    for attribute in item.values():
        ((kind, value),) = attribute.items()
        if kind not in _KINDS:
            raise BadExpression(f"Supplied AttributeValue is not one of DynamoDB's: {kind}")
        if kind in _SETS and (not value or len(set(value)) < len(value)):
            raise BadExpression("An set may not be empty or contain duplicates")
        if kind == "N":
            parse(attribute)
        if kind == "M":
            require_item(value)
        if kind == "L":
            require_item({str(place): one for place, one in enumerate(value)})


def item_bytes(item: Mapping[str, Any]) -> int:
    """Return the approximate size of an item in DynamoDB: of names and values in UTF-8."""
    return sum(len(name.encode()) + _value_bytes(attribute) for name, attribute in item.items())


def _value_bytes(attribute: Mapping[str, Any]) -> int:
    ((kind, value),) = attribute.items()
    if kind == "S":
        return len(value.encode())
    if kind == "B":
        return _binary_bytes(value)
    if kind == "N":
        return len(value) // 2 + 1
    if kind == "M":
        return 3 + item_bytes(value) + len(value)
    if kind == "L":
        return 3 + sum(1 + _value_bytes(one) for one in value)
    if kind == "BS":
        return sum(map(_binary_bytes, value))
    return 1 if kind in ("BOOL", "NULL") else sum(len(one.encode()) for one in value)


def _binary_bytes(value: str | bytes) -> int:
    # On the wire it is base64.
    return len(value) if isinstance(value, bytes) else len(value) // 4 * 3 - value.count("=")

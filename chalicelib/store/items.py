"""DynamoDB's item form to plain values and back, for the few types that are stored."""

from collections.abc import Mapping
from typing import Any

Value = str | int | bool


def to_item(values: Mapping[str, Value]) -> dict[str, Any]:
    """Return an item of strings, whole numbers and booleans."""
    return {name: to_attribute(value) for name, value in values.items()}


def to_attribute(value: Value) -> dict[str, Any]:
    """Return one attribute value."""
    if isinstance(value, bool):
        return {"BOOL": value}
    return {"N": str(value)} if isinstance(value, int) else {"S": value}


def from_item(item: Mapping[str, Any]) -> dict[str, Any]:
    """Return the plain values of an item."""
    return {name: _from_attribute(attribute) for name, attribute in item.items()}


def _from_attribute(attribute: Mapping[str, Any]) -> Value:
    ((kind, value),) = attribute.items()
    return int(value) if kind == "N" else value

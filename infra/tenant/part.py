"""The base of a tenant file's parts: strict reading, and an error for fields that cannot be read."""

from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict


class Unreadable(AttributeError):
    """A part of a faulty file lacks this field, or has it in another type. The field has a fault already."""


class Part(BaseModel):
    """A part of a tenant file. A part that partial.py made of a faulty file may lack fields."""

    # strict: no conversion of YAML's types, so that `client_secret: 12345` is a fault and not the text "12345".
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, hide_input_in_errors=True)

    # Hidden from mypy, which would take each name for a field.
    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            """Raise Unreadable: Python calls this for a field that the part lacks."""
            raise Unreadable(name)

"""The parts of a tenant file: how strictly each is read, and how one says that a field of it cannot be read."""

from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict


class Unreadable(AttributeError):
    """A part of a file at fault lacks this field: it is not there, or of another type. A fault of its own says so."""


class Part(BaseModel):
    """A part of a tenant file. One that partial.py made of a file at fault may lack fields."""

    # strict: YAML's own types count, so that `client_secret: 12345` is a fault and not the text "12345".
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, hide_input_in_errors=True)

    # mypy must not take every name for a field.
    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            """Raise Unreadable: Python asks here for what the part has not."""
            raise Unreadable(name)

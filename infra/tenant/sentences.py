"""Write messages for pydantic's errors. Its own messages can hold values of the file, and so a secret."""

from collections.abc import Iterable

from pydantic import BaseModel
from pydantic_core import ErrorDetails

from infra.tenant.annotations import model_at
from infra.tenant.faults import Fault, quote, quote_key, suggest
from infra.tenant.yaml_lines import Document, Steps

WANTED = {
    "string_type": ("text", "write one value"),
    "int_type": ("a whole number", "write it in digits, without quotes"),
    "int_from_float": ("a whole number", "write it in digits, without quotes"),
    "bool_type": ("true or false", "write true or false, without quotes"),
    "tuple_type": ("a list", "write `- value` lines below it, or [a, b]"),
    "dict_type": ("a mapping", "write `key: value` lines below it"),
    "model_type": ("a mapping", "write `key: value` lines below it"),
}
LIMITS = {
    "greater_than_equal": "must be {ge} or more",
    "less_than_equal": "must be {le} or less",
    "string_too_short": "must not be empty: write a value",
    "string_too_long": "must have {max_length} characters or fewer",
    "too_short": "must have {min_length} entry or more: add one",
    "too_long": "must have {max_length} entries or fewer",
}
GIVEN = {dict: "a mapping", list: "a list", str: "text", bool: "true/false", int: "a number", float: "a number"}


def form_faults(errors: Iterable[ErrorDetails], document: Document, root: type[BaseModel]) -> list[Fault]:
    """Return a fault for each of pydantic's errors, with its line in the document.

    root: the validated model. Unreadable values are left out: they have a fault already.
    """
    return [
        Fault(document.line(error["loc"]), _sentence(error, root))
        for error in errors
        if not document.is_broken(error["loc"]) and not _is_echo(error)
    ]


def _is_echo(error: ErrorDetails) -> bool:
    """Return whether this error only follows from another: a default that was not made, entries that did not count."""
    is_long_enough = error["type"] == "too_short" and len(error["input"]) >= error["ctx"]["min_length"]
    return is_long_enough or error["type"] == "default_factory_not_called"


def root_fault(document: Document, root: type[BaseModel]) -> Fault:
    """Return the fault of a document that is no mapping. root: the model of a right document."""
    keys = ", ".join(f"`{name}:`" for name in root.model_fields)
    if document.value is None:
        return Fault(1, f"the file is empty: write {keys}")
    return Fault(document.line(()), f"the file is no mapping: write {keys}, each at the start of its line")


def _sentence(error: ErrorDetails, root: type[BaseModel]) -> str:
    kind, path, context = error["type"], error["loc"], error.get("ctx", {})
    if kind == "missing":
        return f"`{path[-1]}` is missing: add it"
    if kind == "extra_forbidden":
        return _unknown_key(error, model_at(root, path[:-1]))
    if kind == "tenant_file":
        return f"{_label(path)} {context['sentence']}"
    if kind == "literal_error":
        return f"{_label(path)} must be {str(context['expected']).replace(chr(39), '`')}"
    if kind in WANTED:
        return _wrong_type(error)
    # For another kind of error the message names only the path: pydantic's own may hold a secret.
    return f"{_label(path)} {LIMITS.get(kind, 'is not taken: see the demo tenant').format(**context)}"


def _wrong_type(error: ErrorDetails) -> str:
    wanted, mend = WANTED[error["type"]]
    value = error["input"]
    if value is None:
        mend = "write a value, or take the key out"
    elif wanted == "text" and not isinstance(value, dict | list):
        mend = "put it in quotes"
    return f"{_label(error['loc'])} must be {wanted}, but is {GIVEN.get(type(value), 'nothing')}: {mend}"


def _unknown_key(error: ErrorDetails, model: type[BaseModel]) -> str:
    key = str(error["loc"][-1])
    name = quote_key(key, error["input"])
    if name:
        return f"unknown key {name}; {suggest(key, list(model.model_fields))}"
    return f"unknown key; write `key: value` with a space after the colon; {suggest('', list(model.model_fields))}"


def _label(path: Steps) -> str:
    *around, last = path
    if last == "[key]":
        return f"a key of `{around[-2]}`"
    if around and around[-1] == "client_metadata":
        return "a value of `client_metadata`"
    return f"entry {last + 1} of {_label(tuple(around))}" if isinstance(last, int) else quote(last)

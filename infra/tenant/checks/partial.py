"""Read a faulty tenant file as the schema's own parts, without the fields that have another type.

So the cross-checks read one form, whether the file is faulty or not. A check ends at a field that cannot be read:
that field has a fault already.
"""

from collections.abc import Callable, Iterable, Iterator
from difflib import get_close_matches
from typing import Any, Literal, TypeAlias, TypeVar, get_args, get_origin

from infra.tenant.annotations import inner, is_model, without_none
from infra.tenant.auth0_words import has_auth0_name_of
from infra.tenant.part import Part, Unreadable
from infra.tenant.schema import TenantFile
from infra.tenant.yaml_lines import Document, Json, Steps

P = TypeVar("P", bound=Part)
T = TypeVar("T")

# The least likeness of a section's name and a mistyped one.
CLOSE = 0.75
NOTHING = object()

# Paths, each with its text, or with the message of a fault.
Findings: TypeAlias = Iterator[tuple[Steps, str]]


def partial_file(fields: dict[str, Json], document: Document) -> TenantFile:
    """Return the readable part of a document. Its values have the right types, but are not checked further.

    fields: the document's value.
    """
    file: TenantFile = _part(TenantFile, fields, (), document.broken)
    return file


def take_readable(found: Iterable[T]) -> Iterator[T]:
    """Yield the findings of a check, until it needs a field that cannot be read."""
    try:
        yield from found
    except Unreadable:
        return


def value_or(read: Callable[[], T], default: T) -> T:
    """Return the result of read, or default if it needs a field that cannot be read."""
    try:
        return read()
    except Unreadable:
        return default


def is_given(part: Part, name: str) -> bool:
    """Return whether the file gives this field a value, even one that cannot be read."""
    return name in part.model_fields_set and vars(part).get(name, NOTHING) is not None


def is_missing(part: Part, name: str) -> bool:
    """Return whether the file gives this field no value, nor a value under a mistyped name."""
    return vars(part).get(name, NOTHING) is None


def entries(path: Steps, parts: Iterable[P]) -> Iterator[tuple[Steps, P]]:
    """Yield each part of a list that has a readable field, with its path."""
    return (((*path, index), part) for index, part in enumerate(parts) if vars(part))


def texts(part: Part, *fields: str, path: Steps = ()) -> Findings:
    """Yield each text below these fields, with its path; of a list each entry. path: the part's.

    Unreadable values are left out.
    """
    return _texts(path, part, fields)


def _texts(path: Steps, value: object, fields: tuple[str, ...]) -> Findings:
    if isinstance(value, tuple):
        for index, item in enumerate(value):
            yield from _texts((*path, index), item, fields)
    elif isinstance(value, Part) and fields:
        yield from _texts((*path, fields[0]), vars(value).get(fields[0]), fields[1:])
    elif isinstance(value, str):
        yield path, value


def by_name(parts: Iterable[P], name: str) -> dict[str, P]:
    """Return the parts by the value of this field, without those that lack it."""
    return {vars(part)[name]: part for part in parts if name in vars(part)}


def _part(model: Any, fields: dict[str, Json], path: Steps, broken: frozenset[Steps]) -> Any:
    """Return a mapping as a part, with the fields that can be read."""
    values = {
        name: _value(inner(model, name), value, (*path, name), broken)
        for name, value in fields.items()
        if name in model.model_fields
    }
    known = {name: value for name, value in values.items() if value is not NOTHING}
    part = model.model_construct(set(values), **known)
    # An unknown key is a fault, unless the part takes any.
    unknown = [key for key in fields if key not in values and model.model_config["extra"] == "forbid"]
    for name in model.model_fields:
        if name not in known and (name in values or _is_misnamed(name, unknown)):
            vars(part).pop(name, None)
    return part


def _is_misnamed(name: str, unknown: list[str]) -> bool:
    """Return whether an unknown key seems to be this absent field: mistyped, or under Auth0's name."""
    return bool(get_close_matches(name, unknown, n=1, cutoff=CLOSE)) or has_auth0_name_of(name, unknown)


def _value(annotation: Any, value: Json, path: Steps, broken: frozenset[Steps]) -> Any:
    """Return a value in the type of its annotation, or NOTHING if it is broken or of another type."""
    kind = without_none(annotation)
    if path in broken:
        return NOTHING
    if kind is Any or (value is None and type(None) in get_args(annotation)):
        return value
    if is_model(kind):
        return _part(kind, value, path, broken) if isinstance(value, dict) else NOTHING
    if get_origin(kind) is tuple:
        return tuple(_items(kind, enumerate(value), path, broken).values()) if isinstance(value, list) else NOTHING
    if get_origin(kind) is dict:
        return _items(kind, value.items(), path, broken) if isinstance(value, dict) else NOTHING
    return value if type(value) is (str if get_origin(kind) is Literal else kind) else NOTHING


def _items(kind: Any, items: Iterable[tuple[Any, Json]], path: Steps, broken: frozenset[Steps]) -> dict[Any, Any]:
    """Return the entries of a list or a mapping, with an empty value for each that cannot be read."""
    values = {}
    for step, item in items:
        annotation = inner(kind, step)
        value = _value(annotation, item, (*path, step), broken)
        values[step] = _empty(without_none(annotation)) if value is NOTHING else value
    return values


def _empty(kind: Any) -> Any:
    if not is_model(kind):
        return () if get_origin(kind) is tuple else None
    part = kind.model_construct()
    vars(part).clear()
    return part

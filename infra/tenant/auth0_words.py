"""Auth0's names in a tenant file, and what each is here. Of values only those that Auth0 documents: never a secret."""

from collections.abc import Collection, Iterable, Iterator
from typing import Any, TypeAlias, get_args

from pydantic import BaseModel

from infra.tenant.auth0_names import NAMES, SECTIONS, VALUES
from infra.tenant.faults import ForeignName
from infra.tenant.yaml_lines import Document, Json, Steps

# By path: a name or a value of Auth0's, and what it is here.
Words: TypeAlias = dict[Steps, tuple[str, str]]


def auth0_words(document: Document, model: type[BaseModel], refused: Collection[Steps]) -> Words:
    """Return each name and value of Auth0's that the document has and the model has not.

    model: what the document should be. refused: the paths that it found at fault.
    """
    ours = set(_fields(model, ()))
    found = {path: (name, here) for path, name, here in _found(document.value, (), ours)}
    # In a section of ours the model knows best what it takes; it has not looked into those of Auth0's.
    words = {
        path: word for path, word in found.items() if path[0] not in model.model_fields or _is_below(path, refused)
    }
    # A value alone is an ordinary fault, which lists what is taken.
    return words if any(_place(path) in NAMES for path in words) else {}


def foreign_names(words: Words, document: Document) -> list[ForeignName]:
    """Return each name once, with its lines, in the order of the file."""
    lines: dict[tuple[str, str], dict[int, None]] = {}
    for path, word in words.items():
        lines.setdefault(word, {})[document.line(path)] = None
    return [ForeignName(name, tuple(found), here) for (name, here), found in lines.items()]


def is_named_otherwise(section: str, names: Iterable[str]) -> bool:
    """Return whether one of these names is Auth0's for a section of ours."""
    return any(SECTIONS.get(name) == section for name in names)


def _is_below(path: Steps, places: Collection[Steps]) -> bool:
    return any(path[:depth] in places for depth in range(1, len(path) + 1))


def _found(value: Json, path: Steps, ours: set[str]) -> Iterator[tuple[Steps, str, str]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            below = (*path, key)
            here = NAMES.get(_place(below))
            if here and (key in SECTIONS or _place(below) not in ours):
                yield below, _place(below, {}), here
            yield from _found(inner, below, ours)
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _found(inner, (*path, index), ours)
    elif isinstance(value, str) and value in VALUES.get(_place(path), {}):
        yield path, f"{_place(path, {})}: {value}", VALUES[_place(path)][value]


def _place(path: Steps, names: dict[str, str] = SECTIONS) -> str:
    """Return the keys of a path in our sections' names, without the places in lists."""
    return ".".join(names.get(key, key) for key in path if isinstance(key, str))


def _fields(annotation: Any, path: tuple[str, ...]) -> Iterator[str]:
    """Yield the place of each field of a model and of the models in it."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        for name, field in annotation.model_fields.items():
            yield ".".join((*path, name))
            yield from _fields(field.annotation, (*path, name))
    else:
        for inner in get_args(annotation):
            yield from _fields(inner, path)

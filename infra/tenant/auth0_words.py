"""Find Auth0's names in a tenant file, and our name for each. Only documented values are named, never a secret."""

from collections.abc import Collection, Iterable, Iterator
from typing import Any, TypeAlias, get_args

from pydantic import BaseModel

from infra.tenant.auth0_names import NAMES, SECTIONS, VALUES
from infra.tenant.faults import Auth0Name
from infra.tenant.yaml_lines import Document, Json, Steps

# By path: a name or a value of Auth0's, and our name for it.
Words: TypeAlias = dict[Steps, tuple[str, str]]


def auth0_words(document: Document, model: type[BaseModel], refused: Collection[Steps]) -> Words:
    """Return each name and value of Auth0's in the document that the model does not know.

    model: the form of a document. refused: the paths that it found a fault in.
    """
    ours = set(_fields(model, ()))
    found = {path: (name, here) for path, name, here in _find_words(document.value, (), ours)}
    # The model has checked our own sections, but not those under Auth0's names.
    words = {
        path: word for path, word in found.items() if path[0] not in model.model_fields or _is_below(path, refused)
    }
    # A value alone is an ordinary fault, whose message lists the allowed values.
    return words if any(_dotted(path) in NAMES for path in words) else {}


def list_auth0_names(words: Words, document: Document) -> list[Auth0Name]:
    """Return each name once, with its lines, in the order of the file."""
    lines: dict[tuple[str, str], dict[int, None]] = {}
    for path, word in words.items():
        lines.setdefault(word, {})[document.line(path)] = None
    return [Auth0Name(name, tuple(found), here) for (name, here), found in lines.items()]


def has_auth0_name_of(section: str, names: Iterable[str]) -> bool:
    """Return whether one of these names is Auth0's for a section of ours."""
    return any(SECTIONS.get(name) == section for name in names)


def _is_below(path: Steps, places: Collection[Steps]) -> bool:
    return any(path[:depth] in places for depth in range(1, len(path) + 1))


def _find_words(value: Json, path: Steps, ours: set[str]) -> Iterator[tuple[Steps, str, str]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            below = (*path, key)
            here = NAMES.get(_dotted(below))
            if here and (key in SECTIONS or _dotted(below) not in ours):
                yield below, _dotted(below, {}), here
            yield from _find_words(inner, below, ours)
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _find_words(inner, (*path, index), ours)
    elif isinstance(value, str) and value in VALUES.get(_dotted(path), {}):
        yield path, f"{_dotted(path, {})}: {value}", VALUES[_dotted(path)][value]


def _dotted(path: Steps, names: dict[str, str] = SECTIONS) -> str:
    """Return the keys of a path with dots, in our sections' names, without indices of lists."""
    return ".".join(names.get(key, key) for key in path if isinstance(key, str))


def _fields(annotation: Any, path: tuple[str, ...]) -> Iterator[str]:
    """Yield the dotted path of each field of a model and of the models in it."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        for name, field in annotation.model_fields.items():
            yield ".".join((*path, name))
            yield from _fields(field.annotation, (*path, name))
    else:
        for inner in get_args(annotation):
            yield from _fields(inner, path)

"""Read YAML as plain JSON values, with the line of each path. Nothing here is specific to tenants.

Only a part of YAML is allowed: text keys, each once, and no anchors, aliases, tags or dates.
"""

import math
from dataclasses import dataclass, field
from typing import TypeAlias

import yaml

from infra.tenant.faults import Fault, quote_key

MAX_DEPTH = 32
NUMBER_LIMIT = 64
# The path's last step for a value that is read and dropped. No key is an int and no index is negative.
DROPPED = -1

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"
Steps: TypeAlias = tuple[str | int, ...]

# A reference costs a few bytes and can stand for megabytes: nine levels of nine aliases are a billion nodes.
ALIAS = "anchors (&) and aliases (*) are not taken: write the value out, or put text that starts with & or * in quotes"
TAG = "YAML tags (!) are not taken: take it out, or put text that starts with ! in quotes"
DATE = "YAML reads this value as a date: put it in quotes"
NUMBER = "YAML cannot read this value as a number: put it in quotes"
NOT_JSON = "infinity and `.nan` are not taken: write a number, or put text in quotes"
SURROGATE = "half a surrogate pair is no text: write the character itself"
CONTROL = "a control character stands here: take it out, or write it as an escape in double quotes"
ESCAPE = "not valid YAML: an escape stands for no character: correct its digits"
KEY = "a key must be text: put this key in quotes"
DEEP = f"nested deeper than {MAX_DEPTH} levels: make it flatter"
DOCUMENTS = "a second YAML document starts here: a tenant file is one document, take the `---` out"

# PyYAML's messages can quote the file, and so a secret. They only select one of ours. The flag says that the fault is
# at the mark of the context: there the quote or the list begins that is not closed.
SYNTAX_MENDS = (
    ("mapping values are not allowed", False, "a colon too many here, or none before: put text with `: ` in quotes"),
    (
        "cannot start any token",
        False,
        "indent with spaces, never tabs, and put text that starts with @, %, ` in quotes",
    ),
    ("could not find expected ':'", True, "a key without its colon: write `key: value`, with a space after the colon"),
    ("unexpected end of stream", True, "the quote that opens here is never closed: close it"),
    ("expected ',' or ']'", True, "the list that opens here is not closed: check the commas, and end it with ]"),
    ("expected ',' or '}'", True, "the mapping that opens here is not closed: check the commas, and end it with }"),
    ("escape", False, 'a backslash escapes in "...": put the value in single quotes, where it does not'),
)
OTHER_MEND = "check the indentation, the colons and the quotes here"


@dataclass(frozen=True, slots=True)
class Document:
    """A parsed file. lines: the line of each path, counted from 1; of a mapping's entry, the line of its key.

    faults: of values that JSON does not have. broken: the paths of unreadable values, which are None.
    """

    value: Json = field(repr=False)
    lines: dict[Steps, int]
    faults: tuple[Fault, ...]
    broken: frozenset[Steps]

    def line(self, path: Steps) -> int:
        """Return the line of path, or of the nearest value around it that exists."""
        while path not in self.lines and path:
            path = path[:-1]
        return self.lines.get(path, 1)

    def is_broken(self, path: Steps) -> bool:
        """Return whether the value of path, or one around it, could not be read."""
        return any(path[:depth] in self.broken for depth in range(len(path) + 1))


def parse(text: str) -> Document:
    """Return the document of a text. Errors are never raised, but in the document's faults.

    After a syntax error the whole value is broken.
    """
    unprintable = yaml.reader.Reader.NON_PRINTABLE.search(text)
    if unprintable:
        return _unreadable(Fault(text.count("\n", 0, unprintable.start()) + 1, CONTROL))
    composer = _Composer(text)
    try:
        value = composer.document()
    except yaml.MarkedYAMLError as error:
        return _unreadable(*composer.faults, _syntax_fault(error))
    except (ValueError, OverflowError):
        # PyYAML calls chr() for an escape, and does not catch its error.
        return _unreadable(*composer.faults, Fault(composer.loader.line + 1, ESCAPE))
    except _TooDeep:
        return _unreadable(*composer.faults)
    return Document(value, composer.lines, tuple(composer.faults), frozenset(composer.broken))


def _unreadable(*faults: Fault) -> Document:
    return Document(None, {}, faults, frozenset({()}))


def _syntax_fault(error: yaml.MarkedYAMLError) -> Fault:
    found = (row for row in SYNTAX_MENDS if row[0] in (error.problem or ""))
    _, at_context, mend = next(found, ("", False, OTHER_MEND))
    mark = error.context_mark if at_context else error.problem_mark
    return Fault(_line(mark), f"not valid YAML: {mend}")


class _TooDeep(Exception):
    """The nesting is too deep to read on: each further level would report the same line."""


class _Composer:
    """Builds values from PyYAML's events, because its safe_load drops their lines."""

    def __init__(self, text: str) -> None:
        self.loader = yaml.SafeLoader(text)
        self.lines: dict[Steps, int] = {}
        self.faults: list[Fault] = []
        self.broken: set[Steps] = set()

    def document(self) -> Json:
        self._next()  # the start of the stream
        if isinstance(self._next(), yaml.StreamEndEvent):
            return None
        value = self._node(self._next(), ())
        self._next()  # the end of the document
        after = self._next()
        if isinstance(after, yaml.DocumentStartEvent):
            self._fault(after, DOCUMENTS)
        return value

    def _node(self, event: yaml.Event, path: Steps) -> Json:
        self.lines.setdefault(path, _line(event.start_mark))
        if len(path) > MAX_DEPTH:
            self._fault(event, DEEP)
            raise _TooDeep
        if getattr(event, "anchor", None) is not None:
            self._fault(event, ALIAS)
        if getattr(event, "tag", None) is not None:
            self._break(event, path, TAG)
        if isinstance(event, yaml.MappingStartEvent):
            return self._mapping(path)
        if isinstance(event, yaml.SequenceStartEvent):
            return self._sequence(path)
        value, mend = _read_scalar(self.loader, event)
        if mend:
            self._break(event, path, mend)
        return value

    def _sequence(self, path: Steps) -> list[Json]:
        items: list[Json] = []
        while not isinstance(event := self._next(), yaml.SequenceEndEvent):
            items.append(self._node(event, (*path, len(items))))
        return items

    def _mapping(self, path: Steps) -> dict[str, Json]:
        entries: dict[str, Json] = {}
        while not isinstance(event := self._next(), yaml.MappingEndEvent):
            key = self._key(event, path)
            if key is None:
                self._node(self._next(), (*path, DROPPED))
            elif key in entries:
                value = self._node(self._next(), (*path, DROPPED))
                self._duplicate(event, (*path, key), quote_key(key, value))
            else:
                self.lines[*path, key] = _line(event.start_mark)
                entries[key] = self._node(self._next(), (*path, key))
        return entries

    def _key(self, event: yaml.Event, path: Steps) -> str | None:
        faults_before = len(self.faults)
        key = self._node(event, (*path, DROPPED))
        if isinstance(key, str):
            return key
        if len(self.faults) == faults_before:
            self._fault(event, KEY)
        return None

    def _duplicate(self, event: yaml.Event, path: Steps, name: str) -> None:
        what = f"duplicate key {name}".rstrip()
        self._fault(event, f"{what} (first on line {self.lines[path]}): take one out")

    def _next(self) -> yaml.Event:
        event: yaml.Event = self.loader.get_event()  # type: ignore[no-untyped-call]  # PyYAML's stubs lack it.
        return event

    def _fault(self, event: yaml.Event, message: str) -> None:
        self.faults.append(Fault(_line(event.start_mark), message))

    def _break(self, event: yaml.Event, path: Steps, message: str) -> None:
        self._fault(event, message)
        self.broken.add(path)


def _read_scalar(loader: yaml.SafeLoader, event: yaml.Event) -> tuple[Json, str]:
    """Return the value of a scalar and "", or None and the mend for an alias or a scalar that JSON does not have."""
    if not isinstance(event, yaml.ScalarEvent):
        return None, ALIAS
    tag: str = loader.resolve(yaml.ScalarNode, event.value, event.implicit)  # type: ignore[no-untyped-call]  # As above.
    kind = tag.rpartition(":")[2]
    if kind == "timestamp":
        return None, DATE
    if kind not in ("null", "bool", "int", "float"):
        has_surrogate = any("\ud800" <= char <= "\udfff" for char in event.value)
        return (None, SURROGATE) if has_surrogate else (event.value, "")
    if len(event.value) > NUMBER_LIMIT:
        return None, NUMBER
    try:
        value: Json = loader.yaml_constructors[tag](loader, yaml.ScalarNode(tag, event.value))
    except ValueError:
        return None, NUMBER
    if isinstance(value, float) and not math.isfinite(value):
        return None, NOT_JSON
    return value, ""


def _line(mark: object) -> int:
    # PyYAML has two types of mark with the same attributes; a mark may also be missing.
    line: int = getattr(mark, "line", 0)
    return line + 1

"""Replace the keywords of Auth0's Deploy CLI: `##X##` by a text, `@@X@@` by JSON, with its quotes if it has some."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from infra.errors import OperatorError
from infra.text_file import read_text

STAND_IN = "UNSET_"
MAPPINGS = "AUTH0_KEYWORD_REPLACE_MAPPINGS"
_NAME = r"[A-Za-z0-9_.-]{1,100}"
_TEXT = re.compile(f"##({_NAME})##")
_JSON = re.compile(f"(['\"]?)@@({_NAME})@@\\1")


@dataclass(slots=True, eq=False, repr=False)
class Keywords:
    """The values of keywords. missing: those without one, which got a stand-in, each with the files that have it."""

    values: Mapping[str, Any]
    missing: dict[str, dict[str, None]] = field(default_factory=dict)

    def replace(self, text: str, file: str) -> str:
        """Return a text with the values of its keywords. One without a value becomes `UNSET_X`, or null."""

        def value(found: re.Match[str], otherwise: str) -> str:
            name = found[found.re.groups]
            if name in self.values:
                return _as_text(self.values[name]) if found.re is _TEXT else json.dumps(self.values[name])
            self.missing.setdefault(name, {})[file] = None
            return otherwise

        quoted = _JSON.sub(lambda found: value(found, "null"), text)
        return _TEXT.sub(lambda found: value(found, f"{STAND_IN}{re.sub('[^A-Za-z0-9]', '_', found[1])}"), quoted)

    def find_missing(self, text: str) -> list[str]:
        """Return the keywords of a text that have no value."""
        named = [found[found.re.groups] for pattern in (_TEXT, _JSON) for found in pattern.finditer(text)]
        return sorted({name for name in named if name not in self.values})


def _as_text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def read_keywords(path: Path | None) -> Keywords:
    """Return the keywords of a JSON file: an object, or the Deploy CLI's configuration with such an object in it."""
    given = read_object(path) if path else {}
    within = given.get(MAPPINGS)
    return Keywords(within if isinstance(within, dict) else given)


def read_object(path: Path) -> dict[str, Any]:
    """Return the JSON object of a file. Raises OperatorError, without a value in it."""
    try:
        given = json.loads(read_text(path))
    except (ValueError, RecursionError):
        given = None
    if not isinstance(given, dict):
        raise OperatorError(f"{path}: must be a JSON object.")
    return given

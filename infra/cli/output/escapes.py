"""Keep names and log lines from commanding a terminal: they may hold its control characters."""

import json
import re
from typing import Any

# What is plain is not looked at.
UNUSUAL = re.compile(r"[^ -~\n]")


def printable(text: str) -> str:
    """Return a text with `?` for each character that a terminal could obey. Line breaks stay."""
    return UNUSUAL.sub(lambda found: found[0] if found[0].isprintable() else "?", text)


def as_json(value: Any, indent: int | None = 2) -> str:
    """Return a value as JSON, with JSON's own escapes for such characters."""
    text = json.dumps(value, ensure_ascii=False, indent=indent)
    return UNUSUAL.sub(lambda found: found[0] if found[0].isprintable() else json.dumps(found[0])[1:-1], text)

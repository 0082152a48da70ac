"""Find the curl lines of a page, and compare its samples with real answers."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).parents[2]
SHORTENED = "…"
# Members whose numbers depend on the time; a page shows old ones.
TIMES = ("auth_time", "exp", "iat", "updated_at")
# A curl of one or more lines, fenced or indented. Its sample follows at once, or after a paragraph "The answer ...".
_CURL = re.compile(r"^ *(curl (?=.*(?:://|\$\{URL))(?:.*\\\n)*.*\n)(?:```\n)?", re.MULTILINE)
_ANSWER = re.compile(r"\n(?:The answer.*\n(?:.+\n)*\n)?```json\n(?P<body>[^`]+)```$", re.MULTILINE)
_STATUS = re.compile(r"\nThe answer\b.* is (\d{3})")


@dataclass(frozen=True, slots=True)
class CurlExample:
    """One curl of a page. status: as the page says, else 200. body: the sample, as JSON, or "" if there is none."""

    line: str
    status: int
    body: str


def curl_examples(text: str) -> list[CurlExample]:
    """Return the curls of a page, in their order."""
    steps = []
    for curl in _CURL.finditer(text):
        answer, status = _ANSWER.match(text, curl.end()), _STATUS.match(text, curl.end())
        steps.append(CurlExample(curl[1], int(status[1]) if status else 200, answer["body"] if answer else ""))
    return steps


def pages_with_curl() -> list[str]:
    """Return the paths of the pages that have a curl."""
    pages = [*PROJECT.glob("*.md"), *sorted((PROJECT / "docs").rglob("*.md"))]
    return [str(page.relative_to(PROJECT)) for page in pages if curl_examples(page.read_text("utf-8"))]


def is_as_shown(shown: Any, got: Any, name: str = "") -> bool:
    """Return whether an answer equals the page's sample, apart from times and shortened values. name: its member."""
    if isinstance(shown, dict) and isinstance(got, dict):
        return list(shown) == list(got) and all(is_as_shown(shown[one], got[one], one) for one in shown)
    if isinstance(shown, list) and isinstance(got, list):
        return len(shown) == len(got) and all(is_as_shown(*pair) for pair in zip(shown, got, strict=True))
    if isinstance(shown, str) and SHORTENED in shown:
        begin, _, end = shown.partition(SHORTENED)
        return isinstance(got, str) and got.startswith(begin) and got.endswith(end)
    if name in TIMES:
        return type(shown) is type(got) is int
    return bool(shown == got)

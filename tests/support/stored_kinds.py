"""The kinds of items that docs/run/security.md lists, by table."""

import re
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "run" / "security.md"


def kind_of(key: str) -> str:
    """Return the kind of an item: the beginning of its partition key, or the whole one if that has no parts."""
    name, separator, _ = key.partition("#")
    return name + separator


def kinds_of_the_page() -> dict[str, set[str]]:
    """Return the kinds of each table, such as `sessions`: what stands as code in the first cell of a row."""
    tables = re.findall(r"^### `gatehouse-STAGE-(.+?)`$(.+?)(?=^##)", PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    return {
        table: {
            kind for cell in re.findall(r"^\| (`.+?) \|", text, re.MULTILINE) for kind in re.findall("`(.+?)`", cell)
        }
        for table, text in tables
    }

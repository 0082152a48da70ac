"""Check that docstrings begin with what the caller gets: `python -m infra.build.docstrings PATH...`, in `make lint`."""

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

# CONTRIBUTING.md "Words": the first line is an imperative. These beginnings hide what the caller gets.
RIDDLE = re.compile(r"(What|Where|Whether it)\b")
Documented = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


def find_riddles(source: str) -> Iterator[tuple[int, str]]:
    """Return the line and the first line of each docstring that begins with "What", "Where" or "Whether it"."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, Documented) and (text := ast.get_docstring(node)) and RIDDLE.match(text):
            yield node.body[0].lineno, text.partition("\n")[0]


def python_files(path: Path) -> list[Path]:
    """Return the Python files of a folder, or the file itself."""
    return sorted(path.rglob("*.py")) if path.is_dir() else [path]


def main(paths: list[str]) -> int:
    """Print each such docstring of the paths with its place; return 1 if there is one, else 0."""
    riddles = [
        f"{file}:{line}: docstring begins with a riddle: {text}\n"
        for path in paths
        for file in python_files(Path(path))
        for line, text in find_riddles(file.read_text("utf-8"))
    ]
    sys.stdout.write("".join(riddles))
    return 1 if riddles else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

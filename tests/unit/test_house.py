"""The sizes of the house, which of its rooms may print, and the forms of its classes."""

import ast
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

PROJECT = Path(__file__).parents[2]
MAX_MODULES = 14
MAX_MODULE_LINES = 300
MAX_FUNCTION_LINES = 40
# The rooms and modules that are larger still. A line leaves this list with the change that mends it.
LARGER_STILL = ("chalicelib/model",)
STREAMS = ("stdout", "stderr")
# The rooms whose modules are commands.
COMMANDS = ("infra/cli/", "infra/build/")
VALUE, SERVICE = "dataclass(frozen=True, slots=True)", "dataclass(slots=True, eq=False, repr=False)"
# A request's log line, which its steps fill in.
OTHER_FORMS = {"chalicelib/model/request.py:Outcome": "dataclass(slots=True)"}


def modules(*roots: str) -> Iterator[tuple[str, str]]:
    """Yield the path and the source of each module."""
    for path in sorted(file for root in roots for file in (PROJECT / root).rglob("*.py")):
        yield path.relative_to(PROJECT).as_posix(), path.read_text("utf-8")


def functions(source: str) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    return (node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def lines_of(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    return (function.end_lineno or 0) - function.lineno + 1


def prints(node: ast.AST) -> bool:
    """Return whether this is print, echo, or one of the streams of sys."""
    match node:
        case ast.Name(id="print") | ast.Attribute(attr="echo"):
            return True
        case ast.Attribute(value=ast.Name(id="sys"), attr=name):
            return name in STREAMS
    return False


def is_program(source: str) -> bool:
    """Return whether a module is one that a process of its own runs."""
    return '\nif __name__ == "__main__":' in source


def test_no_room_has_more_modules_than_a_newcomer_holds() -> None:
    paths = [path for path, _ in modules("infra", "chalicelib") if not path.endswith("__init__.py")]
    rooms = Counter(path.rpartition("/")[0] for path in paths)

    assert {room: count for room, count in rooms.items() if count > MAX_MODULES and room not in LARGER_STILL} == {}


def test_no_module_is_long() -> None:
    lengths = {path: source.count("\n") for path, source in modules("infra", "chalicelib")}

    assert {path: n for path, n in lengths.items() if n > MAX_MODULE_LINES and path not in LARGER_STILL} == {}


def test_no_function_is_long() -> None:
    lengths = {
        f"{path}:{found.name}": lines_of(found)
        for path, source in modules("infra", "chalicelib")
        for found in functions(source)
    }

    assert {name: lines for name, lines in lengths.items() if lines > MAX_FUNCTION_LINES} == {}


def test_no_library_of_the_tools_prints() -> None:
    libraries = [
        (path, source) for path, source in modules("infra") if not path.startswith(COMMANDS) and not is_program(source)
    ]

    assert [path for path, source in libraries if any(map(prints, ast.walk(ast.parse(source))))] == []


def test_every_dataclass_of_the_function_is_a_value_or_a_service() -> None:
    forms = {
        f"{path}:{node.name}": ast.unparse(decorator)
        for path, source in modules("chalicelib")
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.ClassDef)
        for decorator in node.decorator_list
    }

    assert {name: form for name, form in forms.items() if form not in (VALUE, SERVICE)} == OTHER_FORMS

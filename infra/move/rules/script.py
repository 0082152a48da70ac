"""Parse the JavaScript of a rule: its function, its texts and its numbers."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import tree_sitter_javascript
from tree_sitter import Language, Node, Parser

MAX_SCRIPT_CHARS = 100_000
FUNCTIONS = ("function_expression", "function_declaration", "arrow_function")
PARAMETERS = 3
OPENING = ("(", "[", "{", ",")
_PARSER = Parser(Language(tree_sitter_javascript.language()))
_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_NUMBER = re.compile(r"(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?")
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "v": "\v", "0": "\0"}


class Untranslatable(Exception):
    """A part of a rule that is not translated. The message names it, with its line."""

    def __init__(self, node: Node | None, what: str) -> None:
        """node: the part; None for the script as a whole. what: the reason, without a full stop."""
        super().__init__(f"line {node.start_point.row + 1}: {what}" if node else what)


@dataclass(frozen=True, slots=True)
class RuleFunction:
    """The function of a rule: the statements of its body, and the names of its parameters."""

    body: Node
    user: str
    context: str
    callback: str


def parse_rule(script: str) -> RuleFunction:
    """Return the function that a script is. Raises Untranslatable for a script that is anything else."""
    if len(script) > MAX_SCRIPT_CHARS:
        raise Untranslatable(None, f"it is longer than {MAX_SCRIPT_CHARS} characters")
    root = _PARSER.parse(script.encode()).root_node
    if root.has_error:
        raise Untranslatable(None, "it is not read as JavaScript")
    parts = parts_of(root)
    found = parts[0] if len(parts) == 1 else None
    while found and found.type in ("expression_statement", "parenthesized_expression"):
        found = only_part(found)
    if not found or found.type not in FUNCTIONS or is_async(found):
        raise Untranslatable(None, "it is no single function of user, context and callback")
    require_one_line(found)
    parameters, body = part(found, "parameters"), part(found, "body")
    names = [name_of(parameter) for parameter in parts_of(parameters)]
    if len(names) != PARAMETERS or len(set(names)) != PARAMETERS or body.type != "statement_block":
        raise Untranslatable(found, "the function has other parameters than user, context and callback")
    return RuleFunction(body, *names)


def is_async(function: Node) -> bool:
    """Return whether a function is async. Generators are of a type of their own."""
    return any(child.type == "async" for child in function.children)


def parts_of(node: Node) -> list[Node]:
    """Return the parts of a node, without comments and punctuation. Raises Untranslatable for a list with holes."""
    require_one_line(node)
    marks = [child.type for child in node.children if child.type != "comment"]
    if any(one in OPENING and other == "," for one, other in pairwise(marks)):
        raise Untranslatable(node, "a list with holes is not translated")
    return [child for child in node.named_children if child.type != "comment"]


def only_part(node: Node) -> Node:
    """Return the one part of a node. Raises Untranslatable if it has another number of them."""
    parts = parts_of(node)
    if len(parts) != 1:
        raise Untranslatable(node, f"`{shown(node)}` is not translated")
    return parts[0]


def part(node: Node, field: str) -> Node:
    """Return the part of a node that its grammar names so. Raises Untranslatable if there is none."""
    found = node.child_by_field_name(field)
    if found is None:
        raise Untranslatable(node, f"`{shown(node)}` is not translated")
    return found


def require_one_line(node: Node) -> None:
    """Raise Untranslatable for an end of line where JavaScript ends the statement, or takes none."""
    for before, after in pairwise(node.children):
        is_bound = before.type in ("return", "throw") or after.type == "=>"
        if is_bound and before.end_point.row != after.start_point.row:
            raise Untranslatable(node, f"an end of line in `{shown(node)}` is not translated")


def source_of(node: Node) -> str:
    """Return the source of a node."""
    return (node.text or b"").decode()


def shown(node: Node) -> str:
    """Return the beginning of the source of a node, for a message: one line without what shows as nothing."""
    line = " ".join(source_of(node).split())
    return "".join(char if char.isprintable() and char != "`" else "?" for char in line[:40])


def name_of(node: Node) -> str:
    """Return the name of an identifier. Raises Untranslatable for a pattern, and for a name that Python has not."""
    name = source_of(node)
    if node.type not in ("identifier", "shorthand_property_identifier") or not _IDENTIFIER.fullmatch(name):
        raise Untranslatable(node, f"the name `{shown(node)}` is not translated")
    return name


def text_of(node: Node) -> str:
    """Return the text of a string, or of the fixed parts of a template. Raises Untranslatable for half a character."""
    try:
        return "".join(_fragments(node)).encode("utf-16", "surrogatepass").decode("utf-16")
    except UnicodeDecodeError:
        raise Untranslatable(node, "a text holds half a character") from None


def _fragments(node: Node) -> Iterator[str]:
    for child in node.named_children:
        yield fragment_of(child)


def fragment_of(node: Node) -> str:
    """Return what a fragment or an escape of a text stands for."""
    source = source_of(node)
    if node.type == "string_fragment":
        return source.replace("\r\n", "\n").replace("\r", "\n")
    if node.type != "escape_sequence":
        raise Untranslatable(node, f"`{shown(node)}` is not translated")
    kind, digits = source[1], source[2:].strip("{}")
    if kind in "xu" and digits:
        return chr(int(digits, 16))
    if kind.isdigit() and source != "\\0":
        raise Untranslatable(node, "an octal escape is not translated")
    return "" if kind in "\r\n\u2028\u2029" else _ESCAPES.get(kind, kind)


def number_of(node: Node) -> str:
    """Return the Python of a number. Raises Untranslatable for one that is not written in decimal digits."""
    source = source_of(node)
    if not _NUMBER.fullmatch(source) or float(source) > 2**53:
        raise Untranslatable(node, f"the number `{shown(node)}` is not translated")
    return repr(int(float(source)) if float(source).is_integer() else float(source))

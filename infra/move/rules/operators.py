"""The Python of JavaScript's operators: Python's own if it is known to mean the same, or else a helper."""

from tree_sitter import Node

from infra.move.rules.names import Code, Kind
from infra.move.rules.script import Untranslatable, part, shown, source_of

EQUAL = {"===": "==", "!==": "!=", "==": "==", "!=": "!="}
ORDER = {"<": "less({}, {})", ">": "less({1}, {0})", "<=": "less_or_same({}, {})", ">=": "less_or_same({1}, {0})"}
CHOICES = {"||": "either", "&&": "both", "??": "if_nullish"}
ARITHMETIC = {"-": "subtract", "*": "multiply", "/": "divide"}
NUMERIC = (Kind.NUMBER, Kind.DATE)


def require_parentheses(node: Node, operator: str) -> None:
    """Raise Untranslatable for `??` beside `||` or `&&` without parentheses, which is no JavaScript."""
    sides = [side for side in (part(node, "left"), part(node, "right")) if side.type == "binary_expression"]
    inner = {source_of(part(side, "operator")) for side in sides} & {*CHOICES}
    if inner and (operator == "??") != (inner == {"??"}):
        raise Untranslatable(node, f"`{shown(node)}` is not translated")


def combine_numbers(operator: str, left: Code, right: Code) -> Code | None:
    """Return the Python of an operator between numbers or dates, or None for another one."""
    if left.kind not in NUMERIC or right.kind not in NUMERIC:
        return None
    if operator in ORDER:
        return Code(f"({left.python} {operator} {right.python})", Kind.BOOL)
    return Code(f"subtract({left.python}, {right.python})", Kind.NUMBER) if operator == "-" else None


def combine(operator: str, left: Code, right: Code) -> Code | None:
    """Return the Python of an operator between values, or None for one that is not known."""
    if operator in EQUAL:
        return Code(_equality(operator, left, right), Kind.BOOL)
    if operator in ORDER:
        return Code(ORDER[operator].format(left.python, right.python), Kind.BOOL)
    if operator in ARITHMETIC:
        return Code(f"{ARITHMETIC[operator]}({left.python}, {right.python})", Kind.NUMBER)
    return _sum(left, right) if operator == "+" else None


def _sum(left: Code, right: Code) -> Code:
    kinds = (left.kind, right.kind)
    if kinds == (Kind.TEXT, Kind.TEXT):
        return Code(f"({left.python} + {right.python})", Kind.TEXT)
    kind = Kind.TEXT if Kind.TEXT in kinds else Kind.NUMBER if kinds == (Kind.NUMBER,) * 2 else Kind.ANY
    return Code(f"add({left.python}, {right.python})", kind)


def _equality(operator: str, left: Code, right: Code) -> str:
    """Return the Python of a comparison: Python's own if it is known to be the same."""
    is_strict, negated = len(operator) == 3, operator[0] == "!"  # noqa: PLR2004 (`===`)
    literal = next((one.python for one in (left, right) if one.python in ("None", "UNDEFINED", "True", "False")), "")
    other = left if right.python == literal else right
    texts = [one for one in (left, right) if one.kind is Kind.TEXT]
    if is_strict and literal and other.kind in (Kind.ANY, Kind.BOOL):
        return f"({other.python} is {'not ' * negated}{literal})"
    if literal in ("None", "UNDEFINED"):
        return f"({'not ' * negated}is_nullish({other.python}))"
    if (left.kind is right.kind and left.kind in (Kind.TEXT, Kind.NUMBER, Kind.BOOL)) or (is_strict and texts):
        return f"({left.python} {EQUAL[operator]} {right.python})"
    return f"({'not ' * negated}{'same' if is_strict else 'loosely_same'}({left.python}, {right.python}))"

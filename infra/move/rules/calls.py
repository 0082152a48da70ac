"""Translate the calls of methods that are known, and the dates."""

import re
from typing import Protocol

from tree_sitter import Node

from infra.move.rules.names import DATE_METHODS, METHODS, TIMES, Code, Kind, Path, Scope
from infra.move.rules.script import Untranslatable, part, parts_of, shown, source_of, text_of

_DAY = re.compile(r"\d{4}-\d\d-\d\d(T\d\d:\d\d:\d\d(\.\d{1,3})?Z)?", re.ASCII)
# By global function: its Python, and the kind of its result.
FUNCTIONS = {
    "String": ("text({})", Kind.TEXT),
    "Boolean": ("truthy({})", Kind.BOOL),
    "Array.isArray": ("isinstance({}, list)", Kind.BOOL),
}


class Values(Protocol):
    """The translation of the expressions around a call."""

    @property
    def scope(self) -> Scope: ...

    def value(self, node: Node) -> Code: ...

    def operand(self, node: Node) -> Code: ...

    def identifier(self, node: Node) -> Code: ...

    def path_of(self, node: Node) -> Path: ...

    def function_of_one(self, node: Node) -> str: ...


def read_call(values: Values, node: Node) -> Code:
    """Return the Python of a call. Raises Untranslatable if the function is not known."""
    function, arguments = part(node, "function"), parts_of(part(node, "arguments"))
    named = "".join(source_of(function).split())
    if not values.scope.find(named.partition(".")[0]):
        if named in FUNCTIONS and len(arguments) == 1:
            python, kind = FUNCTIONS[named]
            return Code(python.format(values.value(arguments[0]).python), kind)
        if named == "Date.now" and not arguments:
            return Code("now()", Kind.NUMBER)
    if function.type != "member_expression" or part(function, "property").type != "property_identifier":
        raise Untranslatable(node, f"the call `{shown(node)}` is not translated")
    method, thing = source_of(part(function, "property")), values.operand(part(function, "object"))
    if thing.kind is Kind.DATE and method in DATE_METHODS and not arguments:
        return Code(f"part({thing.python}, {DATE_METHODS[method]!r})", Kind.NUMBER)
    if method not in METHODS or thing.kind in (Kind.DATE, Kind.THERE):
        raise Untranslatable(node, f"the call `{shown(node)}` is not translated")
    python, kind, form = METHODS[method]
    if method == "concat" and thing.kind in (Kind.TEXT, Kind.OBJECT):
        kind = thing.kind
    argument = _argument(values, node, arguments, form)
    return Code(f"{python}({', '.join([thing.python, *argument])})", kind)


def _argument(values: Values, node: Node, arguments: list[Node], form: str) -> list[str]:
    """Return the Python of the arguments of a method. form: what it takes, or "" for nothing."""
    if len(arguments) != bool(form):
        raise Untranslatable(node, f"the call `{shown(node)}` has other arguments than are translated")
    if not form:
        return []
    if form == "function":
        return [values.function_of_one(arguments[0])]
    if form == "text" and not (arguments[0].type == "string" and text_of(arguments[0])):
        raise Untranslatable(node, f"the separator in `{shown(node)}` is not translated")
    return [values.value(arguments[0]).python]


def new_date(values: Values, node: Node) -> Code:
    """Return the Python of `new Date()`, of a time of the user, and of a day that is written out."""
    arguments = node.child_by_field_name("arguments")
    given = parts_of(arguments) if arguments else []
    if source_of(part(node, "constructor")) != "Date" or values.scope.find("Date") or len(given) > 1:
        raise Untranslatable(node, f"`{shown(node)}` is not translated")
    if not given:
        return Code("now()", Kind.DATE)
    path = values.path_of(given[0])
    is_day = given[0].type == "string" and _DAY.fullmatch(text_of(given[0]))
    if not is_day and not (path[:1] == ("user",) and path[1:] and path[1] in TIMES):
        raise Untranslatable(node, f"`{shown(node)}` is not translated: only the user's times are")
    return Code(f"date({values.value(given[0]).python})", Kind.DATE)

"""Translate the expressions of a rule. Whatever is not known to mean the same in Python is refused."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from tree_sitter import Node

from infra.move.rules.calls import new_date, read_call
from infra.move.rules.javascript import INHERITED
from infra.move.rules.literals import read_array, read_object, read_template
from infra.move.rules.names import (
    CONTAINERS,
    FUNCTIONS,
    MEMBERS,
    METADATA,
    OTHERWISE,
    Code,
    Kind,
    Path,
    Scope,
    TenantNames,
)
from infra.move.rules.operators import CHOICES, combine, combine_numbers, require_parentheses
from infra.move.rules.script import (
    RuleFunction,
    Untranslatable,
    is_async,
    name_of,
    number_of,
    only_part,
    part,
    parts_of,
    require_one_line,
    shown,
    source_of,
    text_of,
)

LITERALS = {
    "true": Code("True", Kind.BOOL),
    "false": Code("False", Kind.BOOL),
    "null": Code("None"),
    "undefined": Code("UNDEFINED"),
}


@dataclass(slots=True, eq=False, repr=False)
class Expressions:
    """The translation of the expressions of one rule. stand_ins: by node, the Python name that holds its value."""

    function: RuleFunction
    names: TenantNames
    scope: Scope = field(default_factory=Scope)
    stand_ins: dict[int, Code] = field(default_factory=dict)

    def value(self, node: Node) -> Code:
        """Return the Python of an expression that JSON could hold. Raises Untranslatable."""
        return _require_json(node, self.operand(node))

    def condition(self, node: Node) -> str:
        """Return the Python of an expression of which only the truth counts."""
        if node.type == "parenthesized_expression":
            return self.condition(only_part(node))
        if node.type == "unary_expression" and source_of(part(node, "operator")) == "!":
            return f"(not {self.condition(part(node, 'argument'))})"
        operator = source_of(part(node, "operator")) if node.type == "binary_expression" else ""
        if operator in ("&&", "||"):
            require_parentheses(node, operator)
            words = {"&&": "and", "||": "or"}
            left, right = self.condition(part(node, "left")), self.condition(part(node, "right"))
            return right if (left, operator) == ("True", "&&") else f"({left} {words[operator]} {right})"
        found = self.operand(node)
        if found.kind is Kind.DATE:
            raise Untranslatable(node, "the truth of a date is not translated")
        return {Kind.BOOL: found.python, Kind.THERE: "True"}.get(found.kind, f"truthy({found.python})")

    def operand(self, node: Node) -> Code:
        """Return the Python of any expression, of a date too."""
        if node.id in self.stand_ins:
            return self.stand_ins[node.id]
        if node.type in LITERALS:
            return LITERALS[node.type]
        translate = _BY_TYPE.get(node.type)
        if not translate:
            raise Untranslatable(node, f"`{shown(node)}` is not translated")
        return translate(self, node)

    def path_of(self, node: Node) -> Path:
        """Return the path of a member of user or context, or () for another expression."""
        if node.type == "parenthesized_expression":
            return self.path_of(only_part(node))
        if node.type == "identifier":
            return self._root(source_of(node))
        if node.type == "binary_expression" and source_of(part(node, "operator")) in ("||", "??"):
            path = self.path_of(part(node, "left"))
            return path if path in CONTAINERS else ()
        if node.type not in ("member_expression", "subscript_expression"):
            return ()
        path, key = self.path_of(part(node, "object")), self.key_of(node)
        return (*path, key) if key and (path in CONTAINERS or path in METADATA) else ()

    def key_of(self, node: Node) -> str:
        """Return the name of the member that an expression reads, or "" if the name is computed."""
        if node.type == "member_expression":
            found = part(node, "property")
            if found.type != "property_identifier":
                raise Untranslatable(node, f"`{shown(node)}` is not translated")
            return source_of(found)
        index = part(node, "index")
        return text_of(index) if index.type == "string" else ""

    def _root(self, name: str) -> Path:
        variable = self.scope.find(name)
        if variable:
            return variable.path
        roots = {self.function.user: "user", self.function.context: "context", "configuration": "configuration"}
        return (roots[name],) if name in roots else ()

    def identifier(self, node: Node) -> Code:
        """Return the Python of a name."""
        variable, path = self.scope.find(name_of(node)), self._root(source_of(node))
        if variable and not path:
            return variable
        return self.at(node, path)

    def at(self, node: Node, path: Path) -> Code:
        """Return the Python of a member of user or context. Raises Untranslatable if it means another thing here."""
        if path in CONTAINERS:
            return Code("", Kind.THERE, path)
        if why_not := self.names.why_not(path):
            raise Untranslatable(node, why_not)
        if path in MEMBERS:
            return MEMBERS[path]
        is_of_user = path[:1] == ("user",) and len(path) == 2  # noqa: PLR2004 (user and the member's name)
        if not is_of_user or path[1] in OTHERWISE or path[1] in INHERITED or path[1].startswith("__"):
            raise Untranslatable(node, f"`{shown(node)}` is not here, or means another thing")
        return Code(f"own(user, {path[1]!r})")

    def member(self, node: Node) -> Code:
        """Return the Python of `a.b` or `a[b]`, also with `?.` in it."""
        path = self.path_of(node)
        if (path and path[:2] not in METADATA) or path in METADATA:
            return self.at(node, path)
        before = part(node, "object")
        if before.id not in self.stand_ins and (optional := self._optional_step(node)):
            return self._chain(node, optional)
        if path[:2] not in METADATA and self.path_of(before) in CONTAINERS:
            raise Untranslatable(node, f"`{shown(node)}` is not translated: its member is computed")
        key = self.key_of(node)
        if key in INHERITED or key in FUNCTIONS:
            raise Untranslatable(node, f"`{shown(node)}` is not translated: it may be a function")
        index = repr(key) if key else self.value(part(node, "index")).python
        thing = self.value(before)
        kind = Kind.NUMBER if key == "length" and thing.kind is Kind.TEXT else Kind.ANY
        return Code(f"get({thing.python}, {index})", kind)

    def _optional_step(self, node: Node) -> Node | None:
        """Return the first step of a chain that is taken only if something is there, or None."""
        steps: list[Node] = []
        while node.type in ("member_expression", "subscript_expression", "call_expression"):
            steps.append(node)
            node = part(node, "function" if node.type == "call_expression" else "object")
        for step in reversed(steps):
            before = part(step, "function" if step.type == "call_expression" else "object")
            is_optional = any(child.type == "optional_chain" for child in step.children)
            if is_optional and before.id not in self.stand_ins and self.path_of(before) not in CONTAINERS:
                return step
        return None

    def _chain(self, node: Node, step: Node) -> Code:
        """Return the Python of a chain that ends with undefined before this step if nothing is there."""
        if step.type == "call_expression":
            raise Untranslatable(node, f"`{shown(node)}` is not translated")
        before, name = part(step, "object"), self.scope.new_name("it")
        base = self.value(before)
        self.stand_ins[before.id] = Code(name)
        rest = self.value(node)
        return Code(f"(UNDEFINED if is_nullish({name} := {base.python}) else {rest.python})")

    def call(self, node: Node) -> Code:
        """Return the Python of a call."""
        if (optional := self._optional_step(node)) is not None:
            return self._chain(node, optional)
        return read_call(self, node)

    def binary(self, node: Node) -> Code:
        """Return the Python of an expression with an operator."""
        operator = source_of(part(node, "operator"))
        if operator in CHOICES:
            return self._choice(node, operator)
        left, right = self.operand(part(node, "left")), self.operand(part(node, "right"))
        combined = combine_numbers(operator, left, right)
        if not combined:
            combined = combine(operator, _require_json(node, left), _require_json(node, right))
        if not combined:
            raise Untranslatable(node, f"the operator {operator} is not translated")
        return combined

    def _choice(self, node: Node, operator: str) -> Code:
        require_parentheses(node, operator)
        left = self.operand(part(node, "left"))
        if left.kind is Kind.THERE or (left in MEMBERS.values() and left.kind is Kind.OBJECT):
            return self.operand(part(node, "right")) if operator == "&&" else left
        left, right = _require_json(node, left), self.value(part(node, "right"))
        kind = left.kind if left.kind is right.kind else Kind.ANY
        return Code(f"{CHOICES[operator]}({left.python}, lambda: {right.python})", kind)

    def ternary(self, node: Node) -> Code:
        """Return the Python of `a ? b : c`."""
        first, second = self.value(part(node, "consequence")), self.value(part(node, "alternative"))
        kind = first.kind if first.kind is second.kind else Kind.ANY
        return Code(f"({first.python} if {self.condition(part(node, 'condition'))} else {second.python})", kind)

    def unary(self, node: Node) -> Code:
        """Return the Python of `!a`, of `typeof a` and of a negative number."""
        operator, argument = source_of(part(node, "operator")), part(node, "argument")
        if operator == "!":
            return Code(self.condition(node), Kind.BOOL)
        if operator == "typeof":
            return Code(f"type_of({self.value(argument).python})", Kind.TEXT)
        if operator == "-" and argument.type == "number":
            return Code(f"(-{number_of(argument)})", Kind.NUMBER)
        raise Untranslatable(node, f"`{shown(node)}` is not translated")

    def function_of_one(self, node: Node) -> str:
        """Return the Python of a function of one parameter that returns one expression."""
        if node.type not in ("arrow_function", "function_expression") or is_async(node):
            raise Untranslatable(node, f"`{shown(node)}` is not translated")
        require_one_line(node)
        bare = node.child_by_field_name("parameter")
        names = [bare] if bare else parts_of(part(node, "parameters"))
        body = part(node, "body")
        steps = parts_of(body) if body.type == "statement_block" else [body]
        if len(names) != 1 or not steps:
            raise Untranslatable(node, f"`{shown(node)}` is not translated")
        with self.block():
            name = self._declare(names[0], Kind.ANY)
            return f"(lambda {name}: {self._result(steps, body)})"

    def _result(self, steps: list[Node], body: Node) -> str:
        """Return the Python of what a function returns, after the variables that it declares before."""
        step = steps[0]
        if step is body:
            return self.value(step).python
        if step.type == "return_statement" and len(steps) == 1:
            return self.value(only_part(step)).python
        if step.type not in ("lexical_declaration", "variable_declaration") or len(steps) == 1:
            raise Untranslatable(step, f"`{shown(step)}` is not translated in a function")
        declared = only_part(step)
        given = self.value(part(declared, "value"))
        name = self._declare(part(declared, "name"), given.kind)
        return f"(lambda {name}: {self._result(steps[1:], body)})({given.python})"

    def _declare(self, node: Node, kind: Kind) -> str:
        """Return the Python name of a new variable of the innermost block."""
        name = name_of(node)
        if name in self.scope.blocks[-1]:
            raise Untranslatable(node, f"the name `{name}` stands for two things")
        python = self.scope.new_name(name)
        self.scope.blocks[-1][name] = Code(python, kind)
        return python

    @contextmanager
    def block(self) -> Iterator[None]:
        """Open a block for variables, and close it."""
        self.scope.blocks.append({})
        try:
            yield
        finally:
            self.scope.blocks.pop()


def _require_json(node: Node, found: Code) -> Code:
    if found.kind in (Kind.DATE, Kind.THERE):
        raise Untranslatable(node, f"`{shown(node)}` is translated only as a part of another expression")
    return found


_BY_TYPE: dict[str, Callable[[Expressions, Node], Code]] = {
    "identifier": Expressions.identifier,
    "member_expression": Expressions.member,
    "subscript_expression": Expressions.member,
    "call_expression": Expressions.call,
    "binary_expression": Expressions.binary,
    "ternary_expression": Expressions.ternary,
    "unary_expression": Expressions.unary,
    "template_string": read_template,
    "array": read_array,
    "object": read_object,
    "parenthesized_expression": lambda self, node: self.operand(only_part(node)),
    "string": lambda _, node: Code(repr(text_of(node)), Kind.TEXT),
    "number": lambda _, node: Code(number_of(node), Kind.NUMBER),
    "new_expression": new_date,
}

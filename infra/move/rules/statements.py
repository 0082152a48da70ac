"""Translate the statements of a rule. Each path has to call the callback once, and to store what metadata it set."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from tree_sitter import Node

from infra.move.rules.blocks import Block, End, end_of_both, indent
from infra.move.rules.expressions import Expressions
from infra.move.rules.names import METADATA, MULTIFACTOR, REDIRECT, SCOPE, TOKENS, Code, Kind, Path
from infra.move.rules.saving import Saving, read_saving
from infra.move.rules.script import Untranslatable, name_of, only_part, part, parts_of, shown, source_of, text_of

PROVIDERS = ("any", "guardian", "google-authenticator", "none")
# Of a browser's cookie, which the password grant does not have.
VAIN = ("allowRememberBrowser", "ignoreCookie")
WHOLE = {REDIRECT: "context.redirect", SCOPE: "context.access_token.scope"}
STORABLE = (Kind.TEXT, Kind.NUMBER, Kind.BOOL, Kind.OBJECT)


@dataclass(slots=True, eq=False, repr=False)
class Statements:
    """The translation of the statements of one rule, as far as it got.

    unsaved: the metadata that may be set and not stored. made: the metadata that is an object for sure.
    """

    expressions: Expressions
    unsaved: frozenset[str] = field(default_factory=frozenset)
    made: frozenset[str] = field(default_factory=frozenset)

    def body(self) -> tuple[str, ...]:
        """Return the Python lines of the rule's body. Raises Untranslatable."""
        found = self.block(parts_of(self.expressions.function.body))
        if found.end is End.GOES_ON:
            raise Untranslatable(None, "a path ends without a call of the callback")
        return found.lines

    def block(self, statements: list[Node]) -> Block:
        """Return the translation of statements in a block of their own."""
        lines: list[str] = []
        end = End.GOES_ON
        with self.expressions.block():
            for statement in statements:
                if end is not End.GOES_ON:
                    raise Untranslatable(statement, "a statement follows the end of the rule")
                found = self._statement(statement)
                lines += found.lines
                end = found.end
        return Block(tuple(lines), end, self.unsaved)

    def _statement(self, node: Node) -> Block:
        translate = _BY_TYPE.get(node.type)
        if not translate:
            raise Untranslatable(node, f"`{shown(node)}` is not translated")
        return translate(self, node)

    def _go_on(self, *lines: str) -> Block:
        return Block(lines, End.GOES_ON, self.unsaved)

    def declaration(self, node: Node) -> Block:
        """Return the translation of `const`, `let` and `var`."""
        return self._go_on(*(line for declared in parts_of(node) for line in self._declare(declared)))

    def _declare(self, node: Node) -> Iterator[str]:
        name, scope = name_of(part(node, "name")), self.expressions.scope
        function = self.expressions.function
        if scope.find(name) or name in (function.user, function.context, function.callback):
            raise Untranslatable(node, f"the name `{name}` stands for two things")
        given = node.child_by_field_name("value")
        found = self.expressions.operand(given) if given else Code("UNDEFINED")
        if found.kind is Kind.THERE:
            scope.blocks[-1][name] = found
            return
        python = scope.new_name(name)
        scope.blocks[-1][name] = Code(python, found.kind)
        yield f"{python} = {found.python}"

    def expression(self, node: Node) -> Block:
        """Return the translation of an expression that stands for itself: an assignment or a call."""
        found = only_part(node)
        if found.type == "string":
            return self._go_on()
        if found.type == "assignment_expression":
            return self._go_on(*self._assign(part(found, "left"), part(found, "right")))
        if found.type != "call_expression":
            raise Untranslatable(node, f"`{shown(node)}` is not translated")
        if source_of(part(found, "function")).startswith("console."):
            texts = [self.expressions.value(argument) for argument in parts_of(part(found, "arguments"))]
            return self._go_on(f"print({', '.join(f'text({one.python})' for one in texts)})")
        ended = self._ending(found)
        return Block(ended.lines, End.CALLED if ended.end is End.RETURNED else ended.end, ended.unsaved)

    def _ending(self, call: Node) -> Block:
        """Return the translation of a call that ends the rule: of the callback, or of storing metadata."""
        saving = read_saving(self.expressions, call)
        if saving:
            return self._save(saving)
        if not self._is_callback(part(call, "function")):
            raise Untranslatable(call, f"the call `{shown(call)}` is not translated")
        if self.unsaved:
            raise Untranslatable(call, f"{' and '.join(sorted(self.unsaved))} is changed without being stored")
        arguments = parts_of(part(call, "arguments"))
        function = self.expressions.function
        if [source_of(one) for one in arguments] == ["null", function.user, function.context]:
            return Block(("return",), End.RETURNED, self.unsaved)
        if len(arguments) != 1:
            raise Untranslatable(call, f"the call `{shown(call)}` is not translated")
        return Block(self._refusal(arguments[0]), End.RETURNED, self.unsaved)

    def _save(self, saving: Saving) -> Block:
        needed = () if saving.name in self.made else (f"require_metadata(user, {saving.name!r})",)
        self.unsaved = self.unsaved - {saving.name}
        after = self.block(saving.after)
        if after.end is End.GOES_ON:
            raise Untranslatable(saving.node, "a path ends without a call of the callback")
        return Block((*needed, *after.lines), End.RETURNED, after.unsaved)

    def _is_callback(self, node: Node) -> bool:
        name = self.expressions.function.callback
        return node.type == "identifier" and source_of(node) == name and not self.expressions.scope.find(name)

    def _refusal(self, node: Node) -> tuple[str, ...]:
        """Return the translation of the error that the callback gets, or that is thrown."""
        if node.type == "string":
            return (f"raise RuntimeError({text_of(node)!r})",)
        kind = source_of(part(node, "constructor")) if node.type == "new_expression" else ""
        arguments = parts_of(part(node, "arguments")) if kind else []
        if kind not in ("UnauthorizedError", "Error") or self.expressions.scope.find(kind) or len(arguments) != 1:
            raise Untranslatable(node, f"the error `{shown(node)}` is not translated")
        message = self.expressions.value(arguments[0])
        if message.kind is not Kind.TEXT:
            raise Untranslatable(node, f"the error `{shown(node)}` is not translated: its words are no text")
        if kind == "Error":
            return (f"raise RuntimeError({message.python})",)
        return (f"context.deny({message.python})", "return")

    def _assign(self, target: Node, given: Node) -> Iterator[str]:
        if target.type == "identifier":
            yield self._assign_variable(target, given)
        elif target.type in ("member_expression", "subscript_expression") and "?." not in source_of(target):
            path = self.expressions.path_of(target)
            # `context.idToken = claims` changes nothing where claims is that token itself.
            if path not in TOKENS or self.expressions.path_of(given) != path:
                yield self._assign_member(path, target, given)
        else:
            raise Untranslatable(target, f"`{shown(target)}` is not translated")

    def _assign_member(self, path: Path, target: Node, given: Node) -> str:
        holder = self.expressions.path_of(part(target, "object"))
        if path in METADATA:
            return self._make_metadata(path, given)
        if path == MULTIFACTOR:
            return f"context.multifactor = {self._multifactor(given)}"
        if path in (REDIRECT, SCOPE):
            return f"{WHOLE[path]} = as_json({self._object(given)})"
        key = self.expressions.key_of(target)
        if holder in TOKENS:
            name = repr(key) if key else self.expressions.value(part(target, "index")).python
            return f"set_claim({TOKENS[holder]}, {name}, {self.expressions.value(given).python})"
        if holder in METADATA and key:
            return self._set_metadata(holder, key, given)
        raise Untranslatable(target, f"an assignment to `{shown(target)}` is not translated")

    def _assign_variable(self, target: Node, given: Node) -> str:
        name = name_of(target)
        variable, found = self.expressions.scope.find(name), self.expressions.operand(given)
        is_held = variable and variable.python in self.expressions.scope.given
        if not variable or not is_held or Kind.DATE in (variable.kind, found.kind) or found.kind is Kind.THERE:
            raise Untranslatable(target, f"an assignment to `{shown(target)}` is not translated")
        if variable.kind is not found.kind:
            block = next(one for one in self.expressions.scope.blocks if one.get(name) is variable)
            block[name] = Code(variable.python)
        return f"{variable.python} = {found.python}"

    def _object(self, node: Node) -> str:
        found = self.expressions.value(node)
        if found.kind is not Kind.OBJECT:
            raise Untranslatable(node, f"`{shown(node)}` is not known to be a list or an object")
        return found.python

    def _make_metadata(self, path: Path, given: Node) -> str:
        """Return the translation of `user.app_metadata = user.app_metadata || {}`."""
        is_choice = given.type == "binary_expression" and source_of(part(given, "operator")) in ("||", "??")
        kept = self.expressions.path_of(part(given, "left")) if is_choice else ()
        if kept != path or "".join(source_of(part(given, "right")).split()) != "{}":
            raise Untranslatable(given, f"an assignment to user.{path[1]} is not translated")
        self.made = self.made | {path[1]}
        return f"make_metadata(user, {path[1]!r})"

    def _set_metadata(self, path: Path, key: str, given: Node) -> str:
        found = self.expressions.value(given)
        if found.kind not in STORABLE:
            raise Untranslatable(given, f"`{shown(given)}` may be null or undefined, and is to be stored")
        self.unsaved = self.unsaved | {path[1]}
        return f"set_metadata(user, {path[1]!r}, {key!r}, {found.python})"

    def _multifactor(self, node: Node) -> str:
        """Return the demand for a second factor, without what concerns a browser."""
        members = {}
        for pair in parts_of(node) if node.type == "object" else []:
            members[source_of(part(pair, "key")).strip("'\"") if pair.type == "pair" else ""] = pair
        asked = members.pop("provider", None)
        provider = text_of(part(asked, "value")) if asked and part(asked, "value").type == "string" else ""
        are_vain = all(name in VAIN and part(pair, "value").type in ("true", "false") for name, pair in members.items())
        if provider not in PROVIDERS or not are_vain:
            raise Untranslatable(node, "this demand for a second factor is not translated")
        return repr({"provider": provider})

    def choice(self, node: Node) -> Block:
        """Return the translation of `if`."""
        if made := self._guard(node):
            return self._go_on(made)
        test, alternative = self.expressions.condition(part(node, "condition")), node.child_by_field_name("alternative")
        before = self.unsaved
        first = self._branch(part(node, "consequence"))
        self.unsaved = before
        second = self._branch(only_part(alternative)) if alternative else self._go_on()
        self.unsaved = frozenset().union(*(one.unsaved for one in (first, second) if one.end is End.GOES_ON))
        otherwise = ("else:", *indent(second.lines)) if second.lines else ()
        lines = (f"if {test}:", *indent(first.lines), *otherwise)
        return Block(lines, end_of_both(node, first, second), self.unsaved)

    def _branch(self, node: Node) -> Block:
        made = self.made
        try:
            return self.block(parts_of(node) if node.type == "statement_block" else [node])
        finally:
            self.made = made

    def _guard(self, node: Node) -> str:
        """Return the translation of `if (!user.app_metadata) user.app_metadata = {}`, or ""."""
        condition, body = only_part(part(node, "condition")), part(node, "consequence")
        statements = parts_of(body) if body.type == "statement_block" else [body]
        assigned = only_part(statements[0]) if [one.type for one in statements] == ["expression_statement"] else None
        is_negated = condition.type == "unary_expression" and source_of(part(condition, "operator")) == "!"
        if node.child_by_field_name("alternative") or not is_negated or not assigned:
            return ""
        path = self.expressions.path_of(part(condition, "argument"))
        is_guard = assigned.type == "assignment_expression" and source_of(part(assigned, "right")) == "{}"
        is_same = is_guard and self.expressions.path_of(part(assigned, "left")) == path
        if not is_same or path not in METADATA:
            return ""
        self.made = self.made | {path[1]}
        return f"make_metadata(user, {path[1]!r})"

    def ending(self, node: Node) -> Block:
        """Return the translation of `return callback(...)`."""
        found = parts_of(node)
        if not found or found[0].type != "call_expression":
            raise Untranslatable(node, f"`{shown(node)}` is not translated: the callback is not called")
        return self._ending(found[0])

    def throw(self, node: Node) -> Block:
        """Return the translation of `throw`, which ends the login."""
        line = self._refusal(only_part(node))[0]
        return Block((line.replace("context.deny(", "raise RuntimeError(", 1),), End.RETURNED, self.unsaved)


_BY_TYPE: dict[str, Callable[[Statements, Node], Block]] = {
    "lexical_declaration": Statements.declaration,
    "variable_declaration": Statements.declaration,
    "expression_statement": Statements.expression,
    "if_statement": Statements.choice,
    "return_statement": Statements.ending,
    "throw_statement": Statements.throw,
    "statement_block": lambda self, node: self.block(parts_of(node)),
    "empty_statement": lambda self, _: self._go_on(),
    # The body of an arrow function.
    "call_expression": lambda self, node: self._ending(node),
}

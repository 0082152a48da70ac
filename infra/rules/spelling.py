"""Find unfinished rules, misspelt members and useless ones in the source of rules, before a login runs them."""

import ast
import inspect
import sys
import textwrap
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

from chalicelib.model.login import Access, Login
from chalicelib.model.request import Request
from chalicelib.model.tenant import Client
from chalicelib.model.user import User
from chalicelib.rules.context import RuleContext, make_arguments
from chalicelib.rules.loading import BadRules, Rule
from chalicelib.rules.spelling import find_meant, members_of

# Members of Auth0's context.multifactor about a browser's cookie, which the password grant does not have.
IN_VAIN = ("allowRememberBrowser", "allow_remember_browser", "ignoreCookie", "ignore_cookie")


@dataclass(frozen=True, slots=True)
class _Source:
    """One function's source. label: its name in messages. things: a user or a context, by the parameter's name."""

    label: str
    tree: ast.AST
    first_line: int
    things: dict[str, Any]

    def place(self, node: ast.expr | ast.keyword | ast.stmt) -> str:
        return f"{self.label}, line {self.first_line + node.lineno - 1}"


def read_rules(rules: Iterable[Rule]) -> tuple[str, ...]:
    """Return a line for each useless member in the source of the rules and of their packages' other functions.

    Raises BadRules with all rules that raise always and all misspelt members, each of which fails a login.
    """
    sources = list(_sources(tuple(rules)))
    if faults := [line for source in sources for line in (*_find_unfinished(source), *_find_misspelt(source))]:
        raise BadRules("\n".join(dict.fromkeys(faults)))
    return tuple(dict.fromkeys(line for source in sources for line in _find_useless(source)))


def _find_unfinished(source: _Source) -> Iterator[str]:
    """Yield a line for a function that ends in raising NotImplementedError, as a rule does that is not translated."""
    function = next((node for node in ast.walk(source.tree) if isinstance(node, ast.FunctionDef)), None)
    for node in function.body[-1:] if function else ():
        if isinstance(node, ast.Raise) and ast.unparse(node).startswith("raise NotImplementedError"):
            said = [str(one.value) for one in ast.walk(node) if isinstance(one, ast.Constant)]
            yield f"{source.place(node)}: {': '.join(['not finished, it raises in each login', *said[:1]])}"


def _find_misspelt(source: _Source) -> Iterator[str]:
    for node in ast.walk(source.tree):
        path = _path(node) if isinstance(node, ast.Attribute) else ()
        thing = source.things.get(path[0]) if path else None
        for name in path[1:-1]:
            thing = vars(thing).get(name) if isinstance(thing, SimpleNamespace) else None
        if isinstance(node, ast.Attribute) and (right := find_meant(node.attr, members_of(thing))):
            yield f"{source.place(node)}: {'.'.join(path)}: did you mean {right}?"


def _find_useless(source: _Source) -> Iterator[str]:
    for node in ast.walk(source.tree):
        name = node.value if isinstance(node, ast.Constant) else node.arg if isinstance(node, ast.keyword) else None
        if isinstance(node, ast.Constant | ast.keyword) and name in IN_VAIN:
            yield f"{source.place(node)}: {name} has no effect here: there is no browser to remember."


def _path(node: ast.expr) -> tuple[str, ...]:
    """Return the names of `a.b.c`, or none if it does not begin with a name."""
    if isinstance(node, ast.Attribute):
        before = _path(node.value)
        return (*before, node.attr) if before else ()
    return (node.id,) if isinstance(node, ast.Name) else ()


def _sources(rules: tuple[Rule, ...]) -> Iterator[_Source]:
    known = _sample_arguments()
    for rule in rules:
        yield from _source(
            str(rule), rule.function, dict(zip(_parameters(rule.function), known.values(), strict=False))
        )
    seen = [rule.function for rule in rules]
    for label, function in _functions_of(tuple(dict.fromkeys(rule.package for rule in rules))):
        if function not in seen:
            named = {name: known[name] for name in _parameters(function) if name in known}
            yield from _source(label, function, named)


def _source(label: str, function: Callable[..., object], things: dict[str, Any]) -> Iterator[_Source]:
    try:
        lines, first_line = inspect.getsourcelines(function)
        yield _Source(label, ast.parse(textwrap.dedent("".join(lines))), first_line, things)
    except (OSError, TypeError, SyntaxError):
        # A rule without source, such as one made by functools.partial, cannot be checked before its first login.
        return


def _parameters(function: Callable[..., object]) -> tuple[str, ...]:
    return tuple(inspect.signature(function).parameters)


def _functions_of(packages: tuple[str, ...]) -> Iterator[tuple[str, Callable[..., object]]]:
    for name, module in sorted(sys.modules.items()):
        if any(name == package or name.startswith(f"{package}.") for package in packages):
            for function in list(vars(module).values()):
                if inspect.isfunction(function) and function.__module__ == name:
                    yield f"{name}.{function.__name__}", function


def _sample_arguments() -> dict[str, Any]:
    """Return a user and a context with all members that rules may read."""
    user = User("realm|somebody")
    client = Client("app", "App", "none", frozenset(), frozenset())
    login = Login(user.user_id, client.client_id, (), user=user)
    seen = make_arguments(RuleContext(Request("", ""), client, login, user, Access(None, ()), "", {}))
    return {"user": seen.user, "context": seen.context}

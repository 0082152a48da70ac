"""Recognize `auth0.users.updateAppMetadata(user.user_id, user.app_metadata).then(...).catch(...)`."""

from dataclasses import dataclass

from tree_sitter import Node

from infra.move.rules.expressions import Expressions
from infra.move.rules.script import (
    FUNCTIONS,
    Untranslatable,
    only_part,
    part,
    parts_of,
    require_one_line,
    shown,
    source_of,
)

UPDATES = {"auth0.users.updateAppMetadata": "app_metadata", "auth0.users.updateUserMetadata": "user_metadata"}


@dataclass(frozen=True, slots=True)
class Saving:
    """Metadata that is stored. name: which. after: the statements that run once it is."""

    node: Node
    name: str
    after: list[Node]


def read_saving(expressions: Expressions, call: Node) -> Saving | None:
    """Return the metadata that a call stores, or None for another call. Raises Untranslatable for another form."""
    if not source_of(call).startswith("auth0.users.") or expressions.scope.find("auth0"):
        return None
    caught, failed = _method(call, "catch")
    done, then = _method(caught, "then")
    update = "".join(source_of(part(done, "function")).split()) if done.type == "call_expression" else ""
    name = UPDATES.get(update, "")
    stored = [expressions.path_of(one) for one in parts_of(part(done, "arguments"))] if name else []
    if not name or stored != [("user", "user_id"), ("user", name)]:
        raise Untranslatable(call, f"`{shown(call)}` is not translated: only `(user.user_id, user.{name})` is")
    _require_callback(expressions, failed)
    return Saving(call, name, _statements(then, parameters=0))


def _method(call: Node, name: str) -> tuple[Node, Node]:
    """Return the object and the one argument of a call of this method."""
    function = part(call, "function") if call.type == "call_expression" else call
    if function.type != "member_expression" or source_of(part(function, "property")) != name:
        raise Untranslatable(call, f"`{shown(call)}` is not translated: .then(...).catch(...) has to follow")
    return part(function, "object"), only_part(part(call, "arguments"))


def _require_callback(expressions: Expressions, failed: Node) -> None:
    """Raise Untranslatable unless a failure goes to the callback as it is."""
    callback = expressions.function.callback
    if source_of(failed) == callback:
        return
    statements = _statements(failed, parameters=1)
    bare = failed.child_by_field_name("parameter") or parts_of(part(failed, "parameters"))[0]
    wanted = f"{callback}({source_of(bare)})"
    said = [source_of(one).removeprefix("return ").rstrip(";") for one in statements]
    if said != [wanted]:
        raise Untranslatable(failed, f"`{shown(failed)}` is not translated: a failure has to go to the callback")


def _statements(function: Node, parameters: int) -> list[Node]:
    """Return the statements of a function, or the expression that it returns."""
    if function.type not in FUNCTIONS or any(child.type == "async" for child in function.children):
        raise Untranslatable(function, f"`{shown(function)}` is not translated")
    require_one_line(function)
    bare = function.child_by_field_name("parameter")
    given = 1 if bare else len(parts_of(part(function, "parameters")))
    if given != parameters:
        raise Untranslatable(function, f"`{shown(function)}` is not translated: it has other parameters")
    body = part(function, "body")
    return parts_of(body) if body.type == "statement_block" else [body]

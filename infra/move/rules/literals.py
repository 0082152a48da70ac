"""Translate the templates, lists and objects that a rule writes out."""

from tree_sitter import Node

from infra.move.rules.calls import Values
from infra.move.rules.javascript import INHERITED
from infra.move.rules.names import Code, Kind
from infra.move.rules.script import Untranslatable, fragment_of, only_part, part, parts_of, shown, source_of, text_of


def read_template(values: Values, node: Node) -> Code:
    """Return the Python of a template."""
    pieces = []
    for child in node.named_children:
        if child.type == "template_substitution":
            inner = values.value(only_part(child))
            pieces.append(inner.python if inner.kind is Kind.TEXT else f"text({inner.python})")
        else:
            pieces.append(repr(_whole(child, fragment_of(child))))
    return Code(f"({' + '.join(pieces)})" if pieces else "''", Kind.TEXT)


def read_array(values: Values, node: Node) -> Code:
    """Return the Python of a list."""
    return Code(f"[{', '.join(values.value(item).python for item in parts_of(node))}]", Kind.OBJECT)


def read_object(values: Values, node: Node) -> Code:
    """Return the Python of an object."""
    return Code(f"{{{', '.join(_pair(values, pair) for pair in parts_of(node))}}}", Kind.OBJECT)


def _pair(values: Values, node: Node) -> str:
    if node.type == "shorthand_property_identifier":
        key, inner = source_of(node), values.identifier(node)
    elif node.type == "pair" and part(node, "key").type in ("property_identifier", "string"):
        named = part(node, "key")
        key, inner = text_of(named) if named.type == "string" else source_of(named), values.value(part(node, "value"))
    else:
        raise Untranslatable(node, f"`{shown(node)}` is not translated")
    if key in INHERITED or inner.kind in (Kind.DATE, Kind.THERE):
        raise Untranslatable(node, f"`{shown(node)}` is not translated")
    return f"{key!r}: {inner.python}"


def _whole(node: Node, fragment: str) -> str:
    try:
        return fragment.encode("utf-16", "surrogatepass").decode("utf-16")
    except UnicodeDecodeError:
        raise Untranslatable(node, "a text holds half a character") from None

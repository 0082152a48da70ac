"""Translate one rule: the whole of it, or a function that raises always."""

import ast
import re
from dataclasses import dataclass

from infra.move.rules.expressions import Expressions
from infra.move.rules.names import HELPERS, TenantNames
from infra.move.rules.script import Untranslatable, parse_rule
from infra.move.rules.statements import Statements

UNFINISHED = "NotImplementedError"
LOGIN = "login_success"


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of the export. order: its place. why_not: why it cannot be translated, whatever its script is, or ""."""

    name: str
    script: str
    order: int
    is_enabled: bool
    stage: str = LOGIN
    why_not: str = ""


@dataclass(frozen=True, slots=True)
class RuleFile:
    """The Python file of a rule. why_not: why it raises always, or "" if it is translated."""

    rule: Rule
    module: str
    function: str
    text: str
    why_not: str


def translate(rule: Rule, module: str, function: str, names: TenantNames) -> RuleFile:
    """Return the file of a rule. module, function: its names."""
    try:
        if rule.why_not or rule.stage != LOGIN:
            raise Untranslatable(None, rule.why_not or f"its stage is {_plain(rule.stage)}, and not {LOGIN}")
        text, why_not = _translated(rule, function, names), ""
    except Untranslatable as part:
        why_not = str(part)
    except (RecursionError, MemoryError, SyntaxError, ValueError):
        # Python, too, reads no expression that is nested a hundred times.
        why_not = "it is nested too deeply"
    if why_not:
        text = _unfinished(function, why_not)
    header = f'"""Auth0\'s rule {_plain(rule.name)}: {"not translated yet" if why_not else "translated"}.'
    note = "" if why_not else " Its JavaScript stands below, for the review."
    whole = f'{header}{note}"""\n\n{text}\n\n{_as_comment(rule.script.rstrip())}'
    return RuleFile(rule, module, function, whole, why_not)


def _translated(rule: Rule, function: str, names: TenantNames) -> str:
    lines = [f"    {line}" for line in Statements(Expressions(parse_rule(rule.script), names)).body()]
    while lines[-1:] == ["    return"]:
        lines.pop()
    source = "\n".join([f"def {function}(user: Any, context: Any) -> None:", *(lines or ["    pass"])])
    tree = ast.parse(source)
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    imports = ["from typing import Any", ""]
    for module, helpers in HELPERS.items():
        if found := sorted(used & set(helpers)):
            imports.append(f"from .{module} import {', '.join(found)}")
    if "CONNECTIONS" in used:
        imports.append("from .connections import CONNECTIONS")
    return "\n".join([*imports, "", "", ast.unparse(tree)]).replace("\n\n\n\n", "\n\n\n")


def _unfinished(function: str, why_not: str) -> str:
    return (
        "from typing import Any\n\n\n"
        f"def {function}(user: Any, context: Any) -> None:\n"
        f'    """Raise always, so that nobody logs in past a rule that is not there."""\n'
        f"    raise {UNFINISHED}({why_not!r})"
    )


def _as_comment(script: str) -> str:
    # What ends a line for an editor, or shows as nothing, must not end the comment.
    lines = (
        re.sub(r"[^\t\x20-\x7e\xa0-\ud7ff\ue000-\U0010ffff]", "?", line) for line in re.split("\r\n|\r|\n", script)
    )
    shown = "\n".join(f"# {line}".rstrip() for line in lines)
    return f"# The JavaScript:\n#\n{shown}\n"


def _plain(text: str) -> str:
    """Return a name for a docstring: printable ASCII without quotes and backslashes."""
    return re.sub(r'[^ -~]|["\\]', "?", text)[:80]

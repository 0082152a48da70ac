"""Write a rule package: a file for each rule, in order, and JavaScript's operators beside them."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from infra.move.rules import javascript, methods
from infra.move.rules.names import RESERVED, TenantNames
from infra.move.rules.translate import Rule, RuleFile, translate

PACKAGE = "auth0_rules"
HEADER = '''"""The rules that ran at Auth0, in their order. One that is not translated raises: nobody logs in past it.

`gatehouse rules check -p auth0_rules` names those. Rules that were disabled stand here too, but not in RULES.
"""
'''
CONNECTIONS = '''"""Auth0's name of each realm that is called otherwise here, for rules that ask for the connection."""

CONNECTIONS: dict[str, str] = {{{entries}}}
'''


@dataclass(frozen=True, slots=True)
class RulePackage:
    """A rule package. files: their texts by name. rules: in the order in which they run."""

    files: dict[str, str]
    rules: tuple[RuleFile, ...]


def make_package(rules: Iterable[Rule], names: TenantNames) -> RulePackage:
    """Return the package of these rules."""
    taken: set[str] = set()
    made: list[RuleFile] = []
    for number, rule in enumerate(sorted(rules, key=lambda one: (one.order, one.name)), 1):
        function = _function_name(rule.name, taken)
        made.append(translate(rule, f"rule_{number:02}_{function}", function, names))
    entries = "".join(f"\n    {realm!r}: {name!r}," for realm, name in sorted(names.connections.items()))
    files = {f"{one.module}.py": one.text for one in made}
    files["__init__.py"] = _index(made)
    files["connections.py"] = CONNECTIONS.format(entries=f"{entries}\n" if entries else "")
    for helpers in (javascript, methods):
        source = Path(str(helpers.__file__))
        files[source.name] = source.read_text("utf-8")
    return RulePackage(files, tuple(made))


def _function_name(name: str, taken: set[str]) -> str:
    """Return a name for a rule's function that no other one has."""
    bare = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")[:60] or "unnamed"
    found = bare if bare.isidentifier() else f"rule_{bare}"
    while found in taken or found in RESERVED:
        found += "_"
    taken.add(found)
    return found


def _index(rules: list[RuleFile]) -> str:
    enabled = [one for one in rules if one.rule.is_enabled]
    imports = "".join(f"from .{one.module} import {one.function}\n" for one in enabled)
    listed = "".join(f"\n    {one.function}," for one in enabled)
    return f"{HEADER}\n{imports}\nRULES = [{listed}{chr(10) * bool(listed)}]\n"

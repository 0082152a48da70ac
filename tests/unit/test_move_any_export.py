"""Whatever an export holds: `gatehouse check` takes the tenant file, no secret is copied, each key is in the report."""

import copy
import re
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from infra.move.auth0 import make_move
from infra.move.export import Export
from infra.move.keywords import Keywords
from infra.move.rules.names import TenantNames
from infra.move.rules.translate import Rule, translate
from infra.tenant.file import load
from tests.support.auth0_rules import EXPORT, read_scripts

TEXT = re.sub("@@[A-Z_]+@@", "null", (EXPORT / "tenant.yaml").read_text("utf-8").replace("##", ""))
WHOLE: dict[str, Any] = {key: value for key, value in yaml.safe_load(TEXT).items() if key != "rules"}
ODD: list[Any] = [
    None,
    True,
    0,
    -1,
    10**20,
    1.5,
    "",
    " ",
    "a" * 700,
    "\u202e\x07|`<b>",
    "none",
    "never",
    [],
    {},
    [None],
]
ODD += [{"a": [1]}, "deny_all", "https://api.ENV.example.com/audit", "Timesheets web", "private_key_jwt", "openid"]
VALUES = st.sampled_from(ODD) | st.text(max_size=8)


def places_of(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the paths of all values below one."""
    steps = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [place for step, inner in steps for place in ((*path, step), *places_of(inner, (*path, step)))]


PLACES = places_of(WHOLE)


def change(document: Any, place: tuple[Any, ...], how: str, value: Any) -> None:
    """Change what stands at a place, if it is still there."""
    *around, last = place
    for step in around:
        there = document if isinstance(document, dict) else range(len(document)) if isinstance(document, list) else ()
        if step not in there:
            return
        document = document[step]
    if isinstance(document, dict) and isinstance(last, str):
        changes = {"set": {last: value}, "add": {"new": value}, "delete": {}, "repeat": {}}
        document.update(changes[how])
        if how == "delete":
            document.pop(last, None)
    elif isinstance(document, list) and isinstance(last, int) and last < len(document):
        document[last : last + 1] = {
            "set": [value],
            "add": [document[last], value],
            "delete": [],
            "repeat": [copy.deepcopy(document[last])] * 2,
        }[how]


WAYS = st.sampled_from(["set", "add", "delete", "repeat"])
CHANGES = st.lists(st.tuples(st.sampled_from(PLACES), WAYS, VALUES), min_size=1, max_size=12)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(CHANGES)
def test_tenant_file_of_any_export_is_taken(changes: list[tuple[tuple[Any, ...], str, Any]]) -> None:
    export = copy.deepcopy(WHOLE)
    for place, how, value in changes:
        change(export, place, how, copy.deepcopy(value))
    move = make_move(Export(EXPORT, Keywords({}), export, is_directory=False), {})
    with TemporaryDirectory() as folder:
        path = Path(folder) / "tenant.yaml"
        path.write_text(move.files["tenant.yaml"], "utf-8")
        load(path)
    assert not any("CANARY" in text for text in move.files.values())


@settings(max_examples=30, deadline=None)
@given(st.dictionaries(st.sampled_from(sorted(WHOLE)), VALUES | st.lists(st.dictionaries(st.text(max_size=5), VALUES))))
def test_tenant_file_of_odd_sections_is_taken(sections: dict[str, Any]) -> None:
    move = make_move(Export(EXPORT, Keywords({}), sections, is_directory=False), {})
    with TemporaryDirectory() as folder:
        path = Path(folder) / "tenant.yaml"
        path.write_text(move.files["tenant.yaml"], "utf-8")
        load(path)
    told = set(re.findall(r"^(?:\| |- )`([^`.]+)", move.files["REPORT.md"], re.MULTILINE))
    assert set(sections) <= told


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(sorted(read_scripts())), st.integers(0, 600), st.text(max_size=6), st.integers(0, 20))
def test_file_of_any_script_is_python(name: str, at: int, written: str, gone: int) -> None:
    script = read_scripts()[name]
    made = translate(Rule(name, script[:at] + written + script[at + gone :], 1, True), "rule_01", "rule", TenantNames())
    compile(made.text, "rule", "exec")
    assert made.why_not or "NotImplementedError(" not in made.text.partition("# The JavaScript:")[0]


@pytest.mark.parametrize("name", ["x", "class", "1", "", "é", 'a\n"""', "print", "user"])
def test_rule_of_any_name_is_a_module(name: str) -> None:
    export = {
        "rules": [{"name": name, "script": "function (user, context, callback) { callback(null, user, context); }"}]
    }
    move = make_move(Export(EXPORT, Keywords({}), export, is_directory=False), {})
    for path, text in move.files.items():
        if path.endswith(".py"):
            compile(text, path, "exec")
            assert path.removeprefix("auth0_rules/").removesuffix(".py").isidentifier()

"""Translated rules do what their JavaScript does, in every case; all others raise always."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from chalicelib.rules.loading import BadRules, load
from chalicelib.rules.loading import Rule as LoadedRule
from infra.move.rules.names import TenantNames
from infra.move.rules.package import make_package
from infra.move.rules.translate import Rule, translate
from infra.rules.spelling import read_rules
from tests.support.auth0_rules import (
    CASES,
    CONNECTIONS,
    OUTCOMES,
    Case,
    imported,
    read_scripts,
    run_at_auth0,
    run_here,
)

NAMES = TenantNames(CONNECTIONS)
SCRIPTS = read_scripts()
LEFT = {"Ask the risk service", "Old profile"}
PACKAGE = make_package([Rule(name, script, 1, True) for name, script in SCRIPTS.items()], NAMES)
FUNCTIONS = {made.rule.name: made.function for made in PACKAGE.rules if not made.why_not}
EXPECTED: dict[str, list[dict[str, Any]]] = json.loads(OUTCOMES.read_text("utf-8"))


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, LoadedRule]]:
    with imported(PACKAGE.files, tmp_path_factory.mktemp("rules")) as rules:
        yield rules


def test_common_shapes_are_translated() -> None:
    assert {made.rule.name for made in PACKAGE.rules if made.why_not} == LEFT


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_translated_rule_does_in_each_case_what_its_javascript_does(name: str, package: dict[str, LoadedRule]) -> None:
    found = [run_here(package[FUNCTIONS[name]], case) for case in CASES]
    assert found == EXPECTED[name]
    # The cases take more than one way through the rule.
    assert len({json.dumps(outcome) for outcome in found}) > 1


@pytest.mark.skipif(not shutil.which("node"), reason="the outcomes of JavaScript are written down")
def test_outcomes_that_are_written_down_are_those_of_javascript() -> None:
    assert run_at_auth0(SCRIPTS, CASES) == EXPECTED


@pytest.mark.parametrize("name", sorted(LEFT))
def test_rule_that_is_left_raises_in_each_case(name: str, package: dict[str, LoadedRule]) -> None:
    (made,) = [one for one in PACKAGE.rules if one.rule.name == name]
    assert [run_here(package[made.function], case) for case in CASES] == [{"error": True}] * len(CASES)


def test_check_names_the_rules_that_are_left(tmp_path: Path) -> None:
    with imported(PACKAGE.files, tmp_path) as rules:
        (name,) = {rule.package for rule in rules.values()}
        with pytest.raises(BadRules) as raised:
            read_rules(load((name,)))
    lines = str(raised.value).splitlines()
    assert [line.partition(",")[0] for line in lines] == [f"{name}.ask_the_risk_service", f"{name}.old_profile"]
    assert all("not finished, it raises in each login" in line for line in lines)


def test_each_file_keeps_its_javascript_as_a_comment() -> None:
    for made in PACKAGE.rules:
        kept = [
            line.removeprefix("# ").rstrip() for line in made.text.partition("# The JavaScript:\n#\n")[2].splitlines()
        ]
        assert "\n".join(kept).replace("\n#\n", "\n\n").strip() == made.rule.script.rstrip()


def test_rules_run_in_their_order_and_disabled_ones_do_not(tmp_path: Path) -> None:
    script = "function (user, context, callback) { callback(null, user, context); }"
    rules = [Rule("Let in", script, 7, True), Rule("let in!", script, 3, True), Rule("Off", script, 1, False)]
    made = make_package(rules, NAMES)
    with imported(made.files, tmp_path) as found:
        assert list(found) == ["let_in", "let_in_"]
    assert [one.module for one in made.rules] == ["rule_01_off", "rule_02_let_in", "rule_03_let_in_"]


def body(statements: str) -> str:
    return f"function (user, context, callback) {{\n{statements}\n}}"


END = "callback(null, user, context);"
SHAPES = {
    "claims by another name of the token": (
        "let claims = context.idToken || {}; claims.a = context.authorization.roles; "
        f"context.idToken = claims; {END}",
        {"a": ["manager"]},
    ),
    "a function that declares": (
        "const all = ['acme.example.com']; context.idToken.a = all.some(function (one) { "
        f"const parts = user.email.split('@'); return parts[parts.length - 1] === one; }}); {END}",
        {"a": True},
    ),
    "a variable that is set in a branch": (
        "let found = []; "
        "if (Array.isArray(context.authentication.methods)) { found = context.authentication.methods; } "
        f"context.idToken.a = found.find(one => one.name === 'pwd').name; {END}",
        {"a": "pwd"},
    ),
}


@pytest.mark.parametrize(("statements", "claims"), SHAPES.values(), ids=SHAPES)
def test_shape_is_translated(statements: str, claims: dict[str, Any], tmp_path: Path) -> None:
    made = make_package([Rule("rule", body(statements), 1, True)], NAMES)
    with imported(made.files, tmp_path) as rules:
        outcome = run_here(rules["rule"], Case(user={"roles": ("manager",)}))
    assert outcome["passed"]["id"] == claims


REFUSED = {
    "no call of the callback": "const a = 1;",
    "a path without a call": f"if (user.blocked) {{ {END} }}",
    "two calls": f"if (user.blocked) {{ callback(new UnauthorizedError('no')); }} {END}",
    "a statement after a return": f"return {END} context.idToken.a = 1;",
    "two choices without parentheses": f"context.idToken.a = user.name ?? user.email || 'a'; {END}",
    "a call before more": f"{END} context.idToken.a = 1;",
    "an error of unknown words": "callback(new UnauthorizedError(user.name));",
    "an unknown error": "callback(new MyError('a'));",
    "metadata that is not stored": f"user.app_metadata = user.app_metadata || {{}}; user.app_metadata.a = 1; {END}",
    "metadata that may be undefined": f"user.user_metadata.a = user.name; {END}",
    "metadata that is replaced": f"user.app_metadata = {{}}; {END}",
    "another person's metadata": "auth0.users.updateAppMetadata('x', user.app_metadata)"
    f".then(() => {END[:-1]}).catch(e => callback(e));",
    "a failure that is let pass": "auth0.users.updateAppMetadata(user.user_id, user.app_metadata)"
    f".then(() => {END[:-1]}).catch(e => {END[:-1]});",
    "a user that is changed": f"user.email = 'a'; {END}",
    "the identities": f"if (user.identities[0].isSocial) {{ context.idToken.a = 1; }} {END}",
    "the tenant's name": f"context.idToken.a = context.tenant; {END}",
    "the organization": f"context.idToken.a = context.organization; {END}",
    "a member by a computed name": f"context.idToken.a = user[user.nickname]; {END}",
    "a token that is replaced": f"context.idToken = {{}}; {END}",
    "a factor by a computed setting": f"context.multifactor = {{ provider: 'any', ignoreCookie: a }}; {END}",
    "Duo": f"context.multifactor = {{ provider: 'duo' }}; {END}",
    "a provider that is computed": f"context.multifactor = {{ provider: user.nickname }}; {END}",
    "a place that no proxy sends": f"context.idToken.a = context.request.geoip.continent_code; {END}",
    "a request to others": f"const request = require('request'); {END}",
    "a loop": f"for (const a of [1]) {{ context.idToken.a = a; }} {END}",
    "try": f"try {{ context.idToken.a = 1; }} catch (e) {{}} {END}",
    "switch": f"switch (user.name) {{ default: {END} }}",
    "a regular expression": f"if (/a/.test(user.email)) {{ context.idToken.a = 1; }} {END}",
    "a global": f"global.cache = 1; {END}",
    "lodash": f"context.idToken.a = _.get(user, 'a'); {END}",
    "a function of JavaScript": f"context.idToken.a = user.app_metadata.constructor; {END}",
    "a method as a value": f"context.idToken.a = !!user.name.indexOf; {END}",
    "a method that is not known": f"context.idToken.a = user.name.replace('a', 'b'); {END}",
    "a name for two things": f"const user = 1; {END}",
    "a name out of its block": f"if (user.blocked) {{ var a = 1; }} context.idToken.a = a; {END}",
    "a list with a hole": f"context.idToken.a = [, 1]; {END}",
    "spread": f"context.idToken.a = [...user.roles]; {END}",
    "a pattern": f"const {{ name }} = user; {END}",
    "a date that is a claim": f"context.idToken.a = new Date(); {END}",
    "a date of any text": f"const a = new Date(user.name); {END}",
    "the remainder": f"context.idToken.a = context.stats.loginsCount % 2; {END}",
    "a line that ends after return": "return\ncallback(null, user, context);",
    "an assignment in an expression": f"let a; context.idToken.a = (a = 1); {END}",
}


@pytest.mark.parametrize("statements", REFUSED.values(), ids=REFUSED)
def test_what_is_not_known_raises_always(statements: str) -> None:
    made = translate(Rule("rule", body(statements), 1, True), "rule_01", "rule", NAMES)
    assert made.why_not
    assert made.text.count("raise NotImplementedError(") == 1


@pytest.mark.parametrize(
    "script",
    [
        "",
        "nonsense(",
        f"async {body(END)}",
        f"function* (user, context, callback) {{ {END} }}",
        f"function (user, context) {{ {END} }}",
        f"function (user, user, callback) {{ {END} }}",
        f"{body(END)} {body(END)}",
        "(user, context, callback) => callback(null, user, context)",
        f"(user, context, callback)\n=> {{ {END} }}",
        body(f"context.idToken.a = {'(' * 5000}1{')' * 5000}; {END}"),
        body(f"context.idToken.a = {'!' * 5000}1; {END}"),
        body(f"context.idToken.a = {' + '.join(['user.name'] * 3000)}; {END}"),
        body("//" + "a" * 100_001 + f"\n{END}"),
        f"'\u2028'; {body(END)}\udcff"[:-1],
    ],
    ids=range(14),
)
def test_script_that_is_no_rule_raises_always(script: str) -> None:
    made = translate(Rule('a"""\\ name\n', script, 1, True), "rule_01", "rule", NAMES)
    assert made.why_not
    compile(made.text, "rule", "exec")


def test_rule_of_another_stage_or_without_its_words_raises_always() -> None:
    assert translate(Rule("rule", body(END), 1, True, stage="pre_authorize"), "m", "f", NAMES).why_not
    assert translate(Rule("rule", body(END), 1, True, why_not="no script"), "m", "f", NAMES).why_not == "no script"


@pytest.mark.parametrize(
    ("statement", "names"),
    [
        ("if (context.clientID === 'abc') { context.idToken.a = 1; }", TenantNames(has_own_ids=False)),
        ("context.idToken.a = context.clientName;", TenantNames(has_own_names=False)),
        ("context.idToken.a = context.connection;", TenantNames(has_own_connections=False)),
    ],
)
def test_rule_that_asks_for_a_client_raises_if_clients_are_called_otherwise(statement: str, names: TenantNames) -> None:
    rule = Rule("rule", body(f"{statement} {END}"), 1, True)
    assert translate(rule, "m", "f", names).why_not
    assert not translate(rule, "m", "f", TenantNames()).why_not


def test_metadata_that_is_not_there_stops_a_rule_as_at_auth0(tmp_path: Path) -> None:
    script = body(f"if (user.app_metadata.suspended) {{ return callback(new UnauthorizedError('no')); }} {END}")
    guard = body(f"user.app_metadata = user.app_metadata || {{}}; {END}")
    made = make_package([Rule("guard", guard, 1, True), Rule("rule", script, 2, True)], NAMES)
    with imported(made.files, tmp_path) as rules:
        assert run_here(rules["rule"], Case()) == {"error": True}
        assert "denied" in run_here(rules["rule"], Case(user={"app_metadata": {"suspended": True}}))
        assert "passed" in run_here(rules["rule"], Case(user={"app_metadata": {"suspended": False}}))


def test_place_that_is_unknown_stops_a_translated_rule(package: dict[str, LoadedRule]) -> None:
    assert run_here(package["office_network"], Case(geoip={})) == {"error": True}

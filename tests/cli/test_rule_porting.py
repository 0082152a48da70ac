"""`gatehouse rules` for those who port a rule: names of JavaScript's, what has no effect, an unknown place."""

import json
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from chalicelib.rules.loading import BadRules
from infra.deploy.deploy import DeployNotStarted, deploy_stage
from infra.rules.packages import require_deployable
from tests.cli.conftest import Gatehouse
from tests.support.rules import Function, package

TRY = ("--user", "alice", "--realm", "employees", "--client", "demo-backend", "--json")


def id_token(user: Any, context: Any) -> None:
    context.idToken["https://example.com/name"] = user.name


def access_token(user: Any, context: Any) -> None:
    context.accessToken = {"https://example.com/name": user.name}


def deep(user: Any, context: Any) -> None:
    if context.request.userAgent and context.stats.loginsCount:
        context.access_token.Scope = []


def other_parameters(person: Any, occasion: Any) -> None:
    occasion.deny(person.emailVerified)


def inner(user: Any, context: Any) -> None:
    def denied() -> bool:
        return bool(user.appMetadata)

    context.deny(denied())


def remember(user: Any, context: Any) -> None:
    context.multifactor = {"provider": "any", "allowRememberBrowser": False}


def remember_in_python(user: Any, context: Any) -> None:
    context.multifactor = dict(provider="any", allow_remember_browser=False)  # noqa: C408 (as some write it)


def right(user: Any, context: Any) -> None:
    other = user.app_metadata.get("idToken")
    context.id_token["https://example.com/idToken"] = [user.last_login, user.plan, context.request.geoip, other]


def country(user: Any, context: Any) -> None:
    context.access_token["https://example.com/country"] = context.request.geoip["country_code"]


FAULTS: dict[str, tuple[Function, list[str]]] = {
    "id_token": (id_token, ["context.idToken: did you mean id_token?"]),
    "access_token": (access_token, ["context.accessToken: did you mean access_token?"]),
    "deep": (
        deep,
        [
            "context.request.userAgent: did you mean user_agent?",
            "context.stats.loginsCount: did you mean logins_count?",
            "context.access_token.Scope: did you mean scope?",
        ],
    ),
    "other_parameters": (other_parameters, ["person.emailVerified: did you mean email_verified?"]),
    "inner": (inner, ["user.appMetadata: did you mean app_metadata?"]),
}


@pytest.mark.parametrize(("rule", "said"), FAULTS.values(), ids=FAULTS)
def test_check_tells_which_member_was_meant(gatehouse: Gatehouse, rule: Function, said: list[str]) -> None:
    with package(rule) as name:
        ran = gatehouse.run("rules", "check", "-p", name)
    assert (ran.code, ran.out) == (2, "")
    assert sorted(line.partition(": ")[2] for line in ran.err.splitlines()) == sorted(said)
    assert all(line.startswith(f"{name}.{rule.__name__}, line ") for line in ran.err.splitlines())


@pytest.mark.parametrize(
    ("rule", "member"), [(remember, "allowRememberBrowser"), (remember_in_python, "allow_remember_browser")]
)
def test_check_tells_of_a_member_without_effect(gatehouse: Gatehouse, rule: Function, member: str) -> None:
    with package(rule) as name:
        ran = gatehouse.run("rules", "check", "-p", name)
    note, fine = ran.out.splitlines()
    assert (ran.code, ran.err, fine) == (0, "", f"Fine: {name}")
    assert note.endswith(f": {member} has no effect here: there is no browser to remember.")


@pytest.mark.parametrize("rule", [right, partial(right), lambda user, context: context.deny(user.name)])
def test_check_of_right_names_says_nothing_of_them(gatehouse: Gatehouse, rule: Any) -> None:
    with package(rule) as name:
        ran = gatehouse.run("rules", "check", "-p", name)
    assert (ran.code, ran.out, ran.err) == (0, f"Fine: {name}\n", "")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project whose stage dev runs `ported_rules`, which stands in vendor/."""
    for directory in (".chalice", "vendor"):
        (tmp_path / directory).mkdir()
    stages = {"dev": {"environment_variables": {"RULE_PACKAGES": "ported_rules"}}}
    (tmp_path / ".chalice" / "config.json").write_text(json.dumps({"stages": stages}))
    (tmp_path / "requirements.txt").write_text("pyjwt==2.15.0\n")
    return tmp_path


def write_rules(project: Path, helper: str) -> None:
    root = project / "vendor" / "ported_rules"
    root.mkdir()
    (root / "__init__.py").write_text("from .rules import rule\nRULES = [rule]\n")
    (root / "rules.py").write_text("from .helpers import help\ndef rule(u, c):\n    help(c)\n")
    (root / "helpers.py").write_text(f"def help(context):\n    {helper}\n")


def test_helper_of_a_deployed_package_is_read_too(project: Path) -> None:
    write_rules(project, "context.idToken['a'] = 1")
    with pytest.raises(BadRules) as raised:
        require_deployable(("ported_rules",), project)
    assert str(raised.value) == "ported_rules.helpers.help, line 2: context.idToken: did you mean id_token?"


def test_misspelt_member_stops_a_deployment_before_it_begins(project: Path) -> None:
    def unexpected(*_: object) -> bool:
        raise AssertionError("nothing may be deployed")

    write_rules(project, "context.idToken['a'] = 1")
    with pytest.raises(DeployNotStarted, match="did you mean id_token"):
        deploy_stage("dev", project, unexpected)


def test_member_without_effect_stops_no_deployment(project: Path) -> None:
    write_rules(project, "context.multifactor = {'provider': 'any', 'allowRememberBrowser': True}")
    (note,) = require_deployable(("ported_rules",), project)
    assert note.startswith("ported_rules.helpers.help, line 2: allowRememberBrowser has no effect here")


def tried(shared: Gatehouse, rule: Function, *options: str) -> tuple[int, dict[str, Any]]:
    with package(rule) as name:
        ran = shared.run("rules", "try", "-p", name, *TRY, *options)
    assert ran.err == ""
    return ran.code, json.loads(ran.out)


def test_try_of_a_rule_that_reads_the_place_says_that_it_is_unknown(shared: Gatehouse) -> None:
    code, said = tried(shared, country)
    assert code == 2
    assert said["outcome"]["reason"].endswith("context.request.geoip is unknown: no trusted proxy told the country")


def test_try_takes_the_place_from_an_option(shared: Gatehouse) -> None:
    code, said = tried(shared, country, "--geoip", '{"country_code": "DE"}')
    assert (code, said["outcome"]["access_token"]) == (0, {"https://example.com/country": "DE"})


def test_try_shows_the_misspelt_member_as_the_log_would(shared: Gatehouse) -> None:
    code, said = tried(shared, access_token)
    assert code == 2
    assert said["outcome"]["reason"].endswith("set context.accessToken: did you mean access_token?")


def test_try_warns_of_a_member_without_effect(shared: Gatehouse) -> None:
    _, said = tried(shared, remember)
    assert said["warnings"][0].endswith("context.multifactor: no effect here: allowRememberBrowser")


@pytest.mark.parametrize(
    ("geoip", "said"),
    [
        ("[]", "The geoip must be a JSON object."),
        ("{", "The geoip must be a JSON object."),
        ('{"countryCode": "DE"}', "The geoip has no countryCode. It may have: city_name, country_code, country_name,"),
    ],
)
def test_bad_place_of_a_try_is_one_line_and_exit_2(shared: Gatehouse, geoip: str, said: str) -> None:
    with package(country) as name:
        ran = shared.run("rules", "try", "-p", name, *TRY, "--geoip", geoip)
    assert (ran.code, ran.out, ran.err.count("\n")) == (2, "", 1)
    assert ran.err.startswith(said)

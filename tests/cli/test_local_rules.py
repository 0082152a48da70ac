"""`gatehouse local --rules`: logins with a team's rules, on this machine."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from typer.testing import CliRunner

from infra.cli.main import app
from tests.support.http import ALICE, BACKEND
from tests.support.local_run import PROJECT, LocalProcess, local_run
from tests.support.rules import package
from tests.support.tokens import claims_of

# A run takes seconds to start: these tests share theirs.
pytestmark = pytest.mark.xdist_group("local")

LOGIN = {"grant_type": "password", **BACKEND, **ALICE}
VERSION = "https://example.com/version"
RULES = """
def version(user, context):
    context.access_token["https://example.com/version"] = {version}
    context.access_token["https://example.com/key"] = context.configuration.get("API_KEY")
    context.access_token["iss"] = "https://other.example/"


def fail(user, context):
    if context.request.body.get("fail"):
        raise LookupError("as it was asked to")


RULES = [version, fail]
"""


def login(run: LocalProcess, **more: str) -> httpx.Response:
    return httpx.post(f"{run.url}oauth/token", data=LOGIN | more)


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that the runs start in, and find packages in."""
    directory = tmp_path_factory.mktemp("rules")
    (directory / "own_rules.py").write_text(RULES.format(version=1))
    (directory / "settings.json").write_text('{"API_KEY": "of this machine"}')
    return directory


@pytest.fixture(scope="module")
def run(directory: Path) -> Iterator[LocalProcess]:
    """A run of the demo tenant with a package of the directory that it was started in, and the examples."""
    settings = str(directory / "settings.json")
    with local_run(directory, "--rules", "own_rules,examples.acme_rules", "--rule-settings", settings) as run:
        yield run


def test_login_runs_the_rules_of_all_packages(run: LocalProcess) -> None:
    claims = claims_of(login(run))
    assert (claims[VERSION], claims["https://acme.example.com/roles"]) == (1, ["manager"])


def test_rules_read_the_settings_of_the_file(run: LocalProcess) -> None:
    assert claims_of(login(run))["https://example.com/key"] == "of this machine"


def test_rules_that_run_are_listed_at_the_start_in_their_order(run: LocalProcess) -> None:
    listed = [line for line in run.lines if line.startswith("Rule ")]
    assert listed[:3] == [
        "Rule own_rules.version",
        "Rule own_rules.fail",
        "Rule examples.acme_rules.only_verified_emails",
    ]


def test_what_rules_left_to_say_follows_the_line_of_the_request(run: LocalProcess) -> None:
    with run.request_lines() as lines:
        assert login(run).status_code == 200
        assert login(run, fail="now").status_code == 500
    said = "\n".join(lines)
    assert "rule own_rules.version: access_token claim iss left out: the claim is restricted" in said
    assert "rule own_rules.fail raised LookupError" in said
    assert 'raise LookupError("as it was asked to")' in said


def test_changed_rule_is_picked_up_on_the_next_start(run: LocalProcess, directory: Path) -> None:
    (directory / "own_rules.py").write_text(RULES.format(version=1 + 1))
    assert claims_of(login(run))[VERSION] == 1
    with local_run(directory, "--rules", "own_rules") as next_run:
        assert claims_of(login(next_run))[VERSION] == 2


def test_broken_rule_stops_the_start_with_a_line_for_each_fault_and_exit_2() -> None:
    with package(len) as name:
        ran = CliRunner().invoke(app, ["local", "--port", "0", "--rules", name, "--rules", "no_such_rules"])
    starts = ["no_such_rules: cannot be imported", f"{name}.len: does not take two arguments"]
    assert (ran.exit_code, ran.stdout) == (2, "")
    assert [line.startswith(start) for line, start in zip(ran.stderr.splitlines(), starts, strict=True)] == [True, True]


@pytest.mark.parametrize("text", ["[]", '{"API_KEY": 1}', "{"])
def test_file_of_settings_that_are_no_texts_is_one_line_without_a_value_and_exit_2(tmp_path: Path, text: str) -> None:
    file = tmp_path / "settings.json"
    file.write_text(text)
    ran = CliRunner().invoke(app, ["local", "--port", "0", "--rule-settings", str(file)])
    assert (ran.exit_code, ran.stdout) == (2, "")
    assert ran.stderr == f"{file}: must be a JSON object of texts by name.\n"


def test_make_run_passes_the_packages_on() -> None:
    shown = subprocess.run(
        ["make", "--dry-run", "run", "RULES=examples.acme_rules"],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert re.search(r'gatehouse local .*--rules "examples\.acme_rules"', shown.stdout)

"""The packages of mail templates, as `gatehouse check`, `local` and `deploy` take them."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from infra.cli.main import app
from infra.deploy.deploy import DeployNotStarted, deploy_stage
from tests.support.fixed import DEMO

TEXT, HTML = "Subject: Hello\nHello from $tenant.", "<p>Hello from $tenant.</p>"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project whose stage has a package with the two templates of one mail, in vendor/."""
    package = tmp_path / "vendor" / "team_mails"
    package.mkdir(parents=True)
    (tmp_path / ".chalice").mkdir()
    (package / "__init__.py").touch()
    (package / "sign-up-attempt.txt").write_text(TEXT, "utf-8")
    (package / "sign-up-attempt.html").write_text(HTML, "utf-8")
    stages = {"dev": {"environment_variables": {"MAIL_TEMPLATES": "team_mails"}}}
    config = {"version": "2.0", "app_name": "gatehouse", "stages": stages}
    (tmp_path / ".chalice" / "config.json").write_text(json.dumps(config), "utf-8")
    (tmp_path / "requirements.txt").touch()
    return tmp_path


class Begun(Exception):
    """The deployment went as far as Chalice."""


def begin(stage: str, project: Path) -> bool:
    raise Begun


@pytest.mark.usefixtures("stage")
def test_deployment_with_good_templates_begins(project: Path) -> None:
    with pytest.raises(Begun):
        deploy_stage("dev", project, begin, (3, 12))


def test_deployment_with_a_fault_in_a_template_is_refused_before_anything_begins(project: Path) -> None:
    (project / "vendor" / "team_mails" / "sign-up-attempt.html").write_text("$name", "utf-8")
    with pytest.raises(DeployNotStarted, match=r"^team_mails: sign-up-attempt\.html: names the value \$name, which"):
        deploy_stage("dev", project, begin, (3, 12))


def test_deployment_with_a_package_that_is_not_deployed_is_refused(project: Path) -> None:
    (project / "vendor" / "team_mails").rename(project / "team_mails")
    with pytest.raises(DeployNotStarted, match="team_mails is not deployed"):
        deploy_stage("dev", project, begin, (3, 12))


@pytest.mark.parametrize("words", [["check", str(DEMO)], ["local", "--port", "0"]], ids=lambda words: words[0])
def test_package_with_faults_stops_the_command_with_a_line_for_each_and_exit_2(words: list[str]) -> None:
    ran = CliRunner().invoke(app, [*words, "--mails", "no_such_mails another"])

    assert (ran.exit_code, ran.stdout) == (2, "")
    assert [line.partition(":")[0] for line in ran.stderr.splitlines()] == ["another", "no_such_mails"]


def test_packages_may_stand_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAIL_TEMPLATES", "no_such_mails")

    assert CliRunner().invoke(app, ["check", str(DEMO)]).exit_code == 2

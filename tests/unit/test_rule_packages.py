"""Whether a stage's rule packages would run where they are deployed: the check before a deployment."""

import json
from pathlib import Path

import pytest

from chalicelib.rules.loading import BadRules
from infra.deploy.deploy import DeployNotStarted, deploy_stage
from infra.errors import OperatorError
from infra.rules.deployed import required_distributions
from infra.rules.packages import load_named, of_stage, require_deployable, split
from infra.stage.chalice_config import stage_environment

GOOD = "def rule(user, context): ...\nRULES = [rule]"
NOT_DEPLOYED = "is not deployed: put it into vendor/, or make it a requirement"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with the stage dev, which lists `team_rules`, and pyjwt as its only requirement."""
    (tmp_path / ".chalice").mkdir()
    (tmp_path / "vendor").mkdir()
    write_config(tmp_path, {"environment_variables": {"RULE_PACKAGES": "team_rules"}})
    (tmp_path / "requirements.txt").write_text("pyjwt==2.15.0 \\\n    --hash=sha256:00\n")
    return tmp_path


def write_config(project: Path, dev: dict[str, object], **top: object) -> None:
    (project / ".chalice" / "config.json").write_text(json.dumps({"stages": {"dev": dev}} | top))


def unexpected(stage: str, project: Path) -> bool:
    raise AssertionError("nothing may be deployed")


def refusal(project: Path) -> str:
    """Return why a deployment was refused before it began."""
    with pytest.raises(DeployNotStarted) as refused:
        deploy_stage("dev", project, unexpected)
    return str(refused.value)


@pytest.mark.parametrize("text", ["a b", "a,b", " a , b,", "a\nb"])
def test_packages_are_listed_between_commas_or_spaces(project: Path, text: str) -> None:
    write_config(project, {"environment_variables": {"RULE_PACKAGES": text}})
    assert of_stage("dev", project) == ("a", "b")


def test_options_may_list_several_packages_each() -> None:
    assert split(["a,b", "c"]) == ("a", "b", "c")


def test_environment_of_a_stage_is_merged_as_chalice_merges_it(project: Path) -> None:
    write_config(project, {"environment_variables": {"A": "dev"}}, environment_variables={"A": "all", "B": "all"})
    assert stage_environment("dev", project) == {"A": "dev", "B": "all"}


def test_stage_without_the_variable_has_no_packages(project: Path) -> None:
    write_config(project, {})
    assert of_stage("dev", project) == ()


def test_neither_package_nor_stage_is_refused() -> None:
    with pytest.raises(OperatorError, match=r"^Name the packages with --packages or RULE_PACKAGES, or a stage"):
        load_named((), "")


def test_package_in_vendor_is_deployable(project: Path) -> None:
    (project / "vendor" / "team_rules.py").write_text(GOOD)
    require_deployable(("team_rules",), project)


def test_package_may_import_what_is_deployed(project: Path) -> None:
    imports = "import json, zoneinfo, jwt, boto3, botocore, vendored"
    (project / "vendor" / "vendored.py").touch()
    (project / "vendor" / "team_rules.py").write_text(f"{imports}\n{GOOD}")
    require_deployable(("team_rules",), project)


def test_deployment_with_a_package_at_the_root_is_refused(project: Path) -> None:
    (project / "team_rules.py").write_text(GOOD)
    mend = "Mend it, or take the package out of RULE_PACKAGES."
    said = f"team_rules: cannot be imported (ModuleNotFoundError: team_rules {NOT_DEPLOYED}). {mend}"
    assert refusal(project) == said


def test_deployment_with_a_package_that_is_only_on_the_path_is_refused(
    project: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    (elsewhere / "team_rules.py").write_text(GOOD)
    monkeypatch.setenv("PYTHONPATH", str(elsewhere))
    assert f"team_rules {NOT_DEPLOYED}" in refusal(project)


@pytest.mark.parametrize("name", ["pydantic", "infra", "examples", "bcrypt"])
def test_deployment_is_refused_where_a_rule_imports_what_is_not_deployed(project: Path, name: str) -> None:
    (project / "vendor" / "team_rules.py").write_text(f"import {name}\n{GOOD}")
    assert f"{name} {NOT_DEPLOYED}" in refusal(project)


def test_rule_may_do_without_what_is_not_deployed(project: Path) -> None:
    optional = "try:\n    import pydantic\nexcept ImportError:\n    pydantic = None\n"
    (project / "vendor" / "team_rules.py").write_text(optional + GOOD)
    require_deployable(("team_rules",), project)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("1 / 0", "team_rules: cannot be imported (ZeroDivisionError: division by zero)."),
        ("", "team_rules: has no RULES."),
        ("RULES = [print, len]", "team_rules.len: does not take two arguments. Define it as len(user, context)."),
    ],
)
def test_deployment_of_a_broken_package_is_refused_before_anything_begins(project: Path, text: str, said: str) -> None:
    (project / "vendor" / "team_rules.py").write_text(text)
    assert refusal(project).startswith(said)


def test_every_fault_of_every_package_is_told(project: Path) -> None:
    (project / "vendor" / "team_rules.py").write_text("1 / 0")
    with pytest.raises(BadRules) as raised:
        require_deployable(("team_rules", "absent"), project)
    assert [line.partition(":")[0] for line in str(raised.value).splitlines()] == ["team_rules", "absent"]


def test_requirements_are_known_by_name_and_by_the_path_of_a_wheel() -> None:
    text = "# a comment\n-i https://index.example/\nPyJWT[crypto]==2 \\\n    --hash=sha256:aa\nAcme_Rules @ file:///x\n"
    wheel = "./wheels/hired_rules-1.0-py3-none-any.whl --hash=sha256:bb\n"
    assert required_distributions(text + wheel) == {"pyjwt", "acme-rules", "hired-rules"}

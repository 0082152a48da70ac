"""Rules in the deployed zip, run as Lambda runs it: a package in vendor/, and another one that is a requirement."""

import hashlib
import json
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import jwt
import pytest

from app import app
from infra.gateway.app import Gateway, GatewayConfig
from infra.gateway.proxy_event import GatewayStage
from tests.deploy.conftest import FUNCTION, ON_ONE_WORKER, PROJECT, Aws, Deployment, Project, at
from tests.deploy.logins import SECRET_LOGIN
from tests.deploy.test_policies import allows, call_of, statements
from tests.support.lambda_runtime import Function, deployable_python, running, runtime_python
from tests.support.server import serving

pytestmark = ON_ONE_WORKER

HIRED = """
def hired(user, context):
    context.access_token["https://hired.example.com/by"] = context.tenant
    context.access_token["https://hired.example.com/key"] = context.configuration["API_KEY"]


RULES = [hired]
"""
HIRED_PROJECT = """
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"

[project]
name = "hired-rules"
version = "1.0"

[tool.hatch.build.targets.wheel]
only-include = ["hired_rules.py"]
"""


def wheel(directory: Path) -> Path:
    """Build the wheel of a rule package that somebody else publishes."""
    directory.mkdir()
    (directory / "hired_rules.py").write_text(HIRED)
    (directory / "pyproject.toml").write_text(HIRED_PROJECT)
    subprocess.run([sys.executable, "-m", "hatchling", "build", "-t", "wheel"], cwd=directory, check=True)
    (built,) = (directory / "dist").glob("*.whl")
    return built


@pytest.fixture(scope="module")
def ruled_project(project: Project, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A copy of the project with the example rules in vendor/, and a wheel among its requirements."""
    ruled = copy_of(project, tmp_path_factory.mktemp("ruled") / "project", "acme_rules, hired_rules")
    root = ruled.root
    shutil.copytree(PROJECT / "examples" / "acme_rules", root / "vendor" / "acme_rules")
    built = wheel(root / "hired")
    digest = hashlib.sha256(built.read_bytes()).hexdigest()
    with (root / "requirements.txt").open("a", encoding="utf-8") as requirements:
        requirements.write(f"{built} --hash=sha256:{digest}\n")
    return ruled


def copy_of(project: Project, root: Path, packages: str) -> Project:
    """Return a copy of a project whose stage dev runs these packages."""
    shutil.copytree(project.root, root, ignore=shutil.ignore_patterns("deployed", "deployments", "package"))
    file = root / ".chalice" / "config.json"
    config = json.loads(file.read_text("utf-8"))
    config["stages"]["dev"]["environment_variables"]["RULE_PACKAGES"] = packages
    file.write_text(json.dumps(config), "utf-8")
    return replace(project, root=root)


@pytest.fixture(scope="module")
def function(ruled_project: Project, tmp_path_factory: pytest.TempPathFactory) -> Function:
    """The function that `chalice package` makes of it, unpacked where nothing of the sources is near."""
    made = ruled_project.chalice("package", "--stage", "dev", "package")
    assert made.returncode == 0, made.stderr
    template = json.loads((ruled_project.root / "package" / "sam.json").read_text("utf-8"))
    properties = template["Resources"]["APIHandler"]["Properties"]
    root = tmp_path_factory.mktemp("task")
    with zipfile.ZipFile(ruled_project.root / "package" / "deployment.zip") as opened:
        opened.extractall(root)
    variables = properties["Environment"]["Variables"] | ruled_project.aws.environment(FUNCTION)
    return Function("gatehouse-dev", properties["Handler"], root, variables, properties["Timeout"])


@pytest.fixture(scope="module")
def site(
    function: Function, deployment: Deployment, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[httpx.Client]:
    """A client of that function, on the stage that is deployed."""
    pins = PROJECT / "infra" / "requirements-dev.txt"
    python = runtime_python(PROJECT / ".gatehouse", pins, deployable_python())
    stage = GatewayStage("dev", "/dev", httpx.URL(deployment.url).host, deployment.rest_api_id)
    with (
        running(function, python, tmp_path_factory.mktemp("log") / "function.log") as environment,
        serving(Gateway(environment.invoke, GatewayConfig(app.routes, stage))) as port,
        at(port) as client,
    ):
        yield client


@pytest.fixture(scope="module")
def claims(site: httpx.Client, ruled_project: Project) -> dict[str, Any]:
    """The claims of alice's access token, on a stage with a setting for its rules."""
    put = ruled_project.gatehouse("rules", "settings", "set", "API_KEY", "--stage", "dev", "--stdin", typed="a value")
    assert (put.returncode, put.stderr) == (0, "")
    answer = site.post("/oauth/token", data=SECRET_LOGIN)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = jwt.decode(answer.json()["access_token"], options={"verify_signature": False})
    return found


def test_rules_of_vendor_are_at_the_root_of_the_zip(function: Function) -> None:
    assert (function.root / "acme_rules" / "__init__.py").is_file()
    assert not (function.root / "vendor").exists()


def test_login_runs_the_rules_of_vendor(claims: dict[str, Any]) -> None:
    assert claims["https://acme.example.com/roles"] == ["manager"]
    assert "delete:timesheets" not in claims["scope"]


def test_login_runs_the_rules_of_a_requirement(claims: dict[str, Any]) -> None:
    assert claims["https://hired.example.com/by"] == "Gatehouse demo"


def test_rules_read_a_setting_by_a_call_that_the_policy_allows(claims: dict[str, Any], deployment: Deployment) -> None:
    taken = {(call["action"], call["resource"]) for call in deployment.aws.calls(FUNCTION)}
    opened = [call_of(deployment, action, name) for action, name in taken if action == "kms:Decrypt"]
    assert claims["https://hired.example.com/key"] == "a value"
    assert opened
    assert all(any(allows(one, call) for one in statements("dev")) for call in opened)


def holdings(aws: Aws) -> Any:
    """Return what a deployment would have changed."""
    functions = aws.client("lambda").list_functions()["Functions"]
    apis = aws.client("apigateway").get_rest_apis()["items"]
    return [(one["FunctionName"], one["CodeSha256"], one["LastModified"]) for one in functions], apis


def test_broken_package_is_refused_and_the_running_stage_untouched(
    ruled_project: Project, deployment: Deployment, tmp_path: Path
) -> None:
    own = copy_of(ruled_project, tmp_path / "project", "acme_rules, broken_rules")
    (own.root / "vendor" / "broken_rules.py").write_text("import requests\n\nRULES = [len]\n")
    before = holdings(deployment.aws)
    runs = [own.gatehouse(*words, "--stage", "dev") for words in (("deploy",), ("rules", "check"))]
    why = "requests is not deployed: put it into vendor/, or make it a requirement"
    mend = "Mend it, or take the package out of RULE_PACKAGES."
    said = f"broken_rules: cannot be imported (ModuleNotFoundError: {why}). {mend}\n"
    assert [(run.returncode, run.stdout, run.stderr) for run in runs] == [(2, "", said)] * 2
    assert holdings(deployment.aws) == before


def test_check_of_the_stage_finds_the_rules_of_vendor_fine(ruled_project: Project, tmp_path: Path) -> None:
    own = copy_of(ruled_project, tmp_path / "project", "acme_rules")
    checked = own.gatehouse("rules", "check", "--stage", "dev")
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, "Fine: acme_rules\n", "")

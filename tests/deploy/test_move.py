"""The fifteen minutes of docs/run/moving.md, word for word: a whole export of Auth0, 5,000 people, the first logins."""

import json
import os
import re
import shlex
import shutil
import subprocess
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import jwt
import pytest
import yaml

from tests.deploy.conftest import (
    FUNCTION,
    PROJECT,
    REGION,
    Deployment,
    Project,
    Tenant,
    at,
    function_of,
    gateway_of,
    serving_aws,
)
from tests.support.auth0_rules import EXPORT
from tests.support.curl_docs import curl_examples
from tests.support.lambda_runtime import running
from tests.support.server import serving

# It shares no deployment with the others of this folder.
pytestmark = pytest.mark.xdist_group("move")

SECTION = (
    (PROJECT / "docs" / "run" / "moving.md")
    .read_text("utf-8")
    .partition("## The fifteen minutes")[2]
    .partition("\n## ")[0]
)
COMMANDS = re.findall(r"^ {4}((?:gatehouse|mkdir) .+)$", SECTION, re.MULTILINE)
VECTORS = json.loads((PROJECT / "tests" / "flow" / "foreign_hashes.json").read_text("utf-8"))
PEOPLE = 5_000
# Of each five hundred people, one has a hash that no library here verifies, and one a field that nobody knows.
FAULTY: dict[int, dict[str, Any]] = {
    7: {"custom_password_hash": {"algorithm": "md4", "hash": {"value": "0" * 32, "encoding": "hex"}}},
    8: {"shoe_size": 42},
}
CLIENT_ID = "RpWebK29dlw93Qx71"
SECRET = "the secret that Reports web had at Auth0"
BY_HAND = '''
def ask_the_risk_service(user, context):
    """Deny whom the risk service thinks risky."""
    if context.configuration.get("RISK") == user.email:
        raise PermissionError("Too risky.")
'''
API = "https://api.test.example.com"
# A proxy of the team's own tells the country, which one of the rules reads.
VIEWER = {"CloudFront-Viewer-Country": "DE", "X-Forwarded-For": "192.0.2.9"}


def person(number: int) -> dict[str, Any]:
    """Return a row of Auth0's bulk form."""
    row: dict[str, Any] = dict(VECTORS[number % len(VECTORS)]["row"]) | {
        "user_id": f"{number:024x}",
        "email": f"person{number}@acme.example.com",
        "username": f"person{number}",
        "email_verified": True,
        "created_at": "2021-03-05T16:28:52.462Z",
        "app_metadata": {"plan": "gold"},
    }
    return row | FAULTY.get(number % 500, {})


@dataclass(frozen=True, slots=True)
class Moved:
    """The stage after the fifteen minutes. outputs: of each command. rejected: the report of the people."""

    root: Path
    site: httpx.Client
    outputs: dict[str, str]
    rejected: list[dict[str, Any]]

    def log_in(self, number: int, **params: str) -> httpx.Response:
        """Log a person in with the password of Auth0, through the client whose secret came along."""
        login = {
            "grant_type": "password",
            "client_id": CLIENT_ID,
            "username": f"person{number}@acme.example.com",
            "password": VECTORS[number % len(VECTORS)]["password"],
            "audience": f"{API}/timesheets",
            "scope": "openid read:timesheets approve:timesheets",
        }
        basic = httpx.BasicAuth(CLIENT_ID, quote(SECRET))
        return self.site.post("/oauth/token", data=login | params, auth=basic, headers=VIEWER)


def prepare(project: Project, root: Path) -> None:
    """Lay down what the page begins with: a clone, the exports of the tenant and of the people."""
    shutil.copytree(project.root, root, ignore=shutil.ignore_patterns("deployed", "deployments", "package"))
    shutil.copytree(EXPORT, root / "export")
    for name in ("keywords.json", "client-ids.json"):
        shutil.copy(EXPORT / name, root / name)
    (root / "people.json").write_text(json.dumps([person(number) for number in range(PEOPLE)]), "utf-8")
    file = root / ".chalice" / "config.json"
    config = json.loads(file.read_text("utf-8"))
    ours = {"RULE_PACKAGES": "auth0_rules", "GATEHOUSE_TRUSTED_PROXIES": "1"}
    config["stages"]["dev"]["environment_variables"] |= ours
    file.write_text(json.dumps(config), "utf-8")


def finish_by_hand(root: Path) -> None:
    """Write the rule that could not be translated, and the secret that a client keeps."""
    (rule,) = (root / "vendor" / "auth0_rules").glob("*ask_the_risk_service.py")
    rule.write_text(BY_HAND, "utf-8")
    file = root / "moved" / "tenant.yaml"
    document = yaml.safe_load(file.read_text("utf-8"))
    (client,) = (one for one in document["clients"] if one["name"] == "Reports web")
    client["client_secret"] = SECRET
    file.write_text(yaml.safe_dump(document), "utf-8")


def follow(project: Project) -> dict[str, str]:
    """Run the commands of the page in their order. One rule has to be written by hand, as the page says."""
    outputs = {}
    for line in COMMANDS:
        words = shlex.split(line)
        if words[0] != "gatehouse":
            subprocess.run(["sh", "-euc", line], cwd=project.root, check=True)
            continue
        ran = project.gatehouse(*words[1:])
        if line.startswith("gatehouse rules check"):
            assert ran.returncode == 2
            assert ran.stderr.startswith("auth0_rules.ask_the_risk_service, line ")
            finish_by_hand(project.root)
            ran = project.gatehouse(*words[1:])
        expected = 3 if "import" in words else 0
        assert ran.returncode == expected, f"{line}: {ran.stdout}{ran.stderr}"
        outputs[line] = ran.stdout
    return outputs


@pytest.fixture(scope="module")
def moved(project: Project, tenant: Tenant, python: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Moved]:
    root = tmp_path_factory.mktemp("moved") / "project"
    prepare(project, root)
    with serving_aws(tmp_path_factory.mktemp("aws"), REGION) as aws:
        ours = replace(project, root=root, aws=aws)
        outputs = follow(ours)
        recorded = json.loads((root / ".chalice" / "deployed" / "dev.json").read_text("utf-8"))["resources"]
        (api,) = (resource for resource in recorded if resource["resource_type"] == "rest_api")
        deployment = Deployment(ours, tenant, api["rest_api_id"], api["rest_api_url"], "")
        task = tmp_path_factory.mktemp("task")
        with zipfile.ZipFile(deployment.archive) as opened:
            opened.extractall(task)
        function = function_of(deployment, task, "gatehouse-dev", FUNCTION)
        log = tmp_path_factory.mktemp("log") / "function.log"
        lines = (root / "rejected.ndjson").read_text("utf-8").splitlines()
        with (
            running(function, python, log) as environment,
            serving(gateway_of(deployment, environment)) as port,
            at(port) as client,
        ):
            yield Moved(root, client, outputs, [json.loads(line) for line in lines])


def numbers_by_algorithm() -> dict[str, int]:
    """Return a person of each algorithm."""
    sound = [number for number in range(len(VECTORS)) if number not in FAULTY]
    return {
        VECTORS[number]["row"].get("custom_password_hash", {}).get("algorithm", "bcrypt"): number for number in sound
    }


def test_page_goes_from_an_export_to_the_import_of_people() -> None:
    verbs = [" ".join(line.split()[1:3]) for line in COMMANDS if line.startswith("gatehouse")]

    assert verbs == [
        "migrate auth0",
        "check moved/tenant.yaml",
        "rules check",
        "up --stage",
        "apply --stage",
        "deploy --stage",
        "users import",
    ]


def test_all_people_are_in_but_the_faulty_ones(moved: Moved) -> None:
    faults = [(one["row"], one["field"], one["code"]) for one in moved.rejected]
    expected = []
    for number in range(PEOPLE):
        if number % 500 == 7:
            expected.append((number + 1, "custom_password_hash.algorithm", "NOT_PASSED"))
        if number % 500 == 8:
            expected.append((number + 1, "shoe_size", "NOT_PASSED"))

    assert faults == expected
    assert str(PEOPLE - len(expected)) in moved.outputs[COMMANDS[-1]]


@pytest.mark.parametrize("algorithm", sorted(numbers_by_algorithm()))
def test_people_log_in_with_the_password_of_before(moved: Moved, algorithm: str) -> None:
    number = numbers_by_algorithm()[algorithm]
    answers = [moved.log_in(number), moved.log_in(number), moved.log_in(number, password="wrong")]

    assert [answer.status_code for answer in answers] == [200, 200, 400], answers[0].text


def test_curl_of_the_page_logs_the_first_person_in(moved: Moved) -> None:
    number = numbers_by_algorithm()["bcrypt"]
    (login,) = curl_examples(SECTION)
    values = {
        "URL": str(moved.site.base_url),
        "CLIENT_ID": CLIENT_ID,
        "CLIENT_SECRET": SECRET,
        "USERNAME": f"person{number}@acme.example.com",
        "PASSWORD": VECTORS[number]["password"],
    }
    # The team's proxy adds what one of the rules reads.
    headers = " ".join(f"--header '{name}: {value}'" for name, value in VIEWER.items())
    script = f'curl() {{ command curl --silent --fail-with-body {headers} "$@"; }}\n{login.line}'
    environment = {**os.environ, **values}
    ran = subprocess.run(["sh", "-euc", script], env=environment, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr

    claims = jwt.decode(json.loads(ran.stdout)["access_token"], options={"verify_signature": False})
    assert claims["sub"] == f"auth0|{number:024x}"


def test_token_has_what_the_rules_say(moved: Moved) -> None:
    number = numbers_by_algorithm()["bcrypt"]
    body = moved.log_in(number).json()
    claims = jwt.decode(body["access_token"], options={"verify_signature": False})
    id_claims = jwt.decode(body["id_token"], options={"verify_signature": False})

    assert claims["sub"] == f"auth0|{number:024x}"
    assert claims["https://acme.example.com/email"] == f"person{number}@acme.example.com"
    assert claims["scope"].split() == ["openid", "read:timesheets"]
    assert id_claims["https://acme.example.com/plan"] == "gold"
    assert id_claims["https://acme.example.com/directory"] == "Username-Password-Authentication"


def test_report_names_the_rule_that_is_left_and_no_secret(moved: Moved) -> None:
    report = (moved.root / "moved" / "REPORT.md").read_text("utf-8")

    assert "Ask the risk service" in report
    assert "CANARY" not in "".join(moved.outputs.values()) + report

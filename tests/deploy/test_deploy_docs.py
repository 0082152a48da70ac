"""docs/run/deploy.md leads from an empty account to a login; docs/run/restore.md takes functions down and up."""

import json
import re
import shutil
import subprocess
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import httpx
import jwt

from tests.deploy.conftest import COMMANDS, NAMES, ON_ONE_WORKER, PAGE, PROJECT, Deployment
from tests.deploy.logins import AUDIENCE

pytestmark = ON_ONE_WORKER

RESTORE = (PROJECT / "docs" / "run" / "restore.md").read_text("utf-8")


def test_page_has_the_commands_of_a_whole_deployment() -> None:
    assert [line.split()[1] for line in COMMANDS] == ["check", "up", "apply", "deploy"]


def test_curl_of_the_page_logs_in(site: httpx.Client, tmp_path: Path) -> None:
    found = re.search(r'^    curl "\$\{URL\}oauth/token" (?:.*\\\n)+.+$', PAGE, re.MULTILINE)
    assert found
    url = str(site.base_url).rstrip("/") + "/"
    ran = subprocess.run(
        ["sh", "-euc", f"URL={url}\n{found[0]} --silent --fail"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )

    claims = jwt.decode(json.loads(ran.stdout)["access_token"], options={"verify_signature": False})
    assert AUDIENCE in (claims["aud"], *claims["aud"])


def test_functions_that_were_taken_down_come_back(deployment: Deployment, tmp_path: Path) -> None:
    for line in ("chalice delete --stage dev", "gatehouse deploy --stage dev"):
        assert f"\n    {line}\n" in RESTORE
    root = tmp_path / "prod"
    shutil.copytree(deployment.project.root, root, ignore=shutil.ignore_patterns("deployed", "deployments"))
    for policy in (PROJECT / ".chalice").glob("policy-prod*.json"):
        shutil.copyfile(policy, root / ".chalice" / policy.name)
    project, functions = replace(deployment.project, root=root), deployment.aws.client("lambda")
    # All that a deployment takes of `up`, which refuses the demo's secrets in this stage. It may be there already.
    logs = deployment.aws.client("logs")
    with suppress(logs.exceptions.ResourceAlreadyExistsException):
        logs.create_log_group(logGroupName="/gatehouse/prod/audit")

    def names() -> set[str]:
        return {one["FunctionName"] for one in functions.list_functions()["Functions"]}

    before = names()
    for _ in range(2):
        deployed = project.gatehouse("deploy", "--stage", "prod")
        assert (deployed.returncode, deployed.stderr) == (0, "")
        assert names() == before | {f"gatehouse-prod{name}" for name in NAMES}
        assert project.chalice("delete", "--stage", "prod").returncode == 0
        assert names() == before

"""A stage's whole life on the emulator: made, deployed, grown, rotated, restored, exported, gone, and made again."""

import json
import shutil
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
import jwt
import pytest
import yaml

from tests.deploy.conftest import (
    FUNCTION,
    ROTATION,
    Deployment,
    Project,
    Tenant,
    at,
    function_of,
    gateway_of,
    serving_aws,
)
from tests.deploy.logins import SECRET_LOGIN
from tests.deploy.rotations import STEPS_S, make_older, published, run_rotation
from tests.support.account import list_names
from tests.support.http import PASSWORD_REALM
from tests.support.lambda_runtime import running
from tests.support.server import serving

# It shares no deployment with the others of this folder.
pytestmark = pytest.mark.xdist_group("life")

GUEST = {"username": "guest@example.com", "password": "correct horse battery staple"}
FILE = "my-tenant.yaml"


@dataclass(frozen=True, slots=True)
class Stage:
    """The stage dev of an AWS of its own."""

    project: Project
    python: Path
    folder: Path

    def run(self, *words: str, typed: str = "") -> str:
        """Run a command that must succeed, and return what it printed."""
        ran = self.project.gatehouse(*words, "--stage", "dev", typed=typed)
        assert ran.returncode == 0, f"{words}: {ran.stdout}{ran.stderr}"
        return ran.stdout

    def deployment(self) -> Deployment:
        """Return what was deployed last."""
        record = self.project.root / ".chalice" / "deployed" / "dev.json"
        resources = json.loads(record.read_text("utf-8"))["resources"]
        (api,) = (resource for resource in resources if resource["resource_type"] == "rest_api")
        tenant = Tenant(self.project.root / FILE, "", None)  # type: ignore[arg-type]  # nobody signs here
        return Deployment(self.project, tenant, api["rest_api_id"], api["rest_api_url"], "")

    def task(self) -> Path:
        """Return the folder with the deployed zip, unpacked."""
        folder = self.folder / "task"
        shutil.rmtree(folder, ignore_errors=True)
        with zipfile.ZipFile(self.deployment().archive) as opened:
            opened.extractall(folder)
        return folder

    @contextmanager
    def site(self) -> Iterator[httpx.Client]:
        """Yield a client of the deployed API, whose process has just started, and so has read nothing yet."""
        deployment = self.deployment()
        function = function_of(deployment, self.task(), "gatehouse-dev", FUNCTION)
        with (
            running(function, self.python, self.folder / "function.log") as environment,
            serving(gateway_of(deployment, environment)) as port,
            at(port) as client,
        ):
            yield client


@pytest.fixture
def stage(project: Project, python: Path, tmp_path: Path) -> Iterator[Stage]:
    root = tmp_path / "project"
    shutil.copytree(project.root, root, ignore=shutil.ignore_patterns("deployed", "deployments", "package"))
    shutil.copyfile(root / "infra" / "local" / "demo-tenant.yaml", root / FILE)
    (tmp_path / "aws").mkdir()
    with serving_aws(tmp_path / "aws") as aws:
        yield Stage(replace(project, root=root, aws=aws), python, tmp_path)


def grow(stage: Stage) -> None:
    """Add a realm, whose people may log in through the client, and somebody to it."""
    file = stage.project.root / FILE
    document = yaml.safe_load(file.read_text("utf-8"))
    document["realms"].append({"name": "guests", "identifiers": ["email"]})
    (client,) = (one for one in document["clients"] if one["client_id"] == "demo-backend")
    client["realms"].append("guests")
    file.write_text(yaml.safe_dump(document), "utf-8")
    stage.run("up", FILE)
    stage.run("apply", FILE)
    add = "users", "add", "--realm", "guests", "--email", GUEST["username"], "--password-stdin"
    stage.run(*add, typed=GUEST["password"] + "\n")


def log_in(site: httpx.Client, **params: str) -> dict[str, Any]:
    answer = site.post("/oauth/token", data=SECRET_LOGIN | {"scope": "offline_access"} | params)
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


def log_in_guest(site: httpx.Client) -> dict[str, Any]:
    return log_in(site, grant_type=PASSWORD_REALM, realm="guests", **GUEST)


def rotate(stage: Stage) -> None:
    """Run the deployed schedule until another key signs."""
    deployment = stage.deployment()
    function = function_of(deployment, stage.task(), "gatehouse-dev-rotate_keys", ROTATION)
    with running(function, stage.python, stage.folder / "rotation.log") as rotating:
        for seconds in STEPS_S[:2]:
            make_older(deployment, seconds)
            run_rotation(rotating)


def verifies(site: httpx.Client, token: str) -> bool:
    keys = jwt.PyJWKSet.from_dict(site.get("/.well-known/jwks.json").json())
    kid = jwt.get_unverified_header(token)["kid"]
    claims = jwt.decode(token, keys[kid].key, ["RS256"], options={"verify_aud": False})
    return bool(claims["sub"])


def restorable_moment(stage: Stage) -> str:
    """Return the one moment that moto can restore the employees to."""
    dynamodb = stage.project.aws.client("dynamodb")
    found = dynamodb.describe_continuous_backups(TableName="gatehouse-dev-users-employees")
    recovery = found["ContinuousBackupsDescription"]["PointInTimeRecoveryDescription"]
    return f"{recovery['LatestRestorableDateTime'].replace(tzinfo=None, microsecond=0).isoformat()}Z"


def test_stage_lives_its_whole_life(stage: Stage) -> None:
    empty = list_names(stage.project.aws.client)
    stage.run("up", FILE)
    stage.run("apply", FILE, "--with-users")
    stage.run("deploy")
    with stage.site() as site:
        before = log_in(site)

    grow(stage)
    with stage.site() as site:
        assert log_in_guest(site)["scope"]

    first = {key["kid"] for key in published(stage.deployment()) if key["status"] == "current"}
    rotate(stage)
    with stage.site() as site:
        after = log_in(site)
        assert verifies(site, before["access_token"])
        assert verifies(site, after["access_token"])
    assert jwt.get_unverified_header(after["access_token"])["kid"] not in first

    stage.run("restore", "--realm", "employees", "--at", restorable_moment(stage), "--yes")
    with stage.site() as site:
        restored = log_in(site)
        refreshed = site.post(
            "/oauth/token",
            data={"client_id": "demo-backend", "client_secret": "demo-backend-secret", "grant_type": "refresh_token"}
            | {"refresh_token": after["refresh_token"]},
        )
    assert restored["access_token"]
    assert refreshed.json()["error"] == "invalid_grant"

    stage.run("users", "export", "--realm", "guests", "-o", "guests.jsonl")
    exported = [json.loads(line) for line in (stage.project.root / "guests.jsonl").read_text("utf-8").splitlines()]
    assert [one["email"] for one in exported] == [GUEST["username"]]

    stage.run("down", "--yes")
    assert list_names(stage.project.aws.client) == empty

    stage.run("up", FILE)
    stage.run("apply", FILE, "--with-users")
    stage.run("deploy")
    with stage.site() as site:
        assert log_in(site)["access_token"]

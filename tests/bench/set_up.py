"""Set up what is measured: the stub, the stage in it, and the deployed zip's content beside Lambda's packages."""

import os
import shutil
import subprocess
import zipfile
from pathlib import Path

from chalicelib.model.key import KeySet
from infra.deploy.deploy import CHALICE
from infra.local.emulated_aws import CREDENTIALS
from infra.stage.aws import Stage, reach
from infra.stage.keys import key_changes, stage_key_changes
from infra.stage.provision import write_configuration
from infra.tenant.client_secrets import DEMO
from infra.tenant.file import load
from tests.support.lambda_runtime import runtime_python

PROJECT = Path(__file__).parents[2]
STAGE = "dev"
BUILD = PROJECT / "build" / "bench"
RULES = PROJECT / "tests" / "bench" / "packages"


def provision() -> Stage:
    """Bring the stage in the stub to what the demo tenant says, without people; return the stage.

    CloudFormation and the look at the stage's health are left out: the stub's tables are there when they are named.
    """
    stage, file = reach(STAGE), load(DEMO)
    key_changes(stage, ["RS256", "ES256"], False, KeySet())
    stage_key_changes(stage, dry_run=False, is_new=True)
    write_configuration(stage, file)
    return stage


def package() -> Path:
    """Build the deployment package, and return it; its content stands unpacked beside it, in `task`."""
    command = [*CHALICE, "package", "--stage", STAGE, str(BUILD)]
    subprocess.run(command, cwd=PROJECT, env=os.environ | CREDENTIALS, check=True, capture_output=True)
    archive = BUILD / "deployment.zip"
    shutil.rmtree(BUILD / "task", ignore_errors=True)
    with zipfile.ZipFile(archive) as opened:
        opened.extractall(BUILD / "task")
    return archive


def python() -> Path:
    """Return an interpreter that has what Lambda's has, compiled as Lambda's is."""
    found = runtime_python(PROJECT / ".gatehouse", PROJECT / "infra" / "requirements-dev.txt")
    packages = next((found.parents[2] / "lib").glob("python3.*"))
    subprocess.run([found, "-m", "compileall", "-q", packages], check=False, capture_output=True)
    return found

"""Set up the measured function: the stage in the stub, the deployment package, and Lambda's interpreter."""

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
from infra.tenant.schema import SignUp, TenantFile
from tests.bench.people import SIGN_UP_REALM
from tests.support.lambda_runtime import runtime_python

PROJECT = Path(__file__).parents[2]
STAGE = "dev"
BUILD = PROJECT / "build" / "bench"
RULES = PROJECT / "tests" / "bench" / "packages"


def provision() -> Stage:
    """Make the demo tenant's stage in the stub, without users; return the stage.

    CloudFormation and the health checks are left out: the stub's tables always exist.
    """
    stage, file = reach(STAGE), _with_sign_ups(load(DEMO))
    key_changes(stage, ["RS256", "ES256"], False, KeySet())
    stage_key_changes(stage, dry_run=False, is_new=True)
    write_configuration(stage, file)
    return stage


def _with_sign_ups(file: TenantFile) -> TenantFile:
    """Return the file, with a realm that takes sign-ups and asks for verified email; its clients all have the realm."""
    signup = SignUp(enabled=True, requires_verified_email=True)
    realms = [one.model_copy(update={"signup": signup}) if one.name == SIGN_UP_REALM else one for one in file.realms]
    clients = [one.model_copy(update={"realms": (*one.realms, SIGN_UP_REALM)}) for one in file.clients]
    return file.model_copy(update={"realms": tuple(realms), "clients": tuple(clients)})


def package() -> Path:
    """Build the deployment package, and return its path; its content is unpacked into `task` beside it."""
    command = [*CHALICE, "package", "--stage", STAGE, str(BUILD)]
    subprocess.run(command, cwd=PROJECT, env=os.environ | CREDENTIALS, check=True, capture_output=True)
    archive = BUILD / "deployment.zip"
    shutil.rmtree(BUILD / "task", ignore_errors=True)
    with zipfile.ZipFile(archive) as opened:
        opened.extractall(BUILD / "task")
    return archive


def python() -> Path:
    """Return an interpreter with Lambda's packages, compiled as on Lambda."""
    found = runtime_python(PROJECT / ".gatehouse", PROJECT / "infra" / "requirements-dev.txt")
    packages = next((found.parents[1] / "lib").glob("python3.*"))
    subprocess.run([found, "-m", "compileall", "-q", packages], check=False, capture_output=True)
    return found

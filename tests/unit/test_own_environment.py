"""AWS inside the process: nothing of the machine's own settings leads a call out of it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]
# Port 9 discards: a call that left the process would fail there.
OUTSIDE = "http://127.0.0.1:9"
SETTINGS = {
    "endpoint": {"AWS_ENDPOINT_URL": OUTSIDE},
    "endpoint of DynamoDB": {"AWS_ENDPOINT_URL_DYNAMODB": OUTSIDE},
    "endpoint of KMS": {"AWS_ENDPOINT_URL_KMS": OUTSIDE},
    "dual stack": {"AWS_USE_DUALSTACK_ENDPOINT": "true"},
    "FIPS": {"AWS_USE_FIPS_ENDPOINT": "true"},
    "profile": {"AWS_PROFILE": "somebody"},
    "region": {"AWS_REGION": "us-gov-west-1"},
    "account endpoints": {"AWS_ACCOUNT_ID_ENDPOINT_MODE": "required"},
    "container credentials": {"AWS_CONTAINER_CREDENTIALS_FULL_URI": OUTSIDE},
    "web identity": {"AWS_WEB_IDENTITY_TOKEN_FILE": "/nowhere", "AWS_ROLE_ARN": "arn:aws:iam::123456789012:role/x"},
    "certificates": {"AWS_CA_BUNDLE": "/nowhere"},
    "an AWS emulator's server": {"TEST_SERVER_MODE": "true"},
    "an AWS emulator's proxy": {"TEST_PROXY_MODE": "true"},
    "services section": {"AWS_CONFIG_FILE": "config"},
}
CONFIG = f"""[default]
region = us-gov-west-1
services = elsewhere
role_arn = arn:aws:iam::123456789012:role/x
credential_process = /nowhere
[services elsewhere]
dynamodb =
  endpoint_url = {OUTSIDE}
"""
CODE = """
from infra.stage.aws import reach
from infra.local.emulated_aws import REGION, local_aws
with local_aws():
    stage = reach("dev")
    assert stage.clients.dynamodb.list_tables()["TableNames"] == []
    assert stage.clients.kms.list_keys()["Keys"] == []
    assert stage.clients.dynamodb.meta.region_name == REGION
    print(stage.clients.dynamodb.meta.endpoint_url)
"""


@pytest.mark.parametrize("name", SETTINGS)
def test_setting_of_the_machine_leads_no_call_out_of_the_process(tmp_path: Path, name: str) -> None:
    (tmp_path / "config").write_text(CONFIG)
    inherited = {key: value for key, value in os.environ.items() if not key.startswith(("AWS_", "GATEHOUSE_"))}
    environment = inherited | SETTINGS[name] | {"PYTHONPATH": str(PROJECT)}
    ran = subprocess.run(
        [sys.executable, "-c", CODE], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )

    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout == "https://dynamodb.eu-west-1.amazonaws.com\n"


def test_config_file_of_the_home_directory_is_not_read(tmp_path: Path) -> None:
    (tmp_path / ".aws").mkdir()
    (tmp_path / ".aws" / "config").write_text(CONFIG)
    inherited = {key: value for key, value in os.environ.items() if not key.startswith(("AWS_", "GATEHOUSE_"))}
    environment = inherited | {"HOME": str(tmp_path), "PYTHONPATH": str(PROJECT)}
    ran = subprocess.run(
        [sys.executable, "-c", CODE], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )

    assert (ran.returncode, ran.stderr) == (0, "")

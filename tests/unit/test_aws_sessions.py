"""The sessions: the tools' are whom the SDK finds out, the function's refuses a botocore that is too old."""

from pathlib import Path

import botocore
import pytest

from chalicelib.http.routes import Services
from chalicelib.settings import BadSettings
from chalicelib.store.aws.botocore_version import OLDEST_BOTOCORE, find_botocore, require_botocore
from infra.stage.aws import Stage, reach
from tests.support.http import Http
from tests.support.tables import table_names

PROJECT = Path(__file__).parents[2]
PROFILE = """
[profile assumed]
role_arn = arn:aws:iam::123456789012:role/operators
source_profile = own
[profile own]
aws_access_key_id = own
aws_secret_access_key = own
"""


def test_tools_reach_aws_by_a_profile_that_assumes_a_role(
    stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "config").write_text(PROFILE)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_PROFILE", "assumed")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)

    assert f"{stage.prefix}config" in table_names(reach(stage.name).clients.dynamodb)


def too_old() -> Services:
    require_botocore("1.30.1")
    raise AssertionError("it must refuse")


def test_function_refuses_to_start_on_a_botocore_that_is_too_old_and_says_why(http: Http) -> None:
    http.services = too_old
    answer = http.login()

    assert (answer.status_code, answer.json()["error"]) == (500, "server_error")
    assert "botocore" not in answer.text
    assert f"botocore 1.30.1 of this runtime is older than {OLDEST_BOTOCORE}" in http.log[-1]["reason"]


@pytest.mark.parametrize("version", [OLDEST_BOTOCORE, "1.100.0", "2.0.0"])
def test_oldest_botocore_and_newer_ones_are_taken(version: str) -> None:
    require_botocore(version)


@pytest.mark.parametrize("version", ["1.31.56", "1.30.99", "1.4.0", "0.99.0"])
def test_older_botocore_than_the_oldest_is_refused(version: str) -> None:
    with pytest.raises(BadSettings, match="Choose a newer runtime, or add botocore to"):
        require_botocore(version)


def test_fault_tests_run_on_the_oldest_botocore_that_is_taken() -> None:
    locked = (PROJECT / "infra" / "requirements-oldest.txt").read_text("utf-8")

    assert f"botocore=={OLDEST_BOTOCORE} " in locked


def test_version_is_read_from_the_botocore_that_would_be_imported() -> None:
    assert find_botocore() == botocore.__version__

"""Whom the tools are to AWS: whatever the SDK can find out, not only keys in the environment."""

from pathlib import Path

import pytest

from chalicelib.store.aws import connect
from infra.aws import Stage

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

    assert f"{stage.prefix}config" in connect().dynamodb.list_tables()["TableNames"]

"""What a command says where AWS is not as it should be: one line, and no traceback."""

from pathlib import Path

import pytest

from tests.cli.conftest import Gatehouse
from tests.cli.tenant import small_document

NEEDS_A_STAGE = [
    ("users", "list", "--realm", "staff"),
    ("users", "add", "--realm", "staff", "--username", "x"),
    ("clients", "list"),
    ("clients", "rotate-secret", "app"),
    ("keys", "list"),
    ("keys", "rotate"),
]


@pytest.mark.parametrize("command", NEEDS_A_STAGE, ids=" ".join)
def test_stage_that_does_not_exist_is_one_clear_line_and_exit_2(gatehouse: Gatehouse, command: tuple[str, ...]) -> None:
    ran = gatehouse.run(*command)

    said = (
        "No such stage in this account and region. Check --stage, or run `gatehouse up` with its tenant file first.\n"
    )
    assert (ran.code, ran.out, ran.err) == (2, "", said)


@pytest.fixture
def without_credentials(gatehouse: Gatehouse, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Gatehouse:
    """The command, where nothing says who calls."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    for name in ("AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    return gatehouse


@pytest.mark.parametrize("command", NEEDS_A_STAGE, ids=" ".join)
def test_missing_credentials_are_one_line_and_exit_1(without_credentials: Gatehouse, command: tuple[str, ...]) -> None:
    ran = without_credentials.run(*command)

    assert (ran.code, ran.out, ran.err.count("\n")) == (1, "", 1)
    assert ran.err.startswith("AWS: ")
    assert "redentials" in ran.err


def test_missing_credentials_of_an_apply_are_one_line_and_exit_1(without_credentials: Gatehouse) -> None:
    ran = without_credentials.apply(small_document())

    assert (ran.code, ran.out, ran.err) == (1, "", "AWS: Unable to locate credentials\n")


def test_missing_region_is_one_line_and_exit_1(
    gatehouse: Gatehouse, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("AWS_DEFAULT_REGION", "AWS_REGION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    ran = gatehouse.run("keys", "list")

    assert (ran.code, ran.out, ran.err) == (1, "", "AWS: You must specify a region.\n")

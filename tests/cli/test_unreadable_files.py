"""A file that a person named and that cannot be read: each option that takes one says so in words of its own kind."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from infra.cli.main import app
from infra.text_file import SIZE_LIMIT_BYTES
from tests.support.tenant_text import CANARY, DEMO

TRY = ("rules", "try", "--packages", "examples.acme_rules", "--client", "demo-backend", "--realm", "employees")
SOMEBODY = ("--tenant", str(DEMO), "--user", "alice")
LOCAL = ("local", "--port", "0")
OPTIONS = {
    "settings of a local run": (*LOCAL, "--rule-settings"),
    "settings of a try": (*TRY, *SOMEBODY, "--rule-settings"),
    "user of a try": (*TRY, "--tenant", str(DEMO), "--user-file"),
}
TENANTS = {
    "tenant of a local run": (*LOCAL, "--tenant"),
    "tenant of a try": (*TRY, "--user", "alice", "--tenant"),
    "tenant to check": ("check",),
    "tenant of an up": ("up", "--stage", "dev"),
    "tenant of an apply": ("apply", "--stage", "dev"),
}


def refusal(options: tuple[str, ...], path: Path) -> str:
    """Return the one line that a command prints of this file, without the file's name."""
    ran = CliRunner().invoke(app, [*options, str(path)], catch_exceptions=False)
    assert (ran.exit_code, ran.stdout) == (2, "")
    assert ran.stderr.startswith(str(path)) and ran.stderr.count("\n") == 1
    return ran.stderr.removeprefix(str(path)).strip()


def large(tmp_path: Path) -> Path:
    path = tmp_path / "large"
    path.write_bytes(b" " * (SIZE_LIMIT_BYTES + 1))
    return path


@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
def test_file_that_is_no_tenant_file_gets_no_advice_about_one(tmp_path: Path, options: tuple[str, ...]) -> None:
    assert refusal(options, tmp_path) == ": a directory: name a file in it"
    assert refusal(options, large(tmp_path)) == ": larger than 5 MiB: is it the right file?"


@pytest.mark.parametrize("options", TENANTS.values(), ids=TENANTS)
def test_tenant_file_gets_advice_about_one(tmp_path: Path, options: tuple[str, ...]) -> None:
    assert refusal(options, tmp_path) == ": a directory: name the tenant file in it"
    assert refusal(options, large(tmp_path)) == ": larger than 5 MiB: import the users instead of listing them here"


@pytest.mark.parametrize("options", [*OPTIONS.values(), *TENANTS.values()], ids=[*OPTIONS, *TENANTS])
def test_missing_file_and_one_in_another_encoding_are_one_line(tmp_path: Path, options: tuple[str, ...]) -> None:
    latin = tmp_path / "latin"
    latin.write_bytes(b"{\n" + CANARY.encode() + b" caf\xe9")

    assert refusal(options, tmp_path / "none") == ": no such file: check the path"
    assert refusal(options, latin) == ":2: not UTF-8: save the file in that encoding"


def test_rule_package_in_a_file_is_refused_in_one_line(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("x")
    ran = CliRunner().invoke(app, ["rules", "new", "own_new_rules", "--directory", str(file)], catch_exceptions=False)

    assert (ran.exit_code, ran.stdout) == (2, "")
    assert ran.stderr == f"{file / 'own_new_rules'} cannot be written (Not a directory): choose another --directory.\n"

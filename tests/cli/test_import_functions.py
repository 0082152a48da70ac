"""Commands refuse a tenant file whose import_from cannot run."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from infra.cli.main import app
from tests.support.fixed import DEMO
from tests.support.legacy import import_package


def write_file(folder: Path, name: str) -> Path:
    file = folder / "tenant.yaml"
    realm = "  - name: employees"
    file.write_text(DEMO.read_text("utf-8").replace(realm, f"{realm}\n    import_from: {name}", 1), "utf-8")
    return file


def test_function_of_three_arguments_is_fine(tmp_path: Path) -> None:
    with import_package(lambda username, password, context: None) as package:
        result = CliRunner().invoke(app, ["check", str(write_file(tmp_path, f"{package}:find"))])

    assert result.exit_code == 0, result.output


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("no_such_package:find", "cannot be imported"),
        ("json:nothing", "has no nothing"),
        ("json:dumps", "does not take three arguments"),
        ("json:decoder", "is no function"),
        ("json", "must be a function of a package"),
        ("os:system:x", "must be a function of a package"),
    ],
)
def test_function_that_cannot_run_is_refused(tmp_path: Path, name: str, told: str) -> None:
    result = CliRunner().invoke(app, ["check", str(write_file(tmp_path, name))])

    assert result.exit_code == 2
    assert told in result.output

"""The command as a wheel installs it: its rooms, its entry point, and the files that its modules read beside them."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]
TEMPLATES = "from infra.stage.cloudformation.stacks import stage_stacks; print(len(stage_stacks('dev', ['staff'])))"
WEB_ACL = "from infra.stage.cloudformation.web_acl import WebAcl; print(bool(WebAcl().stack('dev').template))"
ANSWERS = "from infra.gateway.responses import load_gateway_responses; print(bool(load_gateway_responses()))"


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what the wheel of this project installs."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(build, cwd=PROJECT, check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "site")
    return folder / "site"


def run(installed: Path, *arguments: str) -> str:
    """Run Python on the installed files alone, away from the project; return what it prints."""
    # -P keeps the current folder out; the editable install of the project comes after PYTHONPATH.
    ran = subprocess.run(
        [sys.executable, "-P", *arguments],
        cwd=installed.parent,
        env={"PYTHONPATH": str(installed)},
        check=True,
        capture_output=True,
        text=True,
    )
    return ran.stdout


def test_wheel_has_each_file_of_the_command_and_the_application(installed: Path) -> None:
    found = [path for folder in ("infra", "chalicelib") for path in (PROJECT / folder).rglob("*") if path.is_file()]
    kept = [path.relative_to(PROJECT) for path in found if path.suffix != ".pyc"]

    # Templates of stacks, a tenant file, a page, a mail, the filter of breached passwords.
    assert {".yaml", ".html", ".css", ".txt", ".fuse"} <= {path.suffix for path in kept}
    assert [path for path in kept if not (installed / path).exists()] == []
    assert "gatehouse = infra.cli.main:main" in next(installed.glob("*.dist-info/entry_points.txt")).read_text()


def test_installed_command_finds_its_files(installed: Path) -> None:
    demo = installed / "infra" / "local" / "demo-tenant.yaml"

    assert run(installed, "-c", "import infra; print(infra.__file__)").startswith(str(installed))
    assert run(installed, "-m", "infra.cli.main", "check", str(demo)).startswith(f"{demo}: fine\n")
    assert "new.yaml is written." in run(installed, "-m", "infra.cli.main", "new", "new.yaml")
    assert run(installed, "-c", TEMPLATES) == "3\n"
    assert run(installed, "-c", WEB_ACL) == "True\n"
    assert run(installed, "-c", ANSWERS) == "True\n"

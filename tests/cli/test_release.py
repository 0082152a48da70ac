"""A release: a wheel that needs no clone, a source package, an SBOM, checksums; and the workflows that make it."""

import json
import os
import re
import subprocess
import tarfile
import tomllib
import zipfile
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from tests.support.local_run import environment, local_run

PROJECT = Path(__file__).parents[2]
VERSION = tomllib.loads((PROJECT / "pyproject.toml").read_text("utf-8"))["project"]["version"]
WHEEL, SOURCES = f"gatehouse-{VERSION}-py3-none-any.whl", f"gatehouse-{VERSION}.tar.gz"
SBOM = f"gatehouse-{VERSION}.cdx.json"
WORKFLOWS = sorted((PROJECT / ".github" / "workflows").glob("*.yml"))
TARGETS = set(re.findall(r"^([a-z][a-z-]*):", (PROJECT / "Makefile").read_text("utf-8"), re.MULTILINE))

pytestmark = pytest.mark.xdist_group("release")


def make(*words: str) -> subprocess.CompletedProcess[str]:
    """Run make, with the set-up taken for done, so that it installs nothing."""
    alone = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    line = ["make", "--silent", "--assume-old=.venv/.installed", *words]
    return subprocess.run(line, cwd=PROJECT, env=alone, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist") / "dist"
    ran = make("dist", f"DIST={folder}")
    assert (ran.returncode, ran.stderr) == (0, "")
    return folder


@pytest.fixture(scope="module")
def installed(dist: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, unpacked as an installer does; what it requires is this environment's."""
    folder = tmp_path_factory.mktemp("installed")
    zipfile.ZipFile(dist / WHEEL).extractall(folder)  # noqa: S202 (it is our own)
    return folder


def run(installed: Path, folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    line = [str(PROJECT / ".venv" / "bin" / "python"), "-m", "infra.cli.main", *words]
    wide = environment(installed) | {"COLUMNS": "200"}
    return subprocess.run(line, cwd=folder, env=wide, capture_output=True, text=True, check=False)


def test_wheel_serves_a_first_token_in_an_empty_folder(installed: Path, tmp_path: Path) -> None:
    login = {
        "grant_type": "password",
        "client_id": "demo-backend",
        "client_secret": "demo-backend-secret",
        "username": "alice",
        "password": "correct horse battery staple",
        "audience": "https://api.example.com/timesheets",
    }
    with local_run(tmp_path, sources=installed) as served:
        answer = httpx.post(f"{served.url}oauth/token", data=login, timeout=30)

    assert str(installed) in served.output
    assert answer.status_code == 200
    assert answer.json()["access_token"].count(".") == 2


def test_wheel_writes_and_checks_a_tenant_file(installed: Path, tmp_path: Path) -> None:
    assert run(installed, tmp_path, "new", "mine.yaml").returncode == 0

    assert run(installed, tmp_path, "check", "mine.yaml").returncode == 0


def test_deployment_from_a_wheel_names_what_it_needs(installed: Path, tmp_path: Path) -> None:
    ran = run(installed, tmp_path, "deploy", "--stage", "dev")

    assert ran.returncode == 2
    assert "source package" in ran.stderr + ran.stdout
    assert "Traceback" not in ran.stderr


def test_source_package_has_whatever_a_deployment_needs(dist: Path) -> None:
    with tarfile.open(dist / SOURCES) as sources:
        names = {name.partition("/")[2] for name in sources.getnames()}

    assert {"app.py", ".chalice/config.json", ".chalice/policy-prod.json", "requirements.txt", "Makefile"} <= names
    assert not [name for name in names if name.startswith((".venv", ".git/", "node_modules")) or "__pycache__" in name]


def test_two_builds_have_the_same_bytes(dist: Path, tmp_path: Path) -> None:
    assert make("dist", f"DIST={tmp_path}").returncode == 0

    assert (tmp_path / "SHA256SUMS").read_text("utf-8") == (dist / "SHA256SUMS").read_text("utf-8")


def test_checksums_hold_for_each_file(dist: Path) -> None:
    subprocess.run(["sha256sum", "--check", "--strict", "SHA256SUMS"], cwd=dist, check=True, capture_output=True)

    listed = {line.split()[1] for line in (dist / "SHA256SUMS").read_text("utf-8").splitlines()}
    assert listed == {WHEEL, SOURCES, SBOM}


def test_sbom_names_each_locked_package_of_the_command(dist: Path) -> None:
    sbom = json.loads((dist / SBOM).read_text("utf-8"))
    locked = re.findall(
        r"^([\w.-]+)==(\S+)", (PROJECT / "infra/requirements-command.txt").read_text("utf-8"), re.MULTILINE
    )

    assert (sbom["bomFormat"], sbom["metadata"]["component"]["version"]) == ("CycloneDX", VERSION)
    assert {(one["name"], one["version"]) for one in sbom["components"]} == set(locked)


@pytest.fixture
def changelog(tmp_path: Path) -> Path:
    """A changelog with a section of this version, and nothing that waits for another."""
    path = tmp_path / "CHANGELOG.md"
    path.write_text(f"# Changelog\n\n## Unreleased\n\n## {VERSION} - 2026-11-27\n\n### Added\n\n- All.\n", "utf-8")
    return path


def test_tag_of_another_version_is_no_release(changelog: Path) -> None:
    assert make("require-version", f"CHANGELOG={changelog}", "TAG=v0.0.0").returncode == 2
    assert make("require-version", f"CHANGELOG={changelog}", f"TAG=v{VERSION}").returncode == 0


def test_version_without_a_section_is_no_release(changelog: Path) -> None:
    changelog.write_text("# Changelog\n\n## Unreleased\n", "utf-8")

    assert make("require-version", f"CHANGELOG={changelog}", f"TAG=v{VERSION}").returncode == 2


def test_changes_of_no_version_are_no_release(changelog: Path) -> None:
    # The wheel would hold them, and its notes would not.
    text = changelog.read_text("utf-8")
    changelog.write_text(text.replace("## Unreleased\n", "## Unreleased\n\n### Fixed\n\n- One.\n"), "utf-8")
    ran = make("require-version", f"CHANGELOG={changelog}", f"TAG=v{VERSION}")

    assert (ran.returncode, "Unreleased" in ran.stdout) == (2, True)


def test_clean_removes_whatever_the_targets_made() -> None:
    removed = make("--dry-run", "clean").stdout.split()

    assert {".venv", ".venv-oldest", ".venv-policies", "build", "dist"} <= {path.strip('"') for path in removed}


@pytest.mark.parametrize("page", ["README.md", "docs/run/local.md"])
def test_page_names_the_wheel_of_this_version(page: str) -> None:
    assert set(re.findall(r"gatehouse-\S+?\.whl", (PROJECT / page).read_text("utf-8"))) == {WHEEL}


def test_notes_are_this_versions_alone() -> None:
    notes = make("notes").stdout

    assert notes.startswith(f"## {VERSION} ")
    assert notes.count("\n## ") == 0


def steps(workflow: Path) -> list[dict[str, Any]]:
    return [step for job in yaml.safe_load(workflow.read_text("utf-8"))["jobs"].values() for step in job["steps"]]


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_workflow_runs_what_the_makefile_has(workflow: Path) -> None:
    lines = [step["run"].split() for step in steps(workflow) if "run" in step]
    targets = {next(word for word in words[1:] if not word.startswith("-")) for words in lines if words[0] == "make"}

    assert [words[0] for words in lines if words[0] not in (".ci/run", "make", "gh")] == []
    assert [".ci/run"] in lines
    assert targets <= TARGETS


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_workflow_may_read_and_a_release_alone_may_write(workflow: Path) -> None:
    read = yaml.safe_load(workflow.read_text("utf-8"))
    jobs = {name: job.get("permissions") for name, job in read["jobs"].items()}

    assert read["permissions"] == {"contents": "read"}
    assert jobs == ({"release": {"contents": "write"}} if workflow.stem == "release" else {"check": None})


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_workflow_pins_each_action_by_its_commit(workflow: Path) -> None:
    # A tag can be moved to other code, which would run beside the token that writes releases.
    actions = [step["uses"] for step in steps(workflow) if "uses" in step]

    assert actions
    assert [action for action in actions if not re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40}", action)] == []


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_workflow_leaves_no_token_beside_the_sources(workflow: Path) -> None:
    checkouts = [step for step in steps(workflow) if step.get("uses", "").startswith("actions/checkout@")]

    assert [step["with"] for step in checkouts] == [{"persist-credentials": False}]

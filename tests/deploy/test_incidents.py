"""docs/run/deploy.md, then two incident pages, in a fresh copy of the sources: a shell gets each line as it stands."""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.deploy.conftest import COMMANDS, LIMIT_S, ON_ONE_WORKER, PROJECT, TOOLS, Project, serving_aws

pytestmark = ON_ONE_WORKER

INCIDENTS = PROJECT / "docs" / "run" / "incidents"


@pytest.fixture
def clone(project: Project, tmp_path: Path) -> Iterator[Project]:
    """The sources with the tenant file of docs/run/deploy.md, before an empty AWS."""
    root, folder = tmp_path / "project", tmp_path / "aws"
    shutil.copytree(project.root, root, ignore=shutil.ignore_patterns("deployed", "deployments", "package"))
    shutil.copyfile(root / "infra" / "local" / "demo-tenant.yaml", root / "my-tenant.yaml")
    folder.mkdir()
    with serving_aws(folder) as aws:
        yield replace(project, root=root, aws=aws)


def shell(clone: Project, *lines: str) -> str:
    """Run lines in one shell, where `gatehouse` is the clone's, and return what they printed."""
    command = f'gatehouse() {{ "{clone.python}" -m infra.cli.main "$@"; }}'
    ours = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "GATEHOUSE_"))}
    ran = subprocess.run(
        ["sh", "-euc", "\n".join((command, *lines))],
        cwd=clone.root,
        env=ours | clone.aws.environment(TOOLS),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


def lines_of(page: str) -> list[str]:
    return re.findall(r"^ {4}(\S.+)$", (INCIDENTS / f"{page}.md").read_text("utf-8"), re.MULTILINE)


def kids(clone: Project) -> set[str]:
    return {key["kid"] for key in json.loads(shell(clone, "gatehouse keys list --stage dev --json"))}


def test_deployment_and_two_incidents_succeed_word_for_word(clone: Project) -> None:
    shell(clone, *COMMANDS)
    rotated = shell(clone, *lines_of("client-secret"))
    before = kids(clone)
    leaked = min(before)
    shell(clone, *(line.replace("KID", leaked) for line in lines_of("signing-key")))

    assert re.search(r"[\w-]{43}", rotated)
    assert kids(clone) & before == before - {leaked}

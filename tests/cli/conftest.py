"""The command on moto, run as an operator runs it."""

import itertools
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from click import unstyle
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.kms.models import kms_backends
from typer.testing import CliRunner

from infra.cli.main import app
from infra.cli.options import console
from infra.local.emulated_aws import REGION, local_aws
from infra.stage.aws import Stage, reach
from infra.stage.provision import up
from infra.tenant.file import load
from tests.support.tenant_documents import small_document, write

# Wide enough for any table; what an 80-column terminal shows is a test of its own.
WIDE = 250
_BORDERS = re.compile("[\u2500-\u257f]")
_numbers = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Ran:
    """The result of a command."""

    code: int
    out: str
    err: str

    @property
    def rows(self) -> list[list[str]]:
        """The lines that it printed, each as its words, without the borders of tables."""
        lines = (_BORDERS.sub(" ", line).split() for line in self.out.splitlines())
        return [words for words in lines if words]


@dataclass(frozen=True, slots=True)
class Gatehouse:
    """The command, on one stage. directory: where its tenant files are written."""

    stage: Stage
    directory: Path

    def run(self, *arguments: str, typed: str | None = None, columns: int = WIDE) -> Ran:
        """Run the command; typed: standard input. What it does not handle is raised here."""
        environment = {"GATEHOUSE_STAGE": self.stage.name, "COLUMNS": str(columns)}
        # This console is made at import, and keeps the COLUMNS of then, where there were any.
        console.width = columns
        result = CliRunner().invoke(app, arguments, input=typed, env=environment, catch_exceptions=False)
        return Ran(result.exit_code, unstyle(result.stdout), unstyle(result.stderr))

    def up(self, document: dict[str, Any], *options: str) -> Ran:
        """Run `gatehouse up` with this tenant."""
        return self.run("up", write(self.directory, document), *self.listed(), *options)

    def apply(self, document: dict[str, Any], *options: str) -> Ran:
        """Run `gatehouse apply` with this tenant."""
        return self.run("apply", write(self.directory, document), *self.listed(), *options)

    def listed(self) -> tuple[str, str]:
        """Return the option that names a project which has this stage."""
        folder = self.directory / ".chalice"
        folder.mkdir(exist_ok=True)
        stages = {self.stage.name: {"api_gateway_stage": "api"}}
        (folder / "config.json").write_text(json.dumps({"app_name": "gatehouse", "stages": stages}))
        return "--project", str(self.directory)

    def provision(self, document: dict[str, Any]) -> Ran:
        """Make the stage, and return what `gatehouse apply` said."""
        up(self.stage, load(Path(write(self.directory, document))))
        applied = self.apply(document)
        assert (applied.code, applied.err) == (0, "")
        return applied


@pytest.fixture(scope="session")
def aws() -> Iterator[Stage]:
    """AWS in this process, beside what the other tests have there, and the clients that reach it."""
    with local_aws():
        yield reach("none")


@pytest.fixture
def gatehouse(aws: Stage, tmp_path: Path) -> Iterator[Gatehouse]:
    """The command, on a stage that does not exist yet. Its keys end with it: `up` looks at each key of the account."""
    stage, keys = replace(aws, name=f"stage{next(_numbers)}"), kms_backends[DEFAULT_ACCOUNT_ID][REGION].keys
    yield Gatehouse(stage, tmp_path)
    for key in [key for key in keys.values() if f"Gatehouse {stage.name}: " in key.description]:
        del keys[key.id]


@pytest.fixture
def own(gatehouse: Gatehouse) -> Gatehouse:
    """The command, on a stage of its own that has the small tenant."""
    gatehouse.provision(small_document())
    return gatehouse


@pytest.fixture
def shared(stage: Stage, tmp_path: Path) -> Gatehouse:
    """The command, on the stage that the tests share."""
    return Gatehouse(stage, tmp_path)


@pytest.fixture
def key() -> str:
    """A word that the people of no other test of an import have."""
    return f"moved{next(_numbers)}x"

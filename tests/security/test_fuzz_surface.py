"""The whole surface, fuzzed as `make fuzz` does, for seconds: docs/use/openapi.yaml against a running server."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.fuzz.__main__ import DOCUMENT, RULES, Fuzz, find_unreached, fuzz
from tests.support.local_run import LocalProcess, local_run

pytestmark = pytest.mark.xdist_group("fuzz")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalProcess]:
    with local_run(tmp_path_factory.mktemp("run"), "--rules", RULES) as run:
        yield run


def document_of_health(directory: Path, status: str, told: str) -> Path:
    """Return the document with nothing but GET /health, which tells of this status in `told`'s place."""
    document = yaml.safe_load(DOCUMENT.read_text("utf-8"))
    operation = document["paths"]["/health"]["get"]
    operation["responses"] = {
        told if name == status else name: answer for name, answer in operation["responses"].items()
    }
    document["paths"] = {"/health": {"get": operation}}
    path = directory / "openapi.yaml"
    path.write_text(yaml.safe_dump(document), "utf-8")
    return path


def test_running_server_answers_every_request_as_the_document_says(run: LocalProcess, tmp_path: Path) -> None:
    code, tally = fuzz(run.url, Fuzz(examples=5, seed=1), tmp_path)

    assert code == 0
    assert find_unreached(DOCUMENT, tally) == []


def test_answer_that_the_document_does_not_tell_of_fails_the_run(run: LocalProcess, tmp_path: Path) -> None:
    untold = document_of_health(tmp_path, status="200", told="201")

    code, tally = fuzz(run.url, Fuzz(examples=1, seed=1, document=untold), tmp_path)

    assert code == 1
    assert "health 201" in find_unreached(untold, tally)

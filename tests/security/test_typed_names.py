"""Traces of a typed identifier: people type their password into the field of the name."""

import hashlib
from collections.abc import Iterator

import pytest

from chalicelib import wiring
from infra.stage.aws import Stage
from infra.tenant.schema import TenantFile
from tests.support.stages import client_of, provision_stage

TYPED = "Correct Horse typed as a name"


@pytest.fixture(scope="module")
def stages(stage: Stage, demo: TenantFile) -> tuple[Stage, Stage]:
    return provision_stage("typed1", demo), provision_stage("typed2", demo)


def left_by(stage: Stage, externals: wiring.Externals) -> Iterator[str]:
    """Yield the log and the tables after the name was typed until it was blocked."""
    with client_of(stage, externals) as http:
        for _ in range(11):
            http.login(username=TYPED, password="wrong")
        yield str(http.log)
    for table in ("attempts", "sessions"):
        yield str(stage.clients.dynamodb.scan(TableName=f"{stage.prefix}{table}")["Items"])


def test_name_that_nobody_has_cannot_be_found_again_by_hashing_guesses(
    stages: tuple[Stage, Stage], externals: wiring.Externals
) -> None:
    guesses = [one.encode() for one in (TYPED, TYPED.casefold())]
    digests = [hashlib.new(name, one).hexdigest()[:16] for name in ("sha256", "sha1", "md5") for one in guesses]

    for left in left_by(stages[0], externals):
        assert "name:" in left or "attempts" not in left
        assert not [digest for digest in digests if digest in left]
        assert TYPED.casefold() not in left.casefold()


def test_log_names_a_typed_name_alike_in_one_stage_and_otherwise_in_another(
    stages: tuple[Stage, Stage], externals: wiring.Externals
) -> None:
    named = []
    for stage in (stages[0], stages[0], stages[1]):
        with client_of(stage, externals) as http:
            http.login(username=TYPED, password="wrong")
            named.append(http.log[-1]["user"])

    assert named[0] == named[1] != named[2]
    assert all(one.startswith("name:") and len(one) == len("name:") + 16 for one in named)

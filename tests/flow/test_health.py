"""/health: what the last call to each dependency gave, through HTTP."""

import pytest

from chalicelib import wiring
from chalicelib.http.routes import Services
from chalicelib.settings import Settings
from chalicelib.store.aws.calls import Aws
from infra.stage.aws import Stage
from tests.support.faults import aws_error, failing
from tests.support.fixed import BCRYPT_COST, ISSUER
from tests.support.http import Http


@pytest.fixture
def services(stage: Stage, externals: wiring.Externals) -> Services:
    """A process that has called nothing yet, whatever ran in this one before."""
    return wiring.build(
        Settings(stage.name, ISSUER, BCRYPT_COST), Aws(stage.aws.caller, stage.aws.messenger), externals
    )


def test_dependencies_that_answer_are_well(http: Http) -> None:
    http.login()
    response = http.get("/health")

    assert response.status_code == 200
    assert response.json() == {"status": "ok", "dependencies": {"dynamodb": "ok", "kms": "ok"}}
    assert response.headers["Cache-Control"] == "no-store"


def test_refused_condition_is_no_failure(http: Http) -> None:
    for _ in range(11):
        http.login(username="nobody in health", password="wrong")

    assert http.get("/health").json()["dependencies"]["dynamodb"] == "ok"


def test_failing_dependency_is_told_by_the_failures_name_until_it_is_well(http: Http, stage: Stage) -> None:
    with failing(stage, "Sign", aws_error("DisabledException")):
        http.login()

    assert http.get("/health").json() == {
        "status": "degraded",
        "dependencies": {"dynamodb": "ok", "kms": "sign: DisabledException"},
    }
    http.login()
    assert http.get("/health").json()["status"] == "ok"

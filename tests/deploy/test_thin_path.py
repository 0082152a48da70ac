"""The deployed zip on the thin path to AWS, by TLS with AWS's names: without the endpoint that the other tests set."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from tests.deploy.conftest import ON_ONE_WORKER, Deployment, at, function_of, gateway_of
from tests.deploy.logins import SECRET_LOGIN
from tests.support.lambda_runtime import running
from tests.support.server import serving

pytestmark = ON_ONE_WORKER

CALLER = "thin"


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("thin") / "function.log"


@pytest.fixture(scope="module")
def thin_site(deployment: Deployment, unpacked: Path, python: Path, log: Path) -> Iterator[httpx.Client]:
    deployed = function_of(deployment, unpacked, "gatehouse-dev", CALLER)
    variables = {name: value for name, value in deployed.environment.items() if name != "AWS_ENDPOINT_URL"}
    trusting = variables | {"SSL_CERT_FILE": str(deployment.aws.authorities), "HOME": "/nowhere"}
    function = replace(deployed, environment=trusting)
    with (
        running(function, python, log, deployment.aws.tls_port) as environment,
        serving(gateway_of(deployment, environment)) as port,
        at(port) as client,
    ):
        yield client


def test_deployed_zip_serves_a_login_on_the_thin_path(
    thin_site: httpx.Client, deployment: Deployment, log: Path
) -> None:
    answer = thin_site.post("/oauth/token", data=SECRET_LOGIN)

    assert answer.status_code == 200, answer.text
    assert {call["action"] for call in deployment.aws.calls(CALLER)} >= {"dynamodb:UpdateItem", "kms:Sign"}
    events = [json.loads(line)["event"] for line in log.read_text("utf-8").splitlines() if line.startswith("{")]
    assert events == ["sepft"]

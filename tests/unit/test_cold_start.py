"""A cold start: what a process imports for its first login, and what it is made to be before that."""

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path
from urllib.parse import urlencode

import pytest

from chalicelib.cold_start import choose_processor
from infra.gateway.proxy_event import GatewayStage, HttpRequest, proxy_event
from infra.local.emulated_aws import CREDENTIALS
from infra.stage.aws import Stage
from tests.support.fixed import BCRYPT_COST, ISSUER
from tests.support.http import ALICE, BACKEND, TIMESHEETS
from tests.support.lambda_runtime import RUNTIME_ENVIRONMENT
from tests.support.slow_link import moto_server, serve_wsgi

PROJECT = Path(__file__).parents[2]
# Lambda's processors, of which this test's machine may have fewer. Prints the one that is chosen.
FINISH = """
import os
os.getpid, os.sched_getaffinity = lambda: 11, lambda _: {2, 3, 6}
os.sched_setaffinity = lambda pid, chosen: print(pid, chosen)
from chalicelib import cold_start
cold_start.finish(lambda: None)
"""
# What KMS's signature and a password do not need. The second factors' packages, and those that verify and seal.
UNNEEDED = {"argon2", "asyncio", "cffi", "cryptography", "jwt", "phonenumbers", "pyotp", "segno"}
FORM = "application/x-www-form-urlencoded"
# Serves the event of its input. Prints the log, then the answer's status and the modules that were imported.
SERVE = """
import json, sys
from app import app
answer = app(json.load(sys.stdin), None)
print(json.dumps([answer["statusCode"], list(sys.modules)]))
"""


def printed(code: str, event: object = None, **environment: str) -> str:
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=PROJECT,
        env=environment,
        input=json.dumps(event),
        text=True,
        capture_output=True,
        check=True,
    ).stdout


def login() -> dict[str, object]:
    """Return API Gateway's event of a login by password."""
    body = urlencode({"grant_type": "password", "audience": TIMESHEETS, **ALICE, **BACKEND}).encode()
    headers = (("content-type", FORM), ("content-length", str(len(body))))
    request = HttpRequest("a-request", "POST", "/oauth/token", "", headers, body, "192.0.2.44", "https", 443)
    return proxy_event(request, "/oauth/token", {}, GatewayStage("dev", "/dev", "api.example.com", "abc"))


def test_login_in_a_fresh_process_imports_nothing_that_it_does_not_need(stage: Stage) -> None:
    lambdas = {**RUNTIME_ENVIRONMENT, **CREDENTIALS, "AWS_LAMBDA_FUNCTION_NAME": "gatehouse-test"}
    settings = {"GATEHOUSE_STAGE": stage.name, "GATEHOUSE_ISSUER": ISSUER, "GATEHOUSE_BCRYPT_COST": str(BCRYPT_COST)}
    with serve_wsgi(moto_server()) as url:
        lines = printed(SERVE, login(), **lambdas, **settings, AWS_ENDPOINT_URL=url).splitlines()
    logged, (status, modules) = json.loads(lines[-2]), json.loads(lines[-1])

    assert status == 200
    assert UNNEEDED & {name.partition(".")[0] for name in modules} == set()
    # No login sends an email, and most people have a bcrypt.
    rare = ("chalicelib.mails", "chalicelib.passwords.foreign")
    assert [name for name in modules if name.startswith(rare)] == []
    assert (logged["event"], logged["function"], logged["cold_start"]) == ("sepft", "gatehouse-test", 1)
    assert {one["Namespace"] for one in logged["_aws"]["CloudWatchMetrics"]} == {"Gatehouse"}


def test_processes_that_share_processors_spread_over_them() -> None:
    chosen = Counter(choose_processor({3, 2, 6}, pid) for pid in range(100, 130))

    assert chosen == {2: 10, 3: 10, 6: 10}


@pytest.mark.parametrize("pid", [1, 8, 4_194_303])
def test_single_processor_is_every_processs(pid: int) -> None:
    assert choose_processor({0}, pid) == 0


def test_function_stays_on_the_processor_of_its_pid() -> None:
    assert printed(FINISH, AWS_LAMBDA_FUNCTION_NAME="gatehouse-test") == "0 {6}\n"


def test_process_elsewhere_is_held_to_no_processor() -> None:
    assert printed(FINISH) == ""

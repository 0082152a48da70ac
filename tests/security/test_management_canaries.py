"""No secret of a request to the Management API, or of its answer, is in a log line; each change leaves a line."""

import itertools
import json
from typing import Any

import pytest

from infra.stage.aws import Stage
from infra.stage.second_factors import SecondFactors
from tests.support.audit import audit_lines
from tests.support.clients import make_client
from tests.support.faults import aws_error, failing
from tests.support.management import SECRET, Backend
from tests.support.people import PeopleMaker

OPERATIONS = ["GetItem", "BatchGetItem", "UpdateItem", "PutItem", "Query", "Scan", "TransactWriteItems", "Decrypt"]
_numbers = itertools.count(1)


def canary() -> str:
    return f"canary words {next(_numbers)} 6f1d0c2e"


def use_secrets(backend: Backend, stage: Stage, people: PeopleMaker) -> set[str]:
    """Send each request that takes or gives a secret, rightly and wrongly; return the secrets."""
    user, client = people.make("customers"), make_client(stage, secret=SECRET)
    factors = SecondFactors.of(stage, "customers")
    enrolled = factors.enroll(factors.find_session(user.user_id))["secret"]
    passwords = [canary() for _ in range(4)]
    number, path = next(_numbers), f"/users/{user.user_id}"
    new = {"connection": "customers", "email": f"canary{number}@example.com", "password": passwords[0]}
    bodies: list[tuple[str, str, Any]] = [
        ("POST", "/users", new),
        ("POST", "/users", {**new, "password": passwords[1], "surplus": passwords[1]}),
        ("PATCH", path, {"password": passwords[2]}),
        ("PATCH", path, {"password": [passwords[3]]}),
        ("PATCH", path, {passwords[3]: passwords[3]}),
    ]
    for method, target, body in bodies:
        backend.send(method, target, json=body)
    backend.send("PATCH", path, content=f"password={passwords[3]}")
    backend.send("GET", "/users", params={"q": f"name:{passwords[3]}"})
    given = [
        backend.send("POST", f"{path}/recovery-code-regeneration"),
        backend.send("POST", f"/clients/{client}/rotate-secret"),
        backend.send("POST", "/tickets/password-change", json={"user_id": user.user_id}),
        backend.send("POST", "/tickets/email-verification", json={"user_id": user.user_id}),
    ]
    told = [answer.json() for answer in given]
    found = [str(one.get(name, "")) for one in told for name in ("recovery_code", "client_secret", "ticket")]
    secrets = {one.rpartition("=")[2] for one in found if one}
    return {*passwords, *secrets, *backend.client.values(), backend.token, enrolled} - {backend.client["client_id"]}


def test_no_secret_of_a_request_is_in_the_log(
    backend: Backend, stage: Stage, people: PeopleMaker, capfd: pytest.CaptureFixture[str]
) -> None:
    secrets = use_secrets(backend, stage, people)

    printed = capfd.readouterr()
    hunted = json.dumps([backend.http.log, audit_lines(stage)]) + printed.out + printed.err
    assert len(secrets) >= 4 + 4 + 2
    assert [one for one in secrets if one in hunted] == []
    changes = [line for line in backend.http.log if line.get("event") == "sapi"]
    assert len(changes) == 6
    assert all(line["client_id"] == backend.client["client_id"] and line["action"] for line in changes)


@pytest.mark.parametrize("operation", OPERATIONS)
def test_no_secret_of_a_request_is_in_the_log_of_a_failure(
    backend: Backend, stage: Stage, people: PeopleMaker, capfd: pytest.CaptureFixture[str], operation: str
) -> None:
    assert backend.token
    crash = RuntimeError(canary())
    secrets = set[str]()
    for number, failure in itertools.product(range(6), (crash, aws_error("InternalServerError"))):
        user = people.make("customers")
        password, other = canary(), canary()
        secrets |= {password, other}
        new = {"connection": "customers", "email": f"canary{next(_numbers)}@example.com", "password": password}
        with failing(stage, operation, failure, range(number, 1000)):
            backend.send("POST", "/users", json=new)
            backend.send("PATCH", f"/users/{user.user_id}", json={"password": other, "blocked": True})
            backend.send("POST", "/tickets/password-change", json={"user_id": user.user_id})

    printed = capfd.readouterr()
    hunted = json.dumps(backend.http.log) + printed.out + printed.err
    assert [one for one in {*secrets, str(crash), backend.token, SECRET} if one in hunted] == []

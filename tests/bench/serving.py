"""Run the serving process, send it requests, and read their costs."""

import json
import os
import subprocess
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlencode

from infra.gateway.proxy_event import GatewayStage, HttpRequest, proxy_event
from infra.local.emulated_aws import CREDENTIALS
from tests.bench.people import COST
from tests.bench.set_up import BUILD, PROJECT, RULES, STAGE
from tests.support.elsewhere import words
from tests.support.fake_aws.process import StubProcess
from tests.support.lambda_runtime import RUNTIME_ENVIRONMENT

HOST = "abcdefghij.execute-api.eu-west-1.amazonaws.com"
API = GatewayStage(STAGE, f"/{STAGE}", HOST, "abcdefghij")
HEADERS = {"accept": "application/json", "host": HOST, "user-agent": "python-requests/2.32"}
FORM, JSON = "application/x-www-form-urlencoded", "application/json"


@dataclass(frozen=True, slots=True)
class BenchRequest:
    """One HTTP request. source_ip: as API Gateway sees it. status: of the expected answer.

    path: with the query. form: the body, or json. resource: the path of the route, if its last segments differ.
    """

    method: str
    path: str
    form: Mapping[str, str] = field(default_factory=dict, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    source_ip: str = "203.0.113.7"
    status: int = 200
    resource: str = ""
    json: Mapping[str, Any] | None = None

    def event(self) -> dict[str, Any]:
        """Return API Gateway's event for this request."""
        kind = {"content-type": JSON} if self.json else {"content-type": FORM} if self.form else {}
        body = json.dumps(self.json).encode() if self.json else urlencode(self.form).encode()
        path, _, query = self.path.partition("?")
        headers, origin = tuple({**HEADERS, **kind, **self.headers}.items()), (self.source_ip, "https", 443)
        request = HttpRequest(str(uuid.uuid4()), self.method, path, query, headers, body, *origin)
        resource = self.resource or path
        pairs = zip(resource.split("/"), path.split("/"), strict=True)
        return proxy_event(request, resource, {ours[1:-1]: unquote(one) for ours, one in pairs if ours != one}, API)


@dataclass(frozen=True, slots=True)
class MeasuredAnswer:
    """One answer and its cost. process_cpu_s: the process's CPU seconds since its start."""

    status: int
    body: dict[str, Any] = field(repr=False)
    cpu_s: float
    wall_s: float
    process_cpu_s: float


class UnexpectedAnswer(Exception):
    """The function answered with another status than the expected one."""


@dataclass(frozen=True, slots=True)
class Serving:
    """One process that serves. began: when it was started, in seconds of the monotonic clock."""

    process: subprocess.Popen[str]
    began: float

    def serve(self, ask: BenchRequest) -> MeasuredAnswer:
        """Return the answer to one request. Raises UnexpectedAnswer for another status than the expected one."""
        reply = self._reply({"event": ask.event()})
        answer = reply.pop("answer")
        if answer["statusCode"] != ask.status:
            raise UnexpectedAnswer(f"{ask.method} {ask.path}: {answer['statusCode']} {answer['body']}")
        # A text is no part of any later request.
        is_json = answer["body"].startswith("{")
        return MeasuredAnswer(ask.status, json.loads(answer["body"]) if is_json else {}, **reply)

    def hash(self, stored: str) -> MeasuredAnswer:
        """Return the cost of one bcrypt: check a password against a stored hash."""
        return MeasuredAnswer(0, {}, **self._reply({"bcrypt": stored}), process_cpu_s=0)

    def do_anchor(self) -> MeasuredAnswer:
        """Return the cost of the anchor: a fixed amount of Python's work."""
        return MeasuredAnswer(0, {}, **self._reply({"anchor": True}), process_cpu_s=0)

    def rss_bytes(self) -> int:
        """Return the process's resident set in bytes."""
        return int(self._reply({})["rss_bytes"])

    def _reply(self, request: Mapping[str, Any]) -> dict[str, Any]:
        if self.process.stdin is None or self.process.stdout is None:
            raise AssertionError("both are pipes")
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        reply: dict[str, Any] = json.loads(self.process.stdout.readline())
        return reply


@contextmanager
def serving(python: Path, aws: StubProcess, bcrypt_cost: int = COST, rule_packages: str = "") -> Iterator[Serving]:
    """Run a serving process until the block ends, on the fake of AWS."""
    program, log = PROJECT / "tests" / "bench" / "function.py", BUILD / "function.log"
    command = words(str(python), aws.tls_port, str(program), str(log))
    began = time.monotonic()
    with subprocess.Popen(
        command,
        cwd=BUILD / "task",
        env=environment(aws, bcrypt_cost) | {"RULE_PACKAGES": rule_packages},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield Serving(process, began)
        finally:
            process.kill()


def environment(aws: StubProcess, bcrypt_cost: int) -> dict[str, str]:
    """Return the environment of the deployed function, which trusts the authority of the fake."""
    return {
        **RUNTIME_ENVIRONMENT,
        **CREDENTIALS,
        "PATH": os.environ["PATH"],
        "PYTHONPATH": f"{BUILD / 'task'}:{RULES}",
        "AWS_REGION": CREDENTIALS["AWS_DEFAULT_REGION"],
        "SSL_CERT_FILE": str(aws.authorities),
        "AWS_LAMBDA_FUNCTION_NAME": f"gatehouse-{STAGE}",
        "GATEHOUSE_STAGE": STAGE,
        "GATEHOUSE_BCRYPT_COST": str(bcrypt_cost),
        "GATEHOUSE_EMAIL_FROM": "login@example.com",
    }

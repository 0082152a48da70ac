"""Run a deployment zip without AWS: by AWS's own runtime client, in an interpreter that has only boto3.

A package that the zip lacks is missing here as on AWS, though the environment of the tests has it.
"""

import fcntl
import hashlib
import json
import os
import queue
import shutil
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from infra.deploy.deploy import OLDEST_RUNTIME
from infra.gateway.app import LambdaContext
from tests.support import elsewhere
from tests.support.lifeline import words
from tests.support.limits import WAIT_S

PRESENT = ("awslambdaric", "boto3")
RUNTIME_ENVIRONMENT = {"LANG": "en_US.UTF-8", "TZ": ":UTC", "PYTHONDONTWRITEBYTECODE": "1", "PYTHONNOUSERSITE": "1"}


class RuntimeFailed(Exception):
    """The runtime ended, or never started, before it answered."""


@dataclass(frozen=True, slots=True)
class Function:
    """The parts of a deployed function. root: the unpacked zip. timeout_s: as deployed."""

    name: str
    handler: str
    root: Path
    environment: Mapping[str, str]
    timeout_s: float


class RuntimeApi(ThreadingHTTPServer):
    """The Runtime API of one execution environment: one invocation at a time. Source: AWS's "Lambda runtime API"."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.invocations: queue.Queue[tuple[str, bytes]] = queue.Queue()
        self.answers: queue.Queue[bytes] = queue.Queue()


class _Handler(BaseHTTPRequestHandler):
    server: RuntimeApi
    protocol_version = "HTTP/1.1"
    # Without these two each answer waits 40 ms for an acknowledgement, twice.
    disable_nagle_algorithm = True
    wbufsize = -1

    def do_GET(self) -> None:
        """Answer with the next invocation, as soon as there is one."""
        request_id, event = self.server.invocations.get()
        self._reply(
            200, event, {"Lambda-Runtime-Aws-Request-Id": request_id, "Lambda-Runtime-Deadline-Ms": _deadline()}
        )

    def do_POST(self) -> None:
        """Take the function's answer, or its error."""
        self.server.answers.put(self.rfile.read(int(self.headers["Content-Length"])))
        self._reply(202, b"{}", {})

    def log_message(self, *_: object) -> None:
        """Log nothing."""

    def _reply(self, status: int, body: bytes, headers: Mapping[str, str]) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", "Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


def _deadline() -> str:
    return str(int((time.time() + WAIT_S) * 1000))


@dataclass(frozen=True, slots=True)
class Environment:
    """One execution environment of a function, with the process that runs it."""

    api: RuntimeApi
    process: subprocess.Popen[bytes]
    limit_s: float
    lock: threading.Lock

    def invoke(self, event: Mapping[str, Any], context: LambdaContext) -> object:
        """Return the handler's answer, or Lambda's description of its error. Raises RuntimeFailed."""
        with self.lock:
            self.api.invocations.put((str(uuid.uuid4()), json.dumps(event).encode()))
            deadline = time.monotonic() + self.limit_s
            while time.monotonic() < deadline:
                try:
                    return json.loads(self.api.answers.get(timeout=0.2))
                except queue.Empty:
                    if self.process.poll() is not None:
                        raise RuntimeFailed(f"the runtime ended with {self.process.returncode}") from None
        raise RuntimeFailed(f"no answer within {self.limit_s} s")


@contextmanager
def running(function: Function, python: Path, log: Path, aws_port: int = 0) -> Iterator[Environment]:
    """Run a function until the block ends. log: the file for its output, in place of CloudWatch.

    aws_port: the local port that serves AWS's names by TLS; 0 changes no connection.
    """
    api = RuntimeApi()
    threading.Thread(target=api.serve_forever, daemon=True).start()
    environment = {
        **RUNTIME_ENVIRONMENT,
        "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{api.server_port}",
        "AWS_LAMBDA_FUNCTION_NAME": function.name,
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "LAMBDA_TASK_ROOT": str(function.root),
        "PYTHONPATH": str(function.root),
        **function.environment,
    }
    command, pipe = words(str(python), "awslambdaric", function.handler), subprocess.PIPE
    if aws_port:
        command = elsewhere.words(str(python), aws_port, *command[2:])
    with (
        log.open("wb") as output,
        subprocess.Popen(
            command, cwd=function.root, env=environment, stdin=pipe, stdout=output, stderr=subprocess.STDOUT
        ) as process,
    ):
        try:
            yield Environment(api, process, function.timeout_s + WAIT_S, threading.Lock())
        finally:
            process.kill()
            api.shutdown()
            api.server_close()


def runtime_python(cache: Path, pins: Path, base: str = sys.executable) -> Path:
    """Return an interpreter with only Lambda's packages, in the pinned versions; it is made once, and kept in cache.

    base: the interpreter whose version it gets.
    """
    return _environment(cache, "lambda-runtime", base, ("--constraints", str(pins), *PRESENT))


def deploying_python(cache: Path, pins: Path, base: str) -> Path:
    """Return an interpreter with the tools' packages, in the pinned versions; it is made once, and kept in cache."""
    return _environment(cache, "deploying", base, ("--require-hashes", "-r", str(pins)))


def deployable_python() -> str:
    """Return the newest interpreter of this machine whose version AWS creates functions for.

    Raises RuntimeFailed if there is none: the deployment cannot be tested then.
    """
    names = [shutil.which(f"python3.{minor}") for minor in (13, 12)]
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    found = [sys.executable, *filter(None, names), *(str(one) for one in sorted(pyenv.glob("3.1[23].*/bin/python")))]
    usable = (python for python in found if _version(python) >= OLDEST_RUNTIME)
    python = next(usable, None)
    if python is None:
        raise RuntimeFailed(
            "The deployment tests need Python 3.12 or 3.13 on this machine, beside the one that runs them."
        )
    return python


def _version(python: str) -> tuple[int, ...]:
    code = "import sys; print(*sys.version_info[:2])"
    run = subprocess.run([python, "-c", code], capture_output=True, text=True, check=False)
    return tuple(int(part) for part in run.stdout.split()) if run.returncode == 0 else ()


def _environment(cache: Path, name: str, base: str, packages: tuple[str, ...]) -> Path:
    pins = [Path(word).read_bytes() for word in packages if word.endswith(".txt")]
    versions = b"".join([base.encode(), " ".join(packages).encode(), *pins])
    directory = cache / f"{name}-{hashlib.sha256(versions).hexdigest()[:16]}"
    python, complete = directory / "bin" / "python", directory / "complete"
    cache.mkdir(exist_ok=True)
    with (cache / f"{name}.lock").open("w") as lock:
        # Two runs of the tests may make it at once.
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not complete.exists():
            _uv("venv", "--clear", "--python", base, str(directory))
            _uv("pip", "install", "--python", str(python), *packages)
            complete.touch()
    return python


def _uv(*arguments: str) -> None:
    subprocess.run([sys.executable, "-m", "uv", "--quiet", *arguments], check=True)

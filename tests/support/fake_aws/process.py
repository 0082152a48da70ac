"""Run the fake of AWS in a process of its own, for measurements, and control it."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from infra.local.emulated_aws import use_own_environment
from tests.support.lifeline import words
from tests.support.local_run import PROJECT


@dataclass(frozen=True, slots=True)
class Call:
    """One AWS call. began, ended: seconds of one clock. size_bytes: of both bodies."""

    operation: str
    began: float
    ended: float
    size_bytes: int


@dataclass(frozen=True, slots=True)
class StubProcess:
    """The process of the fake."""

    url: str

    def control(self, **settings: Any) -> list[Call]:
        """Set hold_s, population or is_recording. Return the calls that were recorded before."""
        answer = httpx.post(f"{self.url}/control", json=settings).json()
        return [Call(**call) for call in answer["calls"]]


@contextmanager
def stub() -> Iterator[StubProcess]:
    """Run the fake until the block ends, and send this process's AWS calls to it."""
    command, pipe = words(sys.executable, "tests.support.fake_aws.server"), subprocess.PIPE
    environment = os.environ | {"PYTHONPATH": str(PROJECT)}
    with subprocess.Popen(command, cwd=PROJECT, env=environment, stdin=pipe, stdout=pipe, text=True) as process:
        try:
            url = f"http://127.0.0.1:{process.stdout.readline().strip() if process.stdout else ''}"
            use_own_environment()
            os.environ["AWS_ENDPOINT_URL"] = url
            yield StubProcess(url)
        finally:
            process.kill()

"""Run the fake of AWS in a process of its own, for measurements, and control it."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx

from infra.local.emulated_aws import use_own_environment
from tests.support.fake_aws.units import Units
from tests.support.lifeline import words
from tests.support.local_run import PROJECT

NO_UNITS = Units()


@dataclass(frozen=True, slots=True)
class Call:
    """One AWS call. began, ended: seconds of one clock. size_bytes: of both bodies. units: DynamoDB's."""

    operation: str
    began: float
    ended: float
    size_bytes: int
    units: Units = NO_UNITS


@dataclass(frozen=True, slots=True)
class StubProcess:
    """The process of the fake. tls_port: serves AWS's names. authorities: the file of the authority behind them."""

    url: str
    tls_port: int
    authorities: Path

    def control(self, **settings: Any) -> list[Call]:
        """Set hold_s, population, is_forgetting or is_recording, or close connections (closes_connections).

        Return the calls that were recorded before.
        """
        answer = httpx.post(f"{self.url}/control", json=settings).json()
        return [Call(**call | {"units": Units(*call["units"])}) for call in answer["calls"]]


@contextmanager
def stub() -> Iterator[StubProcess]:
    """Run the fake until the block ends, and send this process's AWS calls to it."""
    environment, pipe = os.environ | {"PYTHONPATH": str(PROJECT)}, subprocess.PIPE
    with TemporaryDirectory() as folder:
        authorities = Path(folder) / "authorities.pem"
        command = words(sys.executable, "tests.support.fake_aws.server", str(authorities))
        with subprocess.Popen(command, cwd=PROJECT, env=environment, stdin=pipe, stdout=pipe, text=True) as process:
            try:
                yield _reach(process, authorities)
            finally:
                process.kill()


def _reach(process: subprocess.Popen[str], authorities: Path) -> StubProcess:
    """Return the fake once it serves; this process's AWS calls go to it from now on."""
    port, tls_port = (process.stdout.readline() if process.stdout else "").split()
    use_own_environment()
    os.environ["AWS_ENDPOINT_URL"] = url = f"http://127.0.0.1:{port}"
    return StubProcess(url, int(tls_port), authorities)

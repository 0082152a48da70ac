"""Tests that are killed leave no server running: each ends when the process that started it does."""

import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from tests.support.held_server import KINDS
from tests.support.limits import WAIT_S
from tests.support.local_run import PROJECT, environment


def ended_with(starter: subprocess.Popen[str]) -> tuple[int, list[psutil.Process]]:
    """Kill a process; return how many others it had started, and which of them run on."""
    servers = psutil.Process(starter.pid).children(recursive=True)
    starter.kill()
    starter.wait(WAIT_S)
    _, alive = psutil.wait_procs(servers, timeout=WAIT_S)
    return len(servers), alive


@pytest.mark.parametrize("kind", KINDS)
def test_server_ends_with_the_process_that_started_it(tmp_path: Path, kind: str) -> None:
    command = [sys.executable, "-m", "tests.support.held_server", kind, str(tmp_path)]
    with subprocess.Popen(command, cwd=PROJECT, env=environment(), stdout=subprocess.PIPE, text=True) as starter:
        assert starter.stdout
        assert starter.stdout.readline() == "held\n"

        assert ended_with(starter) == (1, [])

"""A cold start: what a process is made to be before its first request."""

import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from chalicelib.cold_start import choose_processor

PROJECT = Path(__file__).parents[2]
# Lambda's processors, of which this test's machine may have fewer. Prints the one that is chosen.
FINISH = """
import os
os.getpid, os.sched_getaffinity = lambda: 11, lambda _: {2, 3, 6}
os.sched_setaffinity = lambda pid, chosen: print(pid, chosen)
from chalicelib import cold_start
cold_start.finish(lambda: None)
"""


def printed(code: str, **environment: str) -> str:
    run = subprocess.run([sys.executable, "-c", code], cwd=PROJECT, env=environment, capture_output=True, check=True)
    return run.stdout.decode()


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

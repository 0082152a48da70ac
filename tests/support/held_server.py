"""Run a server of the tests until this process is killed: `python -m tests.support.held_server KIND DIRECTORY`."""

import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from tests.support.fake_aws.process import stub
from tests.support.lambda_runtime import Function, running
from tests.support.local_run import local_run
from tests.support.server import start_server

HELD_S = 3600


def _lambda(directory: Path) -> AbstractContextManager[Any]:
    (directory / "handler.py").write_text("def handle(event, context): return {}\n", "utf-8")
    function = Function("held", "handler.handle", directory, {}, 3)
    return running(function, Path(sys.executable), directory / "log.txt")


KINDS: dict[str, Callable[[Path], AbstractContextManager[Any]]] = {
    "local": local_run,
    "lambda": _lambda,
    "stub": lambda _: stub(),
    "server": lambda _: start_server(),
}

if __name__ == "__main__":
    with KINDS[sys.argv[1]](Path(sys.argv[2])):
        sys.stdout.write("held\n")
        sys.stdout.flush()
        time.sleep(HELD_S)

"""Run a module that serves, until its standard input ends: `python -P lifeline.py MODULE ARGUMENTS...`.

The tests hold the other end of that pipe, so the server ends when they end, even by SIGKILL.
This file imports nothing of ours, because it also runs in interpreters without our packages.
"""

import os
import runpy
import signal
import sys
import threading
from pathlib import Path

CHUNK_BYTES = 1024


def words(python: str, module: str, *arguments: str) -> list[str]:
    """Return the command that runs a module in this way. Its standard input must be a pipe."""
    # -P: the server must not import the modules beside this file.
    return [python, "-P", str(Path(__file__).resolve()), module, *arguments]


def end_with_input() -> None:
    """End this process as soon as its standard input ends."""
    threading.Thread(target=_wait_and_exit, daemon=True).start()


def _wait_and_exit() -> None:
    while os.read(0, CHUNK_BYTES):
        pass
    os._exit(1)


if __name__ == "__main__":
    end_with_input()
    # Whoever runs the tests in the background of a shell has them ignore it, and so this process too.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    del sys.argv[0]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)

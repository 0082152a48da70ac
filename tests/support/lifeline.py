"""Run a module that serves, until its standard input ends: `python -P lifeline.py MODULE ARGUMENTS...`.

The tests hold the other end of that pipe. However they end, by SIGKILL too, the server ends with them.
It also runs in interpreters that have nothing of ours, so this file imports nothing of ours.
"""

import os
import runpy
import sys
import threading
from pathlib import Path

CHUNK_BYTES = 1024


def words(python: str, module: str, *arguments: str) -> list[str]:
    """Return the command that runs a module so; its standard input has to be a pipe."""
    # -P: the modules beside this file are none of the server's.
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
    del sys.argv[0]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)

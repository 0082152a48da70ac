"""Run a program whose calls of AWS end at this machine: `python -P elsewhere.py PORT PROGRAM.py ARGUMENTS...`.

A name of AWS leads to that port, as a line of /etc/hosts would let it. Everything else is as it is deployed: the
program, its environment, and TLS with AWS's names, whose authority SSL_CERT_FILE has to name.
It also runs in interpreters that have nothing of ours, so this file imports nothing of ours.
"""

import socket
import sys
from pathlib import Path
from typing import Any

OF_AWS = ".amazonaws.com"


def words(python: str, port: int, program: str, *arguments: str) -> list[str]:
    """Return the command that runs a program so."""
    # -P: the modules beside this file are none of the program's.
    return [python, "-P", str(Path(__file__).resolve()), str(port), program, *arguments]


def lead(port: int) -> None:
    """Let this process's connections to AWS end at a port of this machine."""
    connect: Any = socket.create_connection

    def connect_here(address: tuple[str, int], *arguments: Any, **named: Any) -> Any:
        here = ("127.0.0.1", port) if address[0].endswith(OF_AWS) else address
        return connect(here, *arguments, **named)

    # The rest of the process finds it by this name.
    vars(socket)["create_connection"] = connect_here


if __name__ == "__main__":
    lead(int(sys.argv[1]))
    del sys.argv[:2]
    __file__ = sys.argv[0]
    # runpy would take some of the time that a cold start is measured by.
    exec(compile(Path(__file__).read_bytes(), __file__, "exec"))  # noqa: S102 (a program of the tests)

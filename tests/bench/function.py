"""The serving process: a deployed handler, called as Lambda calls it, that measures itself.

It runs in an interpreter that has the deployed zip and boto3 and no more, so it imports nothing of ours but the app.
Each line of its input is a request, each line of its output what it cost. What the app prints goes into the file that
its argument names.
"""

import json
import os
import sys
import time
from pathlib import Path
from typing import Any, TextIO

PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


def invoke(app: Any, event: dict[str, Any]) -> dict[str, Any]:
    """Call the handler; return its answer, its seconds of CPU and of the wall, and the CPU since the process began."""
    wall, cpu = time.perf_counter(), time.process_time()
    answer = app(event, None)
    cpu_s, wall_s = time.process_time() - cpu, time.perf_counter() - wall
    return {"answer": answer, "cpu_s": cpu_s, "wall_s": wall_s, "process_cpu_s": time.process_time()}


def check_bcrypt(stored: str) -> dict[str, Any]:
    """Hold a password against a stored bcrypt hash; return the seconds."""
    import bcrypt  # noqa: PLC0415 (a cold start must not pay for it before the app does)

    wall, cpu = time.perf_counter(), time.process_time()
    bcrypt.checkpw(b"correct horse battery staple", stored.encode())
    return {"cpu_s": time.process_time() - cpu, "wall_s": time.perf_counter() - wall}


def resident() -> dict[str, Any]:
    """Return the resident set of this process, in bytes."""
    return {"rss_bytes": int(Path("/proc/self/statm").read_text("ascii").split()[1]) * PAGE_BYTES}


def serve(lines: TextIO, replies: TextIO) -> None:
    """Answer until the input ends."""
    from app import app  # noqa: PLC0415 (its import is part of the cold start)

    for line in lines:
        asked = json.loads(line)
        if "event" in asked:
            reply = invoke(app, asked["event"])
        else:
            reply = check_bcrypt(asked["bcrypt"]) if "bcrypt" in asked else resident()
        replies.write(json.dumps(reply) + "\n")
        replies.flush()


if __name__ == "__main__":
    with os.fdopen(os.dup(1), "w") as output, Path(sys.argv[1]).open("w", buffering=1) as log:
        sys.stdout = log
        serve(sys.stdin, output)

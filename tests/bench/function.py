"""The serving process: call a deployed handler as Lambda does, and measure it.

Its interpreter has only the deployed zip and boto3, so this file imports nothing of ours but the app.
Each line of input is a request; each line of output is its answer and cost. The app's own output goes to the file
of the argument.
"""

import hashlib
import json
import os
import sys
import time
from pathlib import Path
from typing import Any, TextIO

PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
# They take a few milliseconds. With other numbers, the reference of tests/bench/fitness.py is another.
ANCHOR_TIMES, ANCHOR_FIELDS = 80, 60


def invoke(deployed: Any, event: dict[str, Any]) -> dict[str, Any]:
    """Call the handler of the event's path.

    Return its answer, its CPU and wall seconds, and the process's CPU seconds since its start.
    """
    handler = deployed.management if event["resource"].startswith("/api/v2/") else deployed.app
    wall, cpu = time.perf_counter(), time.process_time()
    answer = handler(event, None)
    cpu_s, wall_s = time.process_time() - cpu, time.perf_counter() - wall
    return {"answer": answer, "cpu_s": cpu_s, "wall_s": wall_s, "process_cpu_s": time.process_time()}


def check_bcrypt(stored: str) -> dict[str, Any]:
    """Check a password against a stored bcrypt hash; return the CPU and wall seconds."""
    import bcrypt  # noqa: PLC0415 (a cold start must not pay for it before the app does)

    wall, cpu = time.perf_counter(), time.process_time()
    bcrypt.checkpw(b"correct horse battery staple", stored.encode())
    return {"cpu_s": time.process_time() - cpu, "wall_s": time.perf_counter() - wall}


def do_anchor() -> dict[str, Any]:
    """Do a fixed amount of Python's work, which no change of Gatehouse touches; return the CPU and wall seconds."""
    wall, cpu = time.perf_counter(), time.process_time()
    for number in range(ANCHOR_TIMES):
        document = {f"name{field}": [number, str(field), {"digest": ""}] for field in range(ANCHOR_FIELDS)}
        text = json.dumps(document, sort_keys=True)
        document["whole"] = [len(text), hashlib.sha256(text.encode()).hexdigest(), json.loads(text)]
    return {"cpu_s": time.process_time() - cpu, "wall_s": time.perf_counter() - wall}


def resident() -> dict[str, Any]:
    """Return the resident set of this process, in bytes."""
    return {"rss_bytes": int(Path("/proc/self/statm").read_text("ascii").split()[1]) * PAGE_BYTES}


def reply_to(deployed: Any, request: dict[str, Any]) -> dict[str, Any]:
    """Return the reply to a request of the bench."""
    match request:
        case {"event": event}:
            return invoke(deployed, event)
        case {"bcrypt": stored}:
            return check_bcrypt(stored)
        case {"anchor": _}:
            return do_anchor()
    return resident()


def serve(lines: TextIO, replies: TextIO) -> None:
    """Answer until the input ends."""
    import app as deployed  # noqa: PLC0415 (its import is part of the cold start)

    for line in lines:
        request = json.loads(line)
        replies.write(json.dumps(reply_to(deployed, request)) + "\n")
        replies.flush()


if __name__ == "__main__":
    with os.fdopen(os.dup(1), "w") as output, Path(sys.argv[1]).open("w", buffering=1) as log:
        sys.stdout = log
        serve(sys.stdin, output)

"""Start a local run, the timesheets API and the trusted application on free ports: `make demo`.

It opens nothing by itself, prints the one URL to open, and stops everything on Ctrl-C, or when one of the three ends.
"""

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from examples.timesheets_api.app import AUDIENCE

CLIENT = {"CLIENT_ID": "demo-backend", "CLIENT_SECRET": "demo-backend-secret"}
URL = re.compile(r" on (http://\S+/)")
LOCAL_RUN = ("infra.cli.main", "local", "--port", "0")
STOP_WITHIN_S = 35
LOOK_EVERY_S = 0.2


class Died(Exception):
    """A part of the demo ended by itself. The message says which."""


@dataclass
class Part:
    """One process of the demo. name: as it is shown. url: where it serves, "" until it says so."""

    name: str
    process: "subprocess.Popen[str]"
    url: str = ""
    last_lines: list[str] = field(default_factory=list)
    ready: threading.Event = field(default_factory=threading.Event)

    def follow(self) -> None:
        """Read its lines until it ends, and show them once it serves."""
        for line in self.process.stdout or ():
            self.last_lines = [*self.last_lines[-9:], line.rstrip()]
            if self.ready.is_set():
                say(line.rstrip())
            elif found := URL.search(line):
                self.url = found[1]
                self.ready.set()
        self.ready.set()

    def wait(self) -> str:
        """Return its URL once it serves; raises Died if it does not."""
        self.ready.wait()
        if not self.url:
            raise Died(self.death())
        return self.url

    def death(self) -> str:
        """Return the sentence about its end."""
        said = "\n".join(self.last_lines)
        return f"{self.name} ended by itself, with exit code {self.process.wait()}, and so the demo ends.\n{said}"

    def stop(self) -> None:
        """Stop it, by force if it does not end."""
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(STOP_WITHIN_S)
        except subprocess.TimeoutExpired:
            self.process.kill()


def start(
    parts: list[Part], name: str, words: tuple[str, ...], settings: Mapping[str, str], shows: bool = False
) -> str:
    """Start a part in a session of its own, so that Ctrl-C reaches this process alone; return its URL."""
    process = subprocess.Popen(  # noqa: S603 (the words are our own)
        [sys.executable, "-m", *words],
        env={**os.environ, "PYTHONUNBUFFERED": "1", **settings},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    parts.append(Part(name, process))
    threading.Thread(target=parts[-1].follow, daemon=True).start()
    return parts[-1].wait()


def run(parts: list[Part]) -> None:
    """Start the three, say where they are, and wait until one of them ends. Raises Died."""
    issuer = start(parts, "Gatehouse", LOCAL_RUN, {})
    api = start(parts, "The timesheets API", ("examples.timesheets_api",), {"ISSUER": issuer})
    settings = {"ISSUER": issuer, "TIMESHEETS_URL": api, "DEMO_URL": issuer, "AUDIENCE": AUDIENCE, **CLIENT}
    url = start(parts, "The application", ("examples.trusted_app",), settings)
    say(f"Gatehouse, with its messages and people: {issuer}\nThe timesheets API: {api}")
    say(f"Open the demo on {url}  (Ctrl-C stops it)")
    while True:
        for part in parts:
            if part.process.poll() is not None:
                raise Died(part.death())
        time.sleep(LOOK_EVERY_S)


def say(text: str) -> None:
    """Print a text at once, in a pipe too."""
    print(text, flush=True)  # noqa: T201 (a program)


def main() -> int:
    """Run the demo, and return its exit code."""
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit())
    parts: list[Part] = []
    code = 0
    try:
        run(parts)
    except Died as died:
        say(str(died))
        code = 1
    except (KeyboardInterrupt, SystemExit):
        say("Stopped.")
    finally:
        for part in reversed(parts):
            part.stop()
    return code


if __name__ == "__main__":
    sys.exit(main())

"""Run `make demo`'s three processes for a test."""

import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from tests.support.lifeline import words
from tests.support.limits import WAIT_S
from tests.support.local_run import environment

PROJECT = Path(__file__).parents[2]
URL = re.compile(r"Open the demo on (http://\S+/)  \(Ctrl-C stops it\)")
GATEHOUSE = re.compile(r"Gatehouse, with its messages and people: (http://\S+/)")
API = re.compile(r"The timesheets API: (http://\S+/)")


@dataclass
class Demo:
    """A running demo. lines: what it printed so far."""

    process: "subprocess.Popen[str]"
    lines: list[str] = field(default_factory=list)
    _changed: threading.Condition = field(default_factory=threading.Condition)
    _ended: bool = False

    @property
    def output(self) -> str:
        """All that it printed so far."""
        return "\n".join(self.lines)

    @property
    def url(self) -> str:
        """The one URL to open."""
        return self._found(URL)

    @property
    def gatehouse(self) -> str:
        """The URL of Gatehouse."""
        return self._found(GATEHOUSE)

    @property
    def api(self) -> str:
        """The URL of the timesheets API."""
        return self._found(API)

    def wait_printed(self, pattern: "re.Pattern[str]") -> None:
        """Wait for a line that matches."""
        with self._changed:
            self._changed.wait_for(lambda: self._ended or pattern.search(self.output), WAIT_S)
        assert pattern.search(self.output), self.output

    def messages(self) -> list[dict[str, Any]]:
        """Return the messages that Gatehouse sent, newest first."""
        found: list[dict[str, Any]] = httpx.get(f"{self.gatehouse}_local/outbox", timeout=WAIT_S).json()
        return found

    def wait_end(self) -> int:
        """Wait for its end, and return the exit code."""
        code = self.process.wait(WAIT_S)
        with self._changed:
            assert self._changed.wait_for(lambda: self._ended, WAIT_S)
        return code

    def follow(self) -> None:
        """Read its output until it ends."""
        for line in self.process.stdout or ():
            self._note(line.rstrip("\n"))
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def _note(self, line: str) -> None:
        with self._changed:
            self.lines.append(line)
            self._changed.notify_all()

    def _found(self, pattern: "re.Pattern[str]") -> str:
        found = pattern.search(self.output)
        assert found, self.output
        return found[1]


@contextmanager
def demo_run() -> Iterator[Demo]:
    """Start the demo; yield it once it serves, and stop it."""
    started = words(sys.executable, "examples.demo")
    pipe = subprocess.PIPE
    with subprocess.Popen(
        started, cwd=PROJECT, env=environment(), stdin=pipe, stdout=pipe, stderr=subprocess.STDOUT, text=True
    ) as process:
        demo = Demo(process)
        threading.Thread(target=demo.follow, daemon=True).start()
        try:
            demo.wait_printed(URL)
            yield demo
        finally:
            process.terminate()
            process.wait(WAIT_S)

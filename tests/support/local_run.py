"""Run `gatehouse local` in a process of its own, as `make run` starts it."""

import os
import re
import signal
import subprocess
import sys
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from tests.support.lifeline import words
from tests.support.limits import WAIT_S

PROJECT = Path(__file__).parents[2]
_READY = re.compile(r"Gatehouse serves .+ on (https?://\S+/)  \(Ctrl-C stops it\)")


@dataclass
class LocalProcess:
    """A running `gatehouse local`. directory: its working directory. lines: the lines that it printed so far."""

    process: subprocess.Popen[str]
    directory: Path
    lines: list[str] = field(default_factory=list)
    _ended: bool = False
    _changed: threading.Condition = field(default_factory=threading.Condition)

    @property
    def url(self) -> str:
        """The URL that it serves, with the final slash, or "" before it serves."""
        found = (_READY.fullmatch(line) for line in self.lines)
        return next((match[1] for match in found if match), "")

    @property
    def output(self) -> str:
        """The lines that it printed so far, as one text."""
        return "\n".join(self.lines)

    @property
    def errors(self) -> str:
        """The text that it wrote to its error stream so far."""
        return (self.directory / "errors.txt").read_text("utf-8")

    @property
    def ca_file(self) -> str:
        """The authority that a run with --tls tells Python to trust."""
        (found,) = re.findall(r"export SSL_CERT_FILE='([^']+)'", self.output)
        return str(found)

    def wait_ready(self) -> None:
        """Wait until it serves."""
        with self._changed:
            self._changed.wait_for(lambda: self.url or self._ended, WAIT_S)
        assert self.url, f"It does not serve. {self.output}\n{self.errors}"

    def wait_printed(self, beginning: str) -> str:
        """Wait for a line that begins so, and return the first one."""
        with self._changed:
            self._changed.wait_for(lambda: self._ended or self._beginning(beginning), WAIT_S)
        assert self._beginning(beginning), f"It printed no such line. {self.output}\n{self.errors}"
        return self._beginning(beginning)[0]

    @contextmanager
    def request_lines(self) -> Iterator[list[str]]:
        """Yield a list that is filled, after the block, with the lines of the requests sent in it."""
        found: list[str] = []
        before = self._mark()
        yield found
        after = self._mark()
        found += self.lines[before + 1 : after]

    def stop(self, number: signal.Signals) -> int:
        """Send the signal, wait for the end of the output, and return the exit code."""
        self.process.send_signal(number)
        code = self.process.wait(WAIT_S)
        with self._changed:
            assert self._changed.wait_for(lambda: self._ended, WAIT_S)
        return code

    def follow(self) -> None:
        """Read its output until it ends."""
        assert self.process.stdout
        for line in self.process.stdout:
            with self._changed:
                self.lines.append(line.rstrip("\n"))
                self._changed.notify_all()
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def _beginning(self, text: str) -> list[str]:
        return [line for line in self.lines if line.startswith(text)]

    def _mark(self) -> int:
        """Request a unique path, and return the index of its line."""
        path = f"/mark-{uuid.uuid4()}"
        httpx.get(f"{self.url}{path[1:]}", verify=False, timeout=WAIT_S)  # noqa: S501 (it says nothing)
        with self._changed:
            assert self._changed.wait_for(lambda: self._indices(path), WAIT_S)
        return self._indices(path)[0]

    def _indices(self, path: str) -> list[int]:
        return [index for index, line in enumerate(self.lines) if line.startswith(f"GET {path} ")]


def environment(sources: Path = PROJECT) -> dict[str, str]:
    """Return this process's environment without the variables that configure a run. sources: where its code is."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "GATEHOUSE_"))}
    return ours | {"PYTHONPATH": str(sources)}


def command(*options: str) -> list[str]:
    """Return the command line of a local run."""
    return [sys.executable, "-m", "infra.cli.main", "local", *options]


@contextmanager
def local_run(directory: Path, *options: str, sources: Path = PROJECT) -> Iterator[LocalProcess]:
    """Run on a free port, in this directory; yield the run once it serves. Assert that it stops without an error."""
    pipe, served = subprocess.PIPE, words(sys.executable, "infra.cli.main", "local", "--port", "0", *options)
    with (
        (directory / "errors.txt").open("w", encoding="utf-8") as errors,
        subprocess.Popen(
            served, cwd=directory, env=environment(sources), stdin=pipe, stdout=pipe, stderr=errors, text=True
        ) as process,
    ):
        run = LocalProcess(process, directory)
        threading.Thread(target=run.follow, daemon=True).start()
        try:
            run.wait_ready()
            yield run
            code = run.stop(signal.SIGTERM) if process.poll() is None else process.returncode
        finally:
            process.kill()
    assert (code, run.lines[-1], run.errors) == (0, "Stopped.", "")

"""`make demo` as processes: one URL, a clean stop, and a word about what died."""

import os
import re
import signal
import socket
import subprocess
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import psutil
import pytest

from tests.support.demo_run import Demo, demo_run

PROJECT = Path(__file__).parents[2]
PARTS = ("infra.cli.main", "examples.timesheets_api", "examples.trusted_app")


def parts_of(demo: Demo) -> dict[str, psutil.Process]:
    """Return the processes of the demo, by their module."""
    children = psutil.Process(demo.process.pid).children(recursive=True)
    return {part: child for child in children for part in PARTS if part in child.cmdline()}


def is_served(url: str) -> bool:
    host, port = urlsplit(url).hostname, urlsplit(url).port
    with socket.socket() as probe:
        return probe.connect_ex((host, port)) == 0


def test_ctrl_c_stops_all_three() -> None:
    with demo_run() as demo:
        urls, parts = [demo.url, demo.api, demo.gatehouse], parts_of(demo)
        assert [is_served(url) for url in urls] == [True] * 3
        assert set(parts) == set(PARTS)
        demo.process.send_signal(signal.SIGINT)
        code = demo.wait_end()

    assert (code, demo.lines[-1]) == (0, "Stopped.")
    assert [is_served(url) for url in urls] == [False] * 3
    assert [part for part, process in parts.items() if process.is_running()] == []


@pytest.mark.parametrize(
    ("part", "name"),
    [(PARTS[0], "Gatehouse"), (PARTS[1], "The timesheets API"), (PARTS[2], "The application")],
)
def test_part_that_dies_is_named_and_ends_the_demo(part: str, name: str) -> None:
    with demo_run() as demo:
        parts = parts_of(demo)
        parts[part].kill()
        code = demo.wait_end()

    assert code == 1
    assert re.search(rf"^{name} ended by itself, with exit code -9, and so the demo ends\.$", demo.output, re.MULTILINE)
    assert [part for part, process in parts.items() if process.is_running()] == []


def test_one_url_is_printed_last_and_the_gatehouse_command_is_told() -> None:
    with demo_run() as demo:
        lines = list(demo.lines)
        pages = [httpx.get(url).status_code for url in (demo.url, demo.gatehouse)]

    assert lines[-1] == f"Open the demo on {demo.url}  (Ctrl-C stops it)"
    assert any(line.startswith("export AWS_ENDPOINT_URL=") for line in lines)
    assert pages == [200, 200]


def test_make_demo_starts_what_these_tests_start() -> None:
    line = ["make", "--dry-run", "--assume-old=.venv/.installed", "demo"]
    alone = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    ran = subprocess.run(line, cwd=PROJECT, env=alone, capture_output=True, text=True, check=True)

    assert ran.stdout.split() == [".venv/bin/python", "-m", "examples.demo"]

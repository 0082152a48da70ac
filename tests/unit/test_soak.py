"""The soak's own judgement: what it calls unexplained, and how it shows memory."""

import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from tests.soak.__main__ import Sample, Soak, drive, is_explained, memory_lines
from tests.support.server import serving


async def broken(scope: Any, receive: Callable[[], Awaitable[Any]], send: Callable[[Any], Awaitable[None]]) -> None:
    """A server that answers everything with 500."""
    await receive()
    await send({"type": "http.response.start", "status": 500, "headers": [(b"content-length", b"0")]})
    await send({"type": "http.response.body", "body": b""})


def test_answers_that_no_request_expects_are_listed_and_unexplained(tmp_path: Path) -> None:
    with serving(broken) as port:
        soak = Soak(f"http://127.0.0.1:{port}/", people=2, duration_s=2)
        measured, samples = drive(soak, os.getpid(), tmp_path)

    assert not is_explained(measured)
    assert all(error.endswith(": 500") for error in measured["unexplained"])
    assert sum(measured["unexplained"].values()) == sum(kind["requests"] for kind in measured["kinds"].values()) > 0
    assert len(samples) > 10


def test_run_without_any_answer_is_unexplained() -> None:
    assert not is_explained({"kinds": {}, "unexplained": {}})


def test_run_of_expected_answers_is_explained() -> None:
    assert is_explained({"kinds": {"login": {}}, "unexplained": {}})


def test_memory_is_shown_from_lowest_to_highest_and_by_minute() -> None:
    samples = [Sample(0, 100), Sample(30, 150), Sample(60, 200), Sample(119, 200)]

    assert memory_lines(samples) == ["100 MiB ▁▄██ 200 MiB", "MiB: 100 after 0 s, 200 after 60 s, 200 after 119 s"]


def test_memory_that_never_changes_is_a_flat_line() -> None:
    assert memory_lines([Sample(0, 100), Sample(1, 100)])[0] == "100 MiB ▁▁ 100 MiB"

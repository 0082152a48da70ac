"""One flow, set up."""

from collections.abc import Callable
from dataclasses import dataclass

import httpx

OFFLINE = "offline_access read:timesheets"


@dataclass(frozen=True)
class Case:
    """act: does the flow once.

    failed: checks what a failure left; it is told whether a write happened whose reply was lost. done: checks the
    flow's own answer, and what that left. anew: does it from its beginning, where the failure used the proof up.
    """

    act: Callable[[], httpx.Response]
    failed: Callable[[bool], None] = lambda _: None
    done: Callable[[httpx.Response], None] = lambda _: None
    anew: Callable[[], httpx.Response] | None = None

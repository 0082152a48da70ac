"""Make a cold start short, in Lambda alone: elsewhere, importing the app does not change the process."""

import gc
from collections.abc import Callable, Set
from contextlib import suppress

from chalicelib.settings import is_in_lambda


def begin() -> None:
    """Stop garbage collection until the start is over: imports make no garbage, and collecting takes a tenth of it."""
    if is_in_lambda():
        gc.disable()


def finish(services: Callable[[], object]) -> None:
    """Build the services, stay on one processor, and collect garbage from now on. services: builds and keeps them."""
    warm_up(services)
    if is_in_lambda():
        with suppress(OSError):
            _stay_on_one_processor()
        # The objects made so far stay, so later collections need not look at them.
        gc.freeze()
        gc.enable()


def warm_up(services: Callable[[], object]) -> None:
    """Build the services while Lambda starts the process: it has a whole processor then, and no request waits.

    A failure here is left to the first request, which can answer and log it.
    """
    if is_in_lambda():
        with suppress(Exception):
            services()


def _stay_on_one_processor() -> None:
    """Keep the threads of parallel calls together: Python runs one at a time, and each change of processor costs."""
    # Only Linux has these: Lambda does, other machines that import this module may not.
    from os import getpid, sched_getaffinity, sched_setaffinity  # noqa: PLC0415

    sched_setaffinity(0, {choose_processor(sched_getaffinity(0), getpid())})


def choose_processor(available: Set[int], pid: int) -> int:
    """Return the processor of a process. Processes that share several spread over them, by their pids."""
    return sorted(available)[pid % len(available)]

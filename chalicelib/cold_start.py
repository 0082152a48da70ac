"""Make a cold start short, in Lambda alone: elsewhere importing the app changes nothing of the process."""

import gc
from collections.abc import Callable
from contextlib import suppress

from chalicelib.settings import is_in_lambda


def begin() -> None:
    """Look for no garbage until the start is over: an import makes none, and looking takes a tenth of a cold start."""
    if is_in_lambda():
        gc.disable()


def finish(services: Callable[[], object]) -> None:
    """Build the services, stay on one processor, and look for garbage from now on. services: builds and keeps them."""
    warm_up(services)
    if is_in_lambda():
        with suppress(OSError):
            _stay_on_one_processor()
        # What was made so far stays: no later search need look at it.
        gc.freeze()
        gc.enable()


def warm_up(services: Callable[[], object]) -> None:
    """Build the services while Lambda starts the process, which has a whole processor then, and no request waiting.

    What fails here is left to the first request, which has an answer and a log line for it.
    """
    if is_in_lambda():
        with suppress(Exception):
            services()


def _stay_on_one_processor() -> None:
    """Keep the threads of parallel calls together: Python runs one at a time, and each change of processor costs."""
    # Linux has these, as Lambda does; not every machine that imports this module.
    from os import sched_getaffinity, sched_setaffinity  # noqa: PLC0415

    sched_setaffinity(0, {min(sched_getaffinity(0))})

"""Run the scheduled function of a local run at an interval, in place of EventBridge."""

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

logger = logging.getLogger(__name__)


@contextmanager
def every(seconds: float, act: Callable[[], object]) -> Iterator[None]:
    """Call act at this interval until the block ends. A call that is under way ends first.

    A failed call is logged, and the next one follows, as in Lambda.
    """
    ended = threading.Event()

    def repeat() -> None:
        while not ended.wait(seconds):
            try:
                act()
            except Exception:
                logger.exception("The scheduled function crashed.")

    thread = threading.Thread(target=repeat, name="schedule", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()

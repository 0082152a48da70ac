"""Call the function of the schedule in a local run every so often, in place of EventBridge."""

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

logger = logging.getLogger(__name__)


@contextmanager
def every(seconds: float, act: Callable[[], object]) -> Iterator[None]:
    """Act every so many seconds until the block ends, and let one that is under way end first.

    One that fails is logged, and the next one comes all the same, as in Lambda.
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

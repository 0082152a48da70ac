"""Run a team's code within a time, on a thread of its own."""

import threading
from collections.abc import Callable

# A function has 1024 threads at most. Code that hangs in C cannot be stopped, and a process serves for hours.
MAX_THREADS = 100


class OutOfTime(Exception):
    """The code ran past its time. It is interrupted."""


class TooManyThreads(Exception):
    """MAX_THREADS earlier runs still hang, so the code was not run."""


class _Interrupted(BaseException):
    """Raised inside code whose time is over. It is no Exception, so that the code's own handlers let it pass."""


def run_within(budget_s: float, name: str, work: Callable[[], None]) -> None:
    """Run work to its end; raises OutOfTime, TooManyThreads.

    budget_s: seconds. name: of the threads, and of their count. work: must keep what it returns or raises itself.
    """
    if [one.name for one in threading.enumerate()].count(name) >= MAX_THREADS:
        raise TooManyThreads
    thread = threading.Thread(target=work, daemon=True, name=name)
    thread.start()
    thread.join(budget_s)
    if thread.is_alive():
        _interrupt(thread)
        raise OutOfTime


def _interrupt(thread: threading.Thread) -> None:
    """Raise _Interrupted in a thread as soon as it runs Python again; a thread that hangs in C is left behind."""
    # The import takes longer than a login's rules do, and few processes ever need it.
    import ctypes  # noqa: PLC0415

    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread.ident or 0), ctypes.py_object(_Interrupted))

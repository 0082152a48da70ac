"""Which botocore the runtime has, and whether it is too old, without an import of botocore."""

import re
from importlib.machinery import PathFinder
from pathlib import Path

from chalicelib.settings import BadSettings

# The oldest that the fault tests run on (make faults-oldest): the runtime brings botocore, and lags behind.
OLDEST_BOTOCORE = "1.31.57"
_VERSION = re.compile(r"""^__version__ = ['"]([0-9]+\.[0-9]+\.[0-9]+)""", re.MULTILINE)


def find_botocore() -> str | None:
    """Return the version of the runtime's botocore, read from its source; None if there is none to read.

    It takes 0.3 ms. The standard library's importlib.metadata takes 28, and an import of botocore more.
    """
    spec = PathFinder.find_spec("botocore")
    if spec is None or spec.origin is None or not spec.origin.endswith(".py"):
        return None
    found = _VERSION.search(Path(spec.origin).read_text("utf-8"))
    return found[1] if found else None


def require_botocore(version: str) -> None:
    """Raise BadSettings for a version that is older than OLDEST_BOTOCORE."""
    if _numbers(version) < _numbers(OLDEST_BOTOCORE):
        raise BadSettings(
            f"botocore {version} of this runtime is older than {OLDEST_BOTOCORE}, the oldest that Gatehouse "
            "works with. Choose a newer runtime, or add botocore to requirements.txt."
        )


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in version.split(".")[:3])

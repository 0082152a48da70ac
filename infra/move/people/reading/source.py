"""The bytes of a file of people, or of standard input: unpacked if they are gzip, and counted as they are read."""

import gzip
import hashlib
import io
import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from infra.errors import OperatorError

STDIN = "-"
GZIP = b"\x1f\x8b"
BOM = b"\xef\xbb\xbf"
# So much of the beginning tells the layout.
HEAD_BYTES = 64 * 1024


class _Counted(io.RawIOBase):
    """A stream that counts the bytes that were read of it."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream, self.count = stream, 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "memoryview") -> int:  # type: ignore[override]
        # The base class takes any buffer; BufferedReader passes a memoryview.
        got = self._stream.read(len(buffer))
        buffer[: len(got)] = got
        self.count += len(got)
        return len(got)


class _Replayed(io.RawIOBase):
    """A stream whose beginning was read already."""

    def __init__(self, head: bytes, rest: io.BufferedIOBase) -> None:
        self._head, self._rest = memoryview(head), rest

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "memoryview") -> int:  # type: ignore[override]
        got = self._head[: len(buffer)] if self._head else self._rest.read(len(buffer))
        self._head = self._head[len(got) :]
        buffer[: len(got)] = got
        return len(got)


@dataclass(frozen=True, slots=True)
class Source:
    """An open source of people. head: its beginning, which stream has too. size_bytes: as packed; 0 if unknown."""

    stream: io.BufferedReader
    head: bytes
    size_bytes: int
    counted: _Counted

    @property
    def read_bytes(self) -> int:
        """How many bytes were read so far, as packed."""
        return self.counted.count


@contextmanager
def open_source(name: str) -> Iterator[Source]:
    """Yield the source of this name, `-` for standard input. Raises OperatorError if it cannot be read."""
    with ExitStack() as stack:
        try:
            raw = sys.stdin.buffer if name == STDIN else stack.enter_context(Path(name).open("rb"))
            size_bytes = 0 if name == STDIN else os.fstat(raw.fileno()).st_size
            counted = _Counted(raw)
            packed = io.BufferedReader(counted, HEAD_BYTES)
            plain: io.BufferedIOBase = gzip.GzipFile(fileobj=packed) if packed.peek(2)[:2] == GZIP else packed
            head = plain.read(HEAD_BYTES).removeprefix(BOM).lstrip()
            while not head and (more := plain.read(HEAD_BYTES)):
                head = more.lstrip()
        except (OSError, EOFError, ValueError) as error:
            problem = getattr(error, "strerror", None) or "it is damaged"
            raise OperatorError(f"{name}: cannot be read ({problem}).") from None
        rest: io.BufferedReader = io.BufferedReader(_Replayed(head, plain), HEAD_BYTES)
        yield Source(rest, head, size_bytes, counted)


def fingerprint(name: str) -> str:
    """Return the SHA-256 of a file, "" for standard input. Raises OperatorError if it cannot be read."""
    if name == STDIN:
        return ""
    try:
        with Path(name).open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except (OSError, ValueError) as error:
        problem = getattr(error, "strerror", None) or "bad path"
        raise OperatorError(f"{name}: cannot be read ({problem}).") from None

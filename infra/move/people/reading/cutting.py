"""Cut a JSON list into its rows as it is read. Each is parsed by itself, so one bad row spoils no other."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

# A person has at most 128 KiB of metadata, and an escape takes six characters.
MAX_ROW_BYTES = 1024 * 1024
# An escaped character of a text cannot end it. Its second byte may be the first one of the next chunk.
_MARKS = re.compile(rb'\\.?|["\[\]{},]', re.DOTALL)
_OPENING, _CLOSING = (b"[", b"{"), (b"]", b"}")
# What stands before the list, since the object began or since its member before.
_BEFORE = {1: re.compile(rb"\s*"), 2: re.compile(rb'\s*"users"\s*:\s*')}


@dataclass(slots=True, eq=False, repr=False)
class ListCutter:
    """Cuts one list. level: how deep its rows are: 1 for the whole text's, 2 for the member `users` of an object."""

    level: int
    has_begun: bool = False
    _depth: int = 0
    _is_inside: bool = False
    _is_in_text: bool = False
    _is_escaped: bool = False
    _is_long: bool = False
    _has_comma: bool = False
    _piece: bytearray = field(default_factory=bytearray)

    @property
    def is_whole(self) -> bool:
        """Whether the list was there, everything is closed, and nothing stands behind it."""
        return self.has_begun and not self._depth and not self._is_in_text and not self._piece.strip()

    def feed(self, chunk: bytes) -> Iterator[bytes | None]:
        """Yield the rows that end in this chunk, None for one that is too long."""
        begin, mark = 0, b""
        for found in _MARKS.finditer(chunk, int(self._is_escaped)):
            mark = found[0]
            if self._is_in_text or mark == b'"':
                self._is_in_text ^= mark == b'"'
            elif self._meets(mark, chunk[begin : found.start()]):
                yield from self._cut(chunk[begin : found.start()], mark)
                begin = found.end()
        self._is_escaped = self._is_in_text and mark == b"\\" and chunk.endswith(mark)
        self._keep(chunk[begin:])

    def _meets(self, mark: bytes, before: bytes) -> bool:
        """Count the depth, and return whether the bytes before the mark are a piece of their own."""
        if mark in _OPENING:
            self._depth += 1
            if self._depth == self.level and mark == b"[" and _BEFORE[self.level].fullmatch(self._piece + before):
                self._is_inside = self.has_begun = True
                return True
            return self._depth < self.level
        if mark in _CLOSING:
            self._depth -= 1
            return self._depth < self.level
        return self._depth == self.level if self._is_inside else self._depth < self.level

    def _cut(self, before: bytes, mark: bytes) -> Iterator[bytes | None]:
        self._keep(before)
        row, is_long = bytes(self._piece), self._is_long
        self._piece.clear()
        self._is_long = False
        if not self._is_inside or mark in _OPENING:
            return
        # The list may be empty.
        if mark == b"," or self._has_comma or is_long or row.strip():
            yield None if is_long else row
        self._has_comma = self._is_inside = mark == b","

    def _keep(self, piece: bytes) -> None:
        self._is_long = self._is_long or len(self._piece) + len(piece) > MAX_ROW_BYTES
        if self._is_long:
            self._piece.clear()
        else:
            self._piece += piece

"""Import people: read rows, make persons of them, write them in parallel, and settle them in order."""

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from typing import Any

from chalicelib.identifiers import spellings
from chalicelib.store.people.counts import shard_of
from infra.errors import OperatorError
from infra.move.people.ledger import Ledger
from infra.move.people.person import Person, PersonMaker
from infra.move.people.writing import TOGETHER, Outcome, Writer

# Transactions of one counter follow each other, those of others run beside them.
LANES = 8
MOST_RUNNING = 2 * LANES
# A row that waits for its transaction to fill holds back no more than so many others.
WINDOW_ROWS = 2_000
CHANGED = "The rows are not those that the interrupted import has read. Import the file anew, without --resume."


@dataclass(slots=True, eq=False, repr=False)
class Import:
    """One run. tell: called for each row that was read."""

    maker: PersonMaker
    writer: Writer
    ledger: Ledger
    tell: Callable[[], object] = lambda: None
    _full: dict[int, list[Person]] = field(default_factory=lambda: defaultdict(list))
    _running: dict[Future[list[Outcome]], list[Person]] = field(default_factory=dict)
    _busy: set[str] = field(default_factory=set)
    _lanes: list[ThreadPoolExecutor] = field(default_factory=list)

    def run(self, rows: Iterator[Any]) -> None:
        """Import the rows that are not settled yet; the state is stored whatever happens.

        Raises TemporarilyUnavailable if AWS fails for long, OperatorError for rows that changed.
        """
        self._lanes = [ThreadPoolExecutor(1) for _ in range(LANES)]
        try:
            self._read(rows)
            self._flush()
            self.ledger.checkpoint(is_finished=True)
        finally:
            for lane in self._lanes:
                lane.shutdown(cancel_futures=True)
            if not self.ledger.state.is_finished:
                self._settle([one for one in self._running if not one.cancelled() and not one.exception()])
                self.ledger.checkpoint()

    def _read(self, rows: Iterator[Any]) -> None:
        first, digest, number = self.ledger.state.settled, "", 0
        expected = self.ledger.state.digest
        for number, values in enumerate(rows, 1):
            digest = hashlib.blake2b(f"{digest}{values!r}".encode("utf-8", "replace"), digest_size=16).hexdigest()
            if number == first and digest != expected:
                raise OperatorError(CHANGED)
            if number > first:
                self.ledger.expect(number, digest)
                self._take(number, values)
            self.tell()
        if number < first:
            raise OperatorError(CHANGED)

    def _take(self, number: int, values: Any) -> None:
        made = self.maker.make(number, values)
        if not isinstance(made, Person):
            self.ledger.settle(Outcome(number, "failed", made))
            return
        keys = _keys(made)
        if not self._busy.isdisjoint(keys) or number - self.ledger.state.settled > WINDOW_ROWS:
            # Of two rows with the same name, the first one gets it.
            self._flush()
        self._busy |= keys
        shard = shard_of(made.user.user_id)
        self._full[shard].append(made)
        if len(self._full[shard]) == TOGETHER:
            self._send(shard)

    def _send(self, shard: int) -> None:
        people = self._full.pop(shard)
        self._running[self._lanes[shard % LANES].submit(self.writer.settle, people)] = people
        if len(self._running) >= MOST_RUNNING:
            self._settle(wait(self._running, return_when=FIRST_COMPLETED).done)

    def _flush(self) -> None:
        """Write all that is waiting, and wait for it."""
        for shard in tuple(self._full):
            self._send(shard)
        self._settle(wait(self._running).done)

    def _settle(self, done: Any) -> None:
        for one in tuple(done):
            outcomes = one.result()
            self._busy.difference_update(*map(_keys, self._running.pop(one)))
            self.ledger.settle(*outcomes)


def _keys(person: Person) -> set[str]:
    user = person.user
    names = {form for name in (user.username, user.email) if name for form in spellings(name)}
    return {f"user#{user.user_id}", *names}

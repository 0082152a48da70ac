"""Keep the outcome of each row, in the order of the rows: the counts, the report, and the state to resume from."""

import json
import os
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import BinaryIO

from infra.errors import OperatorError
from infra.move.people.writing import Outcome

CHECKPOINT_ROWS = 500


@dataclass(frozen=True, slots=True)
class State:
    """How far an import is: the rows up to `settled` are done. It holds no secret.

    fingerprint: of the file. digest: of the rows up to there. report_bytes: of the report up to there.
    """

    import_id: str
    stage: str
    realm: str
    form: str
    upserts: bool
    fingerprint: str
    settled: int = 0
    digest: str = ""
    inserted: int = 0
    updated: int = 0
    failed: int = 0
    report_bytes: int = 0
    is_finished: bool = False

    def is_of(self, other: "State") -> bool:
        """Return whether two states are of the same import of the same file."""
        names = ("stage", "realm", "form", "upserts", "fingerprint")
        return all(getattr(self, name) == getattr(other, name) for name in names)


def read_state(path: Path) -> State | None:
    """Return the state of a file, or None if there is none. Raises OperatorError."""
    try:
        stored = json.loads(path.read_text("utf-8"))
        return State(**{one.name: stored[one.name] for one in fields(State)})
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError):
        raise OperatorError(f"{path}: is no state of an import. Delete it to begin anew.") from None


def write_state(path: Path, state: State) -> None:
    """Write a state in one step: a reader sees the one before or this one. Raises OperatorError."""
    # Of the process, as another import of the same file may run.
    beside = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        with beside.open("w", encoding="utf-8") as file:
            file.write(json.dumps(asdict(state)))
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except OSError as error:
        raise OperatorError(f"{path}: cannot be written ({error.strerror}). Name another file: --state.") from None


@dataclass(slots=True, eq=False, repr=False)
class Ledger:
    """Takes outcomes in any order. keep: stores a state. report: the file of faults, or None."""

    state: State
    keep: Callable[[State], None]
    report: BinaryIO | None = None
    _waiting: dict[int, Outcome] = field(default_factory=dict)
    _digests: dict[int, str] = field(default_factory=dict)
    _kept: int = 0

    def expect(self, row: int, digest: str) -> None:
        """Note the digest of the rows up to one that will be settled."""
        self._digests[row] = digest

    def settle(self, *outcomes: Outcome) -> None:
        """Note what became of rows."""
        self._waiting |= {one.row: one for one in outcomes}
        while outcome := self._waiting.pop(self.state.settled + 1, None):
            self._write_faults(outcome)
            counted = {outcome.kind: getattr(self.state, outcome.kind) + 1}
            digest = self._digests.pop(outcome.row)
            self.state = replace(self.state, settled=outcome.row, digest=digest, **counted)
        if self.state.settled - self._kept >= CHECKPOINT_ROWS:
            self.checkpoint()

    def checkpoint(self, is_finished: bool = False) -> None:
        """Store the state of now."""
        if self.report:
            self.report.flush()
            self.state = replace(self.state, report_bytes=self.report.tell())
        self.state, self._kept = replace(self.state, is_finished=is_finished), self.state.settled
        self.keep(self.state)

    def _write_faults(self, outcome: Outcome) -> None:
        if self.report is None:
            return
        for fault in outcome.faults:
            line = {"row": outcome.row, "field": fault.field, "code": fault.code, "message": fault.message}
            self.report.write(json.dumps(line).encode() + b"\n")

"""The audit log: who changed what in a stage, in a log group of its own (docs/adr/0056)."""

import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TypeAlias

from chalicelib.errors import TemporarilyUnavailable
from chalicelib.model.clock import Clock, SystemClock
from chalicelib.store.aws.calls import Aws

# Values of an entry: names and ids, never a secret.
Whom: TypeAlias = Mapping[str, str | Sequence[str]]
DONE, FAILED = "done", "failed"
ID_BYTES = 8
# CloudWatch takes a line of 256 KB. One this long holds a whole plan, and no request has more.
MAX_TEXT = 200
MAX_LIST = 100


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One line. It stands twice: without a result before the change, and with one after it.

    who: the ARN of an operator, or a client_id. what: the command or the request. whom: what the change concerns.
    result: `done` or `failed`. error: the name of the failure. audit: joins both lines, and a request's log line.
    """

    who: str
    what: str
    whom: Whom
    result: str = ""
    error: str = ""
    audit: str = field(default_factory=lambda: secrets.token_hex(ID_BYTES))


@dataclass(slots=True, eq=False, repr=False)
class AuditLog:
    """Writes the audit log of a stage. stream: of this process."""

    aws: Aws
    stage: str
    clock: Clock = field(default_factory=SystemClock)
    stream: str = field(default_factory=lambda: f"{datetime.now(UTC):%Y/%m/%d}/{secrets.token_hex(ID_BYTES)}")
    _is_open: bool = False

    @property
    def group(self) -> str:
        """The name of the log group."""
        return audit_group(self.stage)

    def write(self, entry: AuditEntry) -> None:
        """Write one line. Raises TemporarilyUnavailable, also if CloudWatch takes the call and not the line."""
        self._open()
        event = {"timestamp": self.clock.now_ms(), "message": self._line(entry)}
        answer = self.aws.call("PutLogEvents", logGroupName=self.group, logStreamName=self.stream, logEvents=[event])
        if answer.get("rejectedLogEventsInfo"):
            # The clock of this machine is wrong by hours.
            raise TemporarilyUnavailable(reason="put_log_events: rejected")

    def _open(self) -> None:
        """Make the stream, once."""
        if self._is_open:
            return
        try:
            self.aws.call("CreateLogStream", logGroupName=self.group, logStreamName=self.stream)
        except TemporarilyUnavailable as failure:
            # The answer to a first try was lost: no other process has a stream of this name.
            if not failure.reason.endswith("ResourceAlreadyExistsException"):
                raise
        self._is_open = True

    def _line(self, entry: AuditEntry) -> str:
        whom = {name: _short(value) for name, value in entry.whom.items() if value}
        members = {
            "time": datetime.fromtimestamp(self.clock.now_ms() / 1000, UTC).isoformat(timespec="milliseconds"),
            "audit": entry.audit,
            "stage": self.stage,
            "who": entry.who,
            "what": entry.what,
            **whom,
            "result": entry.result,
            "error": entry.error,
        }
        return json.dumps({name: value for name, value in members.items() if value}, separators=(",", ":"))


def audit_group(stage: str) -> str:
    """Return the name of a stage's audit log group, as infra/stage/stage.yaml gives it."""
    return f"/gatehouse/{stage}/audit"


def _short(value: str | Sequence[str]) -> str | list[str]:
    if isinstance(value, str):
        return value if len(value) <= MAX_TEXT else f"{value[:MAX_TEXT]}..."
    texts = [str(_short(text)) for text in value[:MAX_LIST]]
    return texts if len(value) <= MAX_LIST else [*texts, f"and {len(value) - MAX_LIST} more"]

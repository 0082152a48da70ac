"""Write into a stage's audit log which command changes what: before the change, and how it ended after it.

Every command that changes a stage makes its change inside `auditing` (docs/adr/0056).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

import typer

from chalicelib.errors import TemporarilyUnavailable
from chalicelib.store.logs.audit import DONE, FAILED, AuditEntry, AuditLog
from infra.stage.aws import Stage, caller_arn


@dataclass(slots=True)
class Audited:
    """A change that is under way. whom: what it concerns, as far as is known; the result's line has all of it."""

    whom: dict[str, str | list[str]] = field(default_factory=dict)


@contextmanager
def auditing(stage: Stage, what: str, **whom: str | list[str]) -> Iterator[Audited]:
    """Write a line that names the operator and the command, run the block, and write a line with its result.

    what: the command's words. whom: names and ids of what the change concerns.
    Raises TemporarilyUnavailable before the block if the first line cannot be written: then nothing is changed.
    """
    log, audited = AuditLog(stage.aws, stage.name), Audited(dict(whom))
    entry = AuditEntry(caller_arn(), what, whom)
    log.write(entry)
    try:
        yield audited
    except BaseException as failure:
        _write_result(log, replace(entry, whom=audited.whom, result=FAILED, error=type(failure).__name__))
        raise
    _write_result(log, replace(entry, whom=audited.whom, result=DONE))


def _write_result(log: AuditLog, entry: AuditEntry) -> None:
    """Write how a change ended. It cannot be taken back any more, so a failure is said and ends nothing."""
    try:
        log.write(entry)
    except TemporarilyUnavailable as failure:
        typer.echo(f"The audit log lacks the result of this command ({entry.result}): {failure.reason}.", err=True)

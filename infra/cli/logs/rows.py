"""A log line as a row of a table: its time, what happened in words, and whom it concerns."""

from datetime import UTC, datetime
from typing import Any

from infra.stage.logs.reading import LogLine
from infra.tenant.log_codes import LOG_CODES

COLUMNS = ("time", "event", "what happened", "client", "user", "ip", "ms")


def row_of(line: LogLine) -> tuple[str, ...]:
    """Return the cells of a line."""
    members = line.members
    at = datetime.fromtimestamp(line.at_ms / 1000, UTC).strftime("%m-%d %H:%M:%S")
    names = ("client_id", "user", "source_ip", "ms")
    return at, str(members.get("event", "")), what_happened(members), *(str(members.get(name, "")) for name in names)


def what_happened(members: dict[str, Any]) -> str:
    """Return a line's outcome in words. A line of the audit log has who did what in place of a code."""
    if "who" in members:
        return f"{members.get('what', '')} by {members['who']}: {members.get('result', 'begins')}"
    words = LOG_CODES.get(str(members.get("event", "")), str(members.get("path", "")))
    why = str(members.get("reason") or members.get("action") or members.get("error") or "")
    return f"{words}: {why}" if words and why else words or why

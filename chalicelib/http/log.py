"""The one log line of each outcome."""

import json
import sys
import traceback
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from chalicelib.http.metrics import Metrics
from chalicelib.model.request import Outcome
from chalicelib.settings import function_name

MAX_FRAMES = 6
AWS_BY_BOTOCORE = "aws_by_botocore"
_metrics = Metrics(function_name())


def write_line(line: Mapping[str, Any]) -> None:
    """Write one JSON line to standard output, which is Lambda's log. There it has the metrics of a request."""
    sys.stdout.write(_metrics.add_to(json.dumps(line, separators=(",", ":")), line) + "\n")


def report_botocore(reason: str) -> None:
    """Write why botocore calls AWS, and not the thin path: a setting that makes each request dearer."""
    write_line(line(Outcome(AWS_BY_BOTOCORE, reason=reason)))


def line(outcome: Outcome, **more: Any) -> dict[str, Any]:
    """Return the log line of an outcome, without empty members."""
    time = datetime.now(UTC).isoformat(timespec="milliseconds")
    members = {name: getattr(outcome, name) for name in Outcome.__slots__} | more
    return {"time": time} | {name: value for name, value in members.items() if value not in ("", [])}


def crash_reason(crash: Exception) -> str:
    """Return the type and our frames of an exception, never its message, which may hold a secret."""
    frames = traceback.extract_tb(crash.__traceback__)
    ours = [frame for frame in frames if "chalicelib" in frame.filename][-MAX_FRAMES:] or frames[-1:]
    places = " < ".join(f"{frame.name}:{Path(frame.filename).name}:{frame.lineno}" for frame in reversed(ours))
    return f"{type(crash).__name__} in {places}"

"""The metrics of a request's log line, in CloudWatch's embedded metric format: CloudWatch reads them off the log."""

import json
from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any

NAMESPACE = "Gatehouse"
FUNCTION = "function"
DURATION = "ms"
COLD_START = "cold_start"
# Only a request's line has a duration.
UNITS = {
    DURATION: "Milliseconds",
    "aws_calls": "Count",
    COLD_START: "Count",
    "dynamodb_throttles": "Count",
    "kms_throttles": "Count",
}
# Beside the function. Each value of one makes a metric, which has its price: never a client, a realm or a user.
DIMENSIONS = ("event", "grant_type")
MEMBERS = (*UNITS, *DIMENSIONS)


class Metrics:
    """Adds the metrics to the lines of one process.

    function: Lambda's name of it, which is the first dimension; "" outside of Lambda, where lines stay as they are.
    """

    def __init__(self, function: str) -> None:
        self._members = f',"{FUNCTION}":{json.dumps(function)}' if function else ""
        self._cold_start = f',"{COLD_START}":1'

    def add_to(self, text: str, line: Mapping[str, Any]) -> str:
        """Return the JSON text of a log line with its metrics. A line of no request is returned unchanged."""
        if not self._members or DURATION not in line:
            return text
        cold_start, self._cold_start = self._cold_start, ""
        present = tuple(name for name in MEMBERS if name in line or (name == COLD_START and cold_start))
        timestamp_ms = int(datetime.fromisoformat(line["time"]).timestamp() * 1000)
        metadata = f',"_aws":{{"Timestamp":{timestamp_ms},"CloudWatchMetrics":{_directives(present)}}}}}'
        return text[:-1] + self._members + cold_start + metadata


@lru_cache
def _directives(present: tuple[str, ...]) -> str:
    """Return the JSON text of what CloudWatch makes of a line with these members; it has to name no other.

    The number of outcomes is the number of durations, CloudWatch's SampleCount: it needs no metric of its own.
    """
    whole = [{"Name": name, "Unit": unit} for name, unit in UNITS.items() if name in present]
    parts = [[FUNCTION, name] for name in DIMENSIONS if name in present]
    directives = [{"Namespace": NAMESPACE, "Dimensions": [[FUNCTION]], "Metrics": whole}]
    if parts:
        duration = {"Name": DURATION, "Unit": UNITS[DURATION]}
        directives.append({"Namespace": NAMESPACE, "Dimensions": parts, "Metrics": [duration]})
    return json.dumps(directives, separators=(",", ":"))

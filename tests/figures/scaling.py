"""Compute what a million requests cost: the table of docs/run/scaling.md.

`python -m tests.figures.scaling` writes it there. Units and CPU are those of the last run of the bench, prices AWS's
published ones; the assumptions stand below. tests/security/test_scaling.py holds the page to this.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parents[1] / "bench" / "results.json"
PAGE = Path(__file__).parents[2] / "docs" / "run" / "scaling.md"
BEGIN, END = "<!-- costs -->\n", "<!-- end of costs -->\n"
# US dollars in us-east-1, per million: requests of a REST API and of Lambda, DynamoDB's units on demand, calls of KMS
# by the key's type, GB-seconds of Lambda on x86; and per gigabyte of log.
API_REQUESTS, LAMBDA_REQUESTS, WRITES, READS = 3.50, 0.20, 0.625, 0.125
RSA_CALLS, ECC_CALLS, SYMMETRIC_CALLS = 3.0, 15.0, 3.0
LAMBDA_GB_S, LOG_GB = 16.6667, 0.50
# Assumed, not measured: a round of calls in AWS, and the log of a request, with the lines of Lambda itself.
ROUND_MS, LOG_KB = 8, 1.5
# The memory of stage prod, with which Lambda gives one processor.
MEMORY_GB = 1769 / 1024
REQUESTS = {"login, with TOTP": 2}
# Signatures, and calls with the symmetric data key, of a process that has served before.
KMS_CALLS = {
    "login, password": (1, 0),
    "login, with an ID token": (2, 0),
    "login, with a refresh token": (1, 0),
    "login, with TOTP": (1, 1),
    "wrong password": (0, 0),
    "refresh": (1, 0),
    "userinfo": (0, 0),
}


@dataclass(frozen=True, slots=True)
class Cost:
    """The cost of a million of a kind. requests: of HTTP for each. usd: by the signing key's algorithm."""

    kind: str
    requests: int
    cpu_ms: float
    read_units: int
    write_units: int
    kms_calls: int
    usd: dict[str, float]


def costs() -> Iterator[Cost]:
    """Yield the cost of each kind of request."""
    measured = {one["name"]: one for one in json.loads(RESULTS.read_text("utf-8"))["costs"]}
    for kind, (signatures, others) in KMS_CALLS.items():
        yield _cost(measured[kind], signatures, others)


def _cost(one: dict[str, Any], signatures: int, others: int) -> Cost:
    requests, (reads, writes) = REQUESTS.get(one["name"], 1), one["units"]
    cpu_ms = one["cpu_ms"]["median"]
    gb_s = (cpu_ms + one["rounds"] * ROUND_MS) / 1000 * MEMORY_GB
    plain = requests * (API_REQUESTS + LAMBDA_REQUESTS + LOG_KB * 1000 / 1e9 * 1e6 * LOG_GB) + gb_s * LAMBDA_GB_S
    plain += reads * READS + writes * WRITES + others * SYMMETRIC_CALLS
    usd = {"RS256": plain + signatures * RSA_CALLS, "ES256": plain + signatures * ECC_CALLS}
    return Cost(one["name"], requests, cpu_ms, reads, writes, signatures + others, usd)


def table() -> str:
    """Return the table of costs, in Markdown."""
    lines = [
        "| a million of | CPU, ms each | read + write units each | KMS calls each | USD, RS256 | USD, ES256 |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    for one in costs():
        money = " | ".join(f"{one.usd[alg]:.2f}" for alg in ("RS256", "ES256"))
        units = f"{one.read_units} + {one.write_units}"
        lines.append(f"| {one.kind} | {one.cpu_ms:.1f} | {units} | {one.kms_calls} | {money} |")
    return "\n".join(lines)


def write() -> None:
    """Write the table into the page."""
    before, _, rest = PAGE.read_text("utf-8").partition(BEGIN)
    PAGE.write_text(f"{before}{BEGIN}{table()}\n{END}{rest.partition(END)[2]}", "utf-8")


if __name__ == "__main__":
    write()

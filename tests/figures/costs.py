"""Compute the items that guesses at unknown usernames leave in the attempts table, and their cost.

`make figures` (`python -m tests.figures.costs`) prints the table of docs/run/attack-protection.md. The code
writes the items, on moto. Sizes and prices are computed by AWS's published rules, not measured.
"""

import sys
from collections import Counter
from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.table import Table

from chalicelib import wiring
from chalicelib.flows.token import TokenFlow
from chalicelib.settings import Settings
from infra.local.emulated_aws import local_aws
from infra.stage.aws import Stage
from tests.figures.simulation import BCRYPT_COST, is_let_in, provision_demo
from tests.support.calls import calls_of

NAMES, ADDRESSES = 1_000_000, 10_000
# Bytes that DynamoDB adds to each stored item.
OVERHEAD = 100
# US dollars on demand in us-east-1, standard tables: per million units, and per gigabyte and month.
WRITE_PRICE, READ_PRICE, STORAGE_PRICE = 0.625, 0.125, 0.25
# A write of an item of up to 1 KB. A consistent read of one is a unit too, of a batch one for each item.
WRITES_OF = {"UpdateItem": 1}


def item_bytes(item: Mapping[str, Mapping[str, Any]]) -> int:
    """Return the size of an item of strings, sets of them and numbers. Source: DynamoDB's guide, item sizes."""
    return sum(len(name) + _value_bytes(kind, value) for name, typed in item.items() for kind, value in typed.items())


def _value_bytes(kind: str, value: Any) -> int:
    if kind == "SS":
        return sum(len(one.encode()) for one in value)
    return len(value.encode()) if kind == "S" else (len(value) + 1) // 2 + 1


def measure_guess(stage: Stage) -> tuple[Counter[str], int, dict[str, int]]:
    """Guess once at an unknown username; return the calls, the read units, and the bytes of each item left."""
    settings = Settings(stage.name, "https://login.example.com/", BCRYPT_COST)
    flow = wiring.build(settings, stage.aws, wiring.Externals())[TokenFlow]
    is_let_in(flow, "192.0.2.1", "a guess", username="the first fills the cache")
    with calls_of(stage) as seen:
        is_let_in(flow, "255.255.255.255", "a guess", username="nobody")
    batches = [batch for _, parameters in seen.parameters for batch in parameters.get("RequestItems", {}).values()]
    calls = Counter(seen.made)
    reads = sum(len(batch["Keys"]) for batch in batches) + calls["GetItem"]
    items = stage.clients.dynamodb.scan(TableName=f"{stage.prefix}attempts")["Items"]
    # The item of the longest address stays.
    sizes = sorted((item_bytes(item), item["sk"]["S"]) for item in items)
    return calls, reads, {sk.partition("#")[0]: size for size, sk in sizes}


def main() -> None:
    """Print the cost of one guess, and of a million."""
    with local_aws():
        calls, reads, sizes = measure_guess(provision_demo("costs"))
    writes = sum(units * calls[name] for name, units in WRITES_OF.items())
    stored = NAMES * (sizes["counts"] + OVERHEAD) + ADDRESSES * (sizes["logins"] + OVERHEAD)
    table = Table("", "one guess", f"{NAMES:,} names from {ADDRESSES:,} addresses")
    table.add_row("calls", ", ".join(f"{count} {name}" for name, count in sorted(calls.items())), "")
    table.add_row("read units", str(reads), f"{NAMES * reads:,}: {NAMES * reads / 1e6 * READ_PRICE:.2f} USD")
    table.add_row("write units", str(writes), f"{NAMES * writes:,}: {NAMES * writes / 1e6 * WRITE_PRICE:.2f} USD")
    table.add_row("items", "one a name, and one an address", f"{NAMES + ADDRESSES:,}")
    table.add_row("bytes of an item", ", ".join(f"{name} {size}" for name, size in sorted(sizes.items())), "")
    table.add_row("stored", "", f"{stored / 1e6:,.0f} MB: {stored / 1e9 * STORAGE_PRICE:.2f} USD a month")
    Console(width=140, file=sys.stdout).print(table)


if __name__ == "__main__":
    main()

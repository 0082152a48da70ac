"""Compute the number of guesses that each setting lets through, from the product's own constants.

`make figures` (`python -m tests.figures.guesses`) writes docs/run/attack-guesses.svg and prints the tables of
docs/run/attack-protection.md.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import escape

from rich.console import Console
from rich.table import Table

from chalicelib.model.bucket import Bucket
from chalicelib.model.tenant import BruteForceProtection, SuspiciousIpThrottling
from chalicelib.protection.client import BUCKET
from chalicelib.store.counting import SHARED_ATTEMPT_S
from chalicelib.store.tally import MAX_FAILURES_IN_A_ROW

PICTURE = Path(__file__).parents[2] / "docs" / "run" / "attack-guesses.svg"
DAY_S = 86_400
ADDRESSES = 10_000
# The picture's sizes, in pixels.
WIDTH, LABEL, BAR, GAP, HEAD = 860, 400, 14, 12, 44
SHADES = ("#b3541e", "#5b7f95")


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting, with the guesses that it lets through on the first day and on each later day."""

    name: str
    first_day: int
    later_day: int


def settings() -> list[Setting]:
    """Return the compared settings, for an attacker with ADDRESSES addresses who never stops."""
    account, throttling = BruteForceProtection(), SuspiciousIpThrottling()
    per_address, shared_attempts = account.max_attempts, DAY_S // SHARED_ATTEMPT_S
    in_a_row = MAX_FAILURES_IN_A_ROW + shared_attempts
    return [
        Setting(f"one account, per address alone ({ADDRESSES:,} addresses)", ADDRESSES * per_address, 0),
        Setting("one account, as it is by default", in_a_row, shared_attempts),
        Setting("the same, the person logs in once a day", in_a_row + MAX_FAILURES_IN_A_ROW, in_a_row),
        Setting("one account, mode count_per_identifier", per_address, 0),
        Setting("one address, at any number of accounts", *_through(throttling.bucket)),
        Setting("one /48 of IPv6, at any number of accounts", *_through(throttling.wide_bucket)),
        Setting("one address, secrets of one client", *_through(BUCKET)),
    ]


def _through(bucket: Bucket) -> tuple[int, int]:
    a_day = 1000 * DAY_S // bucket.rate_ms
    return bucket.size + a_day, a_day


def picture(rows: list[Setting]) -> str:
    """Return the bars as SVG, on a logarithmic scale."""
    height = HEAD + len(rows) * (2 * BAR + GAP)
    most = max(row.first_day for row in rows)
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" font-family="sans-serif" '
            'font-size="12" role="img" aria-label="Guesses a day under each setting">',
            "<!-- made by make figures: do not edit -->",
            f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>',
            *_legend(),
            *(line for number, row in enumerate(rows) for line in _bars(number, row, most)),
            "</svg>",
            "",
        ]
    )


def _legend() -> Iterator[str]:
    for number, text in enumerate(("the first day", "each later day")):
        x = LABEL + 130 * number
        yield f'<rect x="{x}" y="12" width="12" height="12" fill="{SHADES[number]}"/>'
        yield f'<text x="{x + 18}" y="22">{text}</text>'
    yield '<text x="8" y="22" font-weight="bold">Guesses a day (logarithmic)</text>'


def _bars(number: int, row: Setting, most: int) -> Iterator[str]:
    top = HEAD + number * (2 * BAR + GAP)
    yield f'<text x="8" y="{top + BAR + 4}">{escape(row.name)}</text>'
    for shade, guesses in enumerate((row.first_day, row.later_day)):
        y = top + shade * BAR
        length = round((WIDTH - LABEL - 80) * math.log10(guesses + 1) / math.log10(most + 1))
        yield f'<rect x="{LABEL}" y="{y}" width="{length}" height="{BAR - 2}" fill="{SHADES[shade]}"/>'
        yield f'<text x="{LABEL + length + 6}" y="{y + 10}">{guesses:,}</text>'


def main() -> None:
    """Write the picture, and print its table."""
    rows = settings()
    PICTURE.write_text(picture(rows), encoding="utf-8")
    table = Table("setting", "first day", "each later day")
    for row in rows:
        table.add_row(row.name, f"{row.first_day:,}", f"{row.later_day:,}")
    Console(width=120).print(table)


if __name__ == "__main__":
    main()

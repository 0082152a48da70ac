"""Write REPORT.md: what became of each key of an export, by weight."""

from collections.abc import Iterable

from infra.move.ledger import Ledger, Weight

HEADINGS = {
    Weight.MEND: (
        "To do before the first login",
        "As long as these stand, people are kept out, or get in by less than before.",
    ),
    Weight.APPROXIMATED: ("Approximated", "Nearly the same: read how."),
    Weight.NOT_THERE: ("Not there", "Left out, with the reason."),
    Weight.APPLIED: ("Applied", "The same here."),
}
INTRODUCTION = """# What became of the export

Made by `gatehouse migrate auth0`. Keys are those of Auth0's export, with dots. Nothing here repeats a secret.

| weight | rows |
|---|---|
{counts}

## Secrets

No secret was copied: not of a client, a connection, a provider or a rule's setting. What a rule's script has written
out stands in the comment of its file: if that is a secret, move it to a setting.

Clients keep theirs like this: write `client_secret` of a client into `tenant.yaml` for the first `gatehouse apply`,
then take it out again. The stage keeps a hash of it, and an entry without `client_secret` leaves it as it is. A client
without one gets a new secret, which `apply` prints once. Settings of rules: `gatehouse rules settings set NAME`.
"""
NAMES_SHOWN = 30


def write_report(ledger: Ledger) -> str:
    """Return the report as Markdown."""
    by_weight = {weight: [row for row in ledger.rows if row[0] is weight] for weight in Weight}
    counts = "\n".join(f"| {HEADINGS[weight][0]} | {len(rows)} |" for weight, rows in by_weight.items())
    parts = [INTRODUCTION.format(counts=counts)]
    for weight, rows in by_weight.items():
        title, said = HEADINGS[weight]
        parts.append(f"## {title}\n\n{said}")
        if weight is Weight.APPLIED:
            parts.append("\n".join(f"- {_code(key)}" for key in sorted({key for _, key, _ in rows})) or "Nothing.")
        else:
            table = ["| key | of | what |", "|---|---|---|"]
            table += [
                f"| {_code(key)} | {_list(ledger.rows[weight, key, why])} | {_cell(why)} |" for _, key, why in rows
            ]
            parts.append("\n".join(table) if rows else "Nothing.")
    return "\n\n".join(part.rstrip("\n") for part in parts) + "\n"


def _list(names: Iterable[str]) -> str:
    listed = list(names)
    return ", ".join(map(_cell, listed[:NAMES_SHOWN])) + f" and {len(listed) - NAMES_SHOWN} more" * (
        len(listed) > NAMES_SHOWN
    )


def _cell(text: str) -> str:
    """Return a text as a cell of a table: one line, without what Markdown or HTML would read."""
    shown = "".join(char if char.isprintable() else " " for char in text)
    return (
        shown.replace("&", "&amp;").replace("<", "&lt;").replace("|", "\\|").replace("[", "\\[").replace("](", "]\\(")
    )


def _code(key: str) -> str:
    return f"`{_cell(key.replace('`', '?'))[:200]}`"

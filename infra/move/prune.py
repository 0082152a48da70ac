"""Take out of a document what a tenant file refuses, until it is accepted."""

from collections.abc import Iterator
from typing import Any

from pydantic import ValidationError

from infra.move.ledger import Ledger
from infra.tenant.auth0_names import SECTIONS
from infra.tenant.checks.cross import cross_findings
from infra.tenant.schema import TenantFile
from infra.tenant.yaml_lines import Steps

# Without one of these, more would be allowed than with a broken one: the entry around it goes too.
LIMITS = (
    *("apis", "jwks", "token_endpoint_auth_method", "grant_types", "realms", "scope", "audience"),
    *("client_id", "identifier", "api", "value"),
)
NOT_TAKEN = "is not taken here"
OURS = {ours: theirs for theirs, ours in reversed(SECTIONS.items()) if theirs not in ("connections", ours)}


def prune(document: dict[str, Any], ledger: Ledger) -> None:
    """Take everything out of the document that `gatehouse check` would refuse, and note it."""
    while found := {_target(document, path): why for path, why in _find_refused(document)}:
        if () in found:
            raise RuntimeError("a tenant file cannot be made of this export")
        outer = [path for path in found if not any(path[:depth] in found for depth in range(1, len(path)))]
        # From the end, so that the indices before it stay.
        for path in sorted(outer, key=lambda steps: [str(step).zfill(9) for step in steps], reverse=True):
            _remove(document, path, found[path], ledger)


def _find_refused(document: dict[str, Any]) -> Iterator[tuple[Steps, str]]:
    try:
        file = TenantFile.model_validate(document)
    except ValidationError as error:
        yield from ((one["loc"], NOT_TAKEN) for one in error.errors(include_url=False))
        return
    yield from cross_findings(file, lambda _: 0)


def _target(document: dict[str, Any], path: Steps) -> Steps:
    """Return what is to be taken out for a fault at a path: an entry of a list, a setting, or the entry around it."""
    found: Any = document
    there: list[str | int] = []
    for step in path:
        is_there = step in found if isinstance(found, dict) else isinstance(found, list) and isinstance(step, int)
        if not is_there:
            break
        found = found[step]
        there.append(step)
    while len(there) > 2 and there[-1] in LIMITS:  # noqa: PLR2004 (an entry of a section)
        there.pop()
    return tuple(there)


def _remove(document: dict[str, Any], path: Steps, why: str, ledger: Ledger) -> None:
    key = ".".join(OURS.get(step, step) for step in path if isinstance(step, str))
    said = why.partition(" (first on line")[0].partition(": ")[0]
    ledger.mend(key, f"{said}: left out", _name_of(document, path))
    *around, last = path
    holder: Any = document
    for step in around:
        holder = holder[step]
    del holder[last]


def _name_of(document: dict[str, Any], path: Steps) -> str:
    """Return the name of the entry of a section that a path leads into."""
    section: Any = document.get(str(path[0]))
    entry = section[path[1]] if len(path) > 1 and isinstance(section, list) and isinstance(path[1], int) else {}
    return str(entry.get("name") or entry.get("client_id") or "")[:100] if isinstance(entry, dict) else ""

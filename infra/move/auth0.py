"""Turn an export of an Auth0 tenant into a tenant file, a rule package and a report."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from infra.errors import OperatorError
from infra.move.entry import label
from infra.move.export import Export, read_export
from infra.move.keywords import STAND_IN, read_keywords, read_object
from infra.move.ledger import Ledger
from infra.move.prune import prune
from infra.move.report import write_report
from infra.move.rules.entries import make_rules
from infra.move.rules.names import TenantNames
from infra.move.rules.package import PACKAGE
from infra.move.tenant import make_document

HEADER = "# Made by `gatehouse migrate auth0`. REPORT.md says what became of each key of the export.\n"
NO_VALUE = "has no value: `UNSET_...` or nothing stands in; give it with --keywords"
KEPT = "kept aside in emails/: nothing reads them yet"


@dataclass(frozen=True, slots=True)
class Move:
    """The result of a move. files: their texts by path. unfinished: the rules that raise in each login.

    to_do: the number of rows of the report that come first.
    """

    files: dict[str, str]
    unfinished: tuple[str, ...]
    to_do: int


class _PlainDumper(yaml.SafeDumper):
    """Writes out what stands twice: a tenant file has no aliases."""

    def ignore_aliases(self, data: object) -> bool:
        return True


def move_auth0(path: Path, keywords: Path | None, client_ids: Path | None) -> Move:
    """Return what the export at a path becomes. Raises OperatorError if it cannot be read.

    keywords: a JSON file of the Deploy CLI's keywords. client_ids: a JSON file of client_ids by name.
    """
    export = read_export(path, read_keywords(keywords))
    ids = read_object(client_ids) if client_ids else {}
    if any(not isinstance(one, str) for one in ids.values()):
        raise OperatorError(f"{client_ids}: must be a JSON object of client_ids by the names of clients.")
    return make_move(export, ids)


def make_move(export: Export, ids: Mapping[str, Any]) -> Move:
    """Return what an export becomes. ids: client_ids by the names of clients."""
    ledger = Ledger()
    document, realms = make_document(export, ids, ledger)
    prune(document, ledger)
    files = {"tenant.yaml": HEADER + yaml.dump(document, Dumper=_PlainDumper, sort_keys=False, allow_unicode=True)}
    names = _tenant_names(export, ids, realms, document)
    package = make_rules(export, names, ledger)
    files |= {f"{PACKAGE}/{name}": text for name, text in package.files.items()} if package else {}
    files |= _emails(export, ledger)
    for name, places in export.keywords.missing.items():
        ledger.mend("keywords", NO_VALUE, f"{name} ({', '.join(list(places)[:5])})")
    ledger.complete(export.sections)
    files["REPORT.md"] = write_report(ledger)
    unfinished = [one.rule.name for one in package.rules if one.rule.is_enabled and one.why_not] if package else []
    return Move(files, tuple(unfinished), sum(row[0] == 1 for row in ledger.rows))


def _tenant_names(
    export: Export, ids: Mapping[str, Any], realms: dict[str, dict[str, Any]], document: dict[str, Any]
) -> TenantNames:
    """Return what rules may compare with, of the clients and realms that the tenant file has."""
    ids_there = {client.get("client_id") for client in export.items("clients")} | {*ids.values()}
    names_there = {client.get("name") for client in export.items("clients")}
    clients = document.get("clients", [])
    return TenantNames(
        {realm["name"]: name for name, realm in realms.items() if name and name != realm["name"]},
        has_own_ids=all(client["client_id"] in ids_there for client in clients),
        has_own_names=all(client["name"] in names_there and STAND_IN not in client["name"] for client in clients),
        has_own_connections=not any(STAND_IN in name for name in realms),
    )


def _emails(export: Export, ledger: Ledger) -> dict[str, str]:
    """Return the email templates, as they are."""
    files = {}
    for template in export.items("emailTemplates"):
        name = re.sub(r"[^a-z0-9_-]", "", str(template.get("template") or "").lower())[:60]
        body = export.text_beside("emails", template.get("body"))
        settings = {key: value for key, value in template.items() if key != "body"}
        if name:
            ledger.approximate("emailTemplates", KEPT, label(name, "?"))
            files[f"emails/{name}.yaml"] = yaml.dump(settings, Dumper=_PlainDumper, allow_unicode=True)
            files[f"emails/{name}.html"] = _printable(body if body is not None else str(template.get("body") or ""))
    return files


def _printable(text: str) -> str:
    return re.sub("[\ud800-\udfff]", "\ufffd", text)

"""Read the rules of an export, and note what else ran in its logins."""

from infra.move.entry import Entry, label
from infra.move.export import Export
from infra.move.ledger import Ledger
from infra.move.rules.names import TenantNames
from infra.move.rules.package import RulePackage, make_package
from infra.move.rules.translate import LOGIN, Rule

LAST = 1_000_000
CODE = "not here: code that ran in logins and may have refused some; write it as a rule (docs/use/rules.md)"


def make_rules(export: Export, names: TenantNames, ledger: Ledger) -> RulePackage | None:
    """Return the rule package of an export, or None if it has no rules."""
    rules = [rule for entry in export.items("rules") if (rule := _rule(export, entry, ledger))]
    package = make_package(rules, names) if rules else None
    for made in package.rules if package else ():
        _note(made.why_not, made.rule, made.module, ledger)
    for section in ("actions", "hooks"):
        for code in export.items(section):
            ledger.mend(section, CODE, label(str(code.get("name") or ""), "?"))
    for setting in export.items("rulesConfigs"):
        said = "is a setting of a stage here: gatehouse rules settings set NAME"
        ledger.mend("rulesConfigs", said, label(str(setting.get("key") or ""), "?"))
    return package


def _rule(export: Export, values: dict[str, object], ledger: Ledger) -> Rule | None:
    name = label(str(values.get("name") or ""), "unnamed")
    entry = Entry("rules", values, name, ledger)
    order, stage = entry.take("order", int), entry.take("stage", str)
    entry.apply("name", "order", "enabled", "stage", "script")
    script, why_not = _script(export, values.get("script"))
    # A rule whose state cannot be read runs: it may be the one that refuses.
    is_enabled = values.get("enabled", True) is not False
    if stage not in (None, LOGIN):
        entry.mend("stage", f"not here: only {LOGIN} runs; the rule is kept, and does not run")
        is_enabled = False
    return Rule(name, script, LAST if order is None else order, is_enabled, stage or LOGIN, why_not)


def _script(export: Export, given: object) -> tuple[str, str]:
    """Return the script of a rule, and why it cannot be translated, or ""."""
    found = export.text_beside("rules", given)
    if found is None and isinstance(given, str) and ("function" in given or "=>" in given):
        # It was replaced with the rest of its file: which of the stand-ins are in it is not told any more.
        around = sorted(export.keywords.missing)
        return given, f"keywords around it have no value: {', '.join(around)}"[:200] if around else ""
    if found is None:
        return "", "its script is not in the export"
    if missing := export.keywords.find_missing(found):
        return found, f"it has keywords without a value: {', '.join(missing)}"[:200]
    return export.keywords.replace(found, "rules"), ""


def _note(why_not: str, rule: Rule, module: str, ledger: Ledger) -> None:
    if not rule.is_enabled:
        ledger.approximate("rules", "disabled, so it stands in the package and not in RULES", f"{rule.name} ({module})")
    elif why_not:
        ledger.mend("rules", f"raises in each login until it is translated: {why_not}", f"{rule.name} ({module})")
    else:
        ledger.approximate("rules", "translated: review it beside its JavaScript", f"{rule.name} ({module})")

"""Make realms of Auth0's database connections."""

import re
from collections.abc import Iterator
from typing import Any

from infra.move.entry import Entry, label, slug
from infra.move.export import Export
from infra.move.ledger import Ledger

DATABASE = "auth0"
# The least length of each of Auth0's levels.
LEVELS = {"none": 1, "low": 6, "fair": 8, "good": 8, "excellent": 10}
MIN_LENGTH, MAX_LENGTH = 8, 128
MAX_WORDS = 200
MAX_HISTORY = 24
MAX_ALIASES = 20
_ALIAS = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,127}")
STAND_IN = {"name": "people", "identifiers": ["username", "email"]}
NO_LOGIN = "people log in by a password of a realm: these have to be made in one, or stay where they are"
SCRIPTS = ("customScripts", "enabledDatabaseCustomization", "import_mode")


def make_realms(export: Export, ledger: Ledger) -> dict[str, dict[str, Any]]:
    """Return the realms by the names of their connections. There is one at least."""
    realms: dict[str, dict[str, Any]] = {}
    for key, connection in _connections(export, ledger):
        given = connection.get("name")
        name = given if isinstance(given, str) and given else f"connection {len(realms) + 1}"
        if name in realms:
            ledger.mend(f"{key}.name", "stands twice: the second one is left out", name)
            continue
        taken = [one["name"] for one in realms.values()] + [
            alias for one in realms.values() for alias in one["aliases"]
        ]
        realms[name] = _realm(Entry(key, connection, name, ledger), taken)
    if not realms:
        ledger.mend(
            "databases", f"there is none: the realm `{STAND_IN['name']}` stands in, as a tenant has one at least"
        )
        realms[""] = {**STAND_IN, "aliases": []}
    return realms


def _connections(export: Export, ledger: Ledger) -> Iterator[tuple[str, dict[str, Any]]]:
    for section in ("databases", "connections"):
        for connection in export.items(section):
            strategy = connection.get("strategy", DATABASE if section == "databases" else "")
            if strategy == DATABASE:
                yield section, connection
            else:
                ledger.mend("connections", NO_LOGIN, str(connection.get("name", ""))[:80])


def _realm(entry: Entry, taken: list[str]) -> dict[str, Any]:
    name = slug(entry.name, "realm", taken)
    others = [entry.name, *entry.texts("realms")]
    aliases = [other for other in dict.fromkeys(others) if other != name and other not in taken]
    entry.ledger.apply(f"{entry.key}.name", f"{entry.key}.strategy", f"{entry.key}.realms")
    if unfit := [other for other in aliases if not _ALIAS.fullmatch(other)]:
        entry.mend("name", f"is `{name}` here, and no alias can be: requests have to name `{name}`")
    options = entry.below("options")
    shown = entry.take_same("display_name", str)
    _note_scripts(options)
    return {
        "name": name,
        "aliases": [other for other in aliases if other not in unfit][:MAX_ALIASES],
        "display_name": label(shown or entry.name, name),
        "identifiers": _identifiers(options),
        "password_policy": _policy(options),
        "signup": {"enabled": not _is_off(options, "disable_signup")},
        "password_reset": {"enabled": not _is_off(options, "disable_self_service_change_password")},
    }


def _is_off(options: Entry, key: str) -> bool:
    """Return whether a service is off. One that the export leaves open with no readable value is off too."""
    if key not in options.values:
        return False
    return options.take_same(key, bool) is not False


def _note_scripts(options: Entry) -> None:
    if any(options.values.get(key) for key in SCRIPTS):
        sentence = "its scripts asked another database: people who are only there need a function of `import_from`"
        for key in SCRIPTS:
            if key in options.values:
                options.mend(key, sentence)
    guard = options.take("brute_force_protection", bool)
    if guard is not None:
        options.approximate("brute_force_protection", "`attack_protection.brute_force_protection` holds for all realms")


def _identifiers(options: Entry) -> list[str]:
    attributes = options.below("attributes")
    if attributes.values:
        named = [one for one in ("username", "email") if attributes.below(one).below("identifier").values.get("active")]
        options.approximate(
            "attributes", "`identifiers` has username and email alone; nobody logs in by a phone number"
        )
        return named or ["email"]
    return ["username", "email"] if options.take_same("requires_username", bool) else ["email"]


def _policy(options: Entry) -> dict[str, Any]:
    level = options.take("passwordPolicy", str)
    least = options.below("password_complexity_options").take("min_length", int)
    if level or least is not None:
        why = f"`min_length`, {MIN_LENGTH} to {MAX_LENGTH}, and no kinds of characters"
        options.approximate("passwordPolicy" if level else "password_complexity_options", why)
    if level and least is not None:
        options.approximate("password_complexity_options", f"`min_length`, {MIN_LENGTH} to {MAX_LENGTH}")
    length = least if least is not None else LEVELS.get(level or "none", 1)
    return {
        "min_length": min(max(length, MIN_LENGTH), MAX_LENGTH),
        "history": _history(options.below("password_history")),
        "dictionary": _dictionary(options.below("password_dictionary")),
        "no_personal_info": bool(_is_on(options.below("password_no_personal_info"))),
    }


def _is_on(option: Entry) -> bool:
    return bool(option.take_same("enable", bool))


def _history(option: Entry) -> int:
    size = option.take_same("size", int) or 5
    return min(max(size, 1), MAX_HISTORY) if _is_on(option) else 0


def _dictionary(option: Entry) -> list[str]:
    words = [label(word, "") for word in option.texts("dictionary")]
    option.ledger.apply(f"{option.key}.dictionary")
    if not _is_on(option):
        return []
    option.approximate("enable", f"the first {MAX_WORDS} of its own words; not Auth0's list of ten thousand")
    return list(dict.fromkeys(word for word in words if word))[:MAX_WORDS]

"""Read an export of Auth0's Deploy CLI: its YAML, the folder of that, or its directory of JSON files."""

import json
import math
import re
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import yaml

from infra.errors import OperatorError
from infra.move.keywords import Keywords
from infra.text_file import read_text

MAX_VALUES = 500_000
MAX_DEPTH = 60
MAX_FILES = 20_000
YAML_NAMES = ("tenant.yaml", "tenant.yml")
# By folder or file of the directory form: its section, if it is another one than the name in camel case.
SECTIONS = {
    "grants": "clientGrants",
    "database-connections": "databases",
    "emails": "emailTemplates",
    "guardian/factors": "guardianFactors",
    "guardian/policies": "guardianPolicies",
    "guardian/providers": "guardianFactorProviders",
    "guardian/templates": "guardianFactorTemplates",
    "guardian/phoneFactorMessageTypes": "guardianPhoneFactorMessageTypes",
    "guardian/phoneFactorSelectedProvider": "guardianPhoneFactorSelectedProvider",
    "emails/provider": "emailProvider",
    "attack-protection": "attackProtection",
}
# These are one object of several files, or one file alone.
OBJECTS = ("attackProtection", "triggers", "branding")
NO_EXPORT = "no export of Auth0's Deploy CLI: name its YAML file, or the folder with tenant.yaml or tenant.json"


@dataclass(slots=True, eq=False, repr=False)
class Export:
    """An export that is read. sections: by their names in the YAML form. folder: where its other files are."""

    folder: Path
    keywords: Keywords
    sections: dict[str, Any]
    is_directory: bool

    def items(self, section: str) -> list[dict[str, Any]]:
        """Return the objects of a section that is a list; an absent one is empty."""
        found = self.sections.get(section)
        return [item for item in found if isinstance(item, dict)] if isinstance(found, list) else []

    def part(self, *keys: str) -> dict[str, Any]:
        """Return the object below some keys, or an empty one."""
        found: Any = self.sections
        for key in keys:
            found = found.get(key) if isinstance(found, dict) else None
        return found if isinstance(found, dict) else {}

    def text_beside(self, section: str, name: object) -> str | None:
        """Return the text that an entry has in a file of its own, with its keywords; None if there is no such file.

        name: the file's, from the folder of the section in the directory form. No file outside of the export is read.
        """
        if not isinstance(name, str) or "\0" in name or len(name) > 1024:  # noqa: PLR2004 (no path is longer)
            return None
        path = (self.folder / (section if self.is_directory else "") / name.replace("\\", "/")).resolve()
        if not path.is_relative_to(self.folder.resolve()) or not path.is_file():
            return None
        return read_text(path)


def read_export(path: Path, keywords: Keywords) -> Export:
    """Return the export at a path. Raises OperatorError if there is none, or if it cannot be read."""
    if path.is_dir():
        if file := _yaml_of(path):
            return read_export(file, keywords)
        return Export(path, keywords, _read_directory(path, keywords), is_directory=True)
    value = _read(path, keywords)
    if not isinstance(value, dict):
        raise OperatorError(f"{path}: {NO_EXPORT}.")
    return Export(path.parent, keywords, {str(key): inner for key, inner in value.items()}, is_directory=False)


def _yaml_of(folder: Path) -> Path | None:
    """Return the YAML file of a folder: the one that the Deploy CLI writes, or the only one. None for another form."""
    files = sorted(file for pattern in ("*.yaml", "*.yml") for file in folder.glob(pattern))
    named = [file for file in files if file.name in YAML_NAMES]
    if named or (folder / "tenant.json").exists():
        return named[0] if named else None
    return files[0] if len(files) == 1 else None


def _read(path: Path, keywords: Keywords) -> Any:
    """Return the plain values of a YAML or JSON file. Raises OperatorError, without a value of the file in it."""
    text = keywords.replace(read_text(path), path.name)
    try:
        value = json.loads(text) if path.suffix == ".json" else yaml.safe_load(text)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise OperatorError(f"{path}:{line}: not valid YAML, with the keywords replaced: correct it.") from None
    except (ValueError, yaml.YAMLError, RecursionError, OverflowError):
        raise OperatorError(f"{path}: cannot be read, with the keywords replaced: correct it.") from None
    return _Plain(path).copy(value, 0)


@dataclass(slots=True, eq=False, repr=False)
class _Plain:
    """A copy of what YAML holds, as JSON values. Aliases are written out, up to a bound."""

    path: Path
    count: int = 0

    def copy(self, value: Any, depth: int) -> Any:
        self.count += 1
        if self.count > MAX_VALUES or depth > MAX_DEPTH:
            raise OperatorError(f"{self.path}: holds more than {MAX_VALUES} values, or {MAX_DEPTH} levels.")
        if isinstance(value, dict):
            return {_text(key): self.copy(inner, depth + 1) for key, inner in value.items()}
        if isinstance(value, list | tuple | set):
            return [self.copy(inner, depth + 1) for inner in value]
        if isinstance(value, date):
            return value.isoformat()
        if isinstance(value, float) and not math.isfinite(value):
            return None
        return value if value is None or isinstance(value, bool | int | float) else _text(value)


def _text(value: object) -> str:
    """Return a text without half characters, which no file can hold."""
    said = value.decode("latin-1") if isinstance(value, bytes) else str(value)
    return re.sub("[\ud800-\udfff]", "\ufffd", said)


def _read_directory(folder: Path, keywords: Keywords) -> dict[str, Any]:
    sections: dict[str, Any] = {}
    for path in sorted(folder.rglob("*.json"))[:MAX_FILES]:
        within = path.relative_to(folder)
        is_inside = path.resolve().is_relative_to(folder.resolve())
        if not is_inside or any(step.startswith((".", "node_modules")) for step in within.parts):
            continue
        section, key = _place_of(within)
        value = _read(path, keywords)
        if section in OBJECTS and key:
            sections.setdefault(section, {})[key] = value
        elif key:
            sections.setdefault(section, []).append(value)
        else:
            sections[section] = value
    if not sections.keys() & {"tenant", "clients", "databases", "connections", "resourceServers", "rules"}:
        raise OperatorError(f"{folder}: {NO_EXPORT}.")
    return sections


def _place_of(path: Path) -> tuple[str, str]:
    """Return the section of a file, and its key in it; "" for a file that is the section."""
    whole = "/".join(path.with_suffix("").parts)
    if whole in SECTIONS or len(path.parts) == 1:
        return SECTIONS.get(whole, _camel(path.stem)), ""
    room = "/".join(path.parts[:2]) if path.parts[0] == "guardian" else path.parts[0]
    return SECTIONS.get(room, _camel(room)), _camel(path.stem)


def _camel(name: str) -> str:
    return re.sub(r"[-/ ](\w)", lambda found: found[1].upper(), name)

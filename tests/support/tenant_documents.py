"""Make tenant files for one test, from the demo's document or a small one."""

from pathlib import Path
from typing import Any

import yaml

from tests.support.fixed import DEMO

SMALL_API = "https://api.example.com/small"


def demo_document() -> dict[str, Any]:
    """Return a copy of the demo tenant, as plain values."""
    document: dict[str, Any] = yaml.safe_load(DEMO.read_text("utf-8"))
    return document


def small_document(**changes: Any) -> dict[str, Any]:
    """Return a tenant of one realm, one API and one client, with these changes."""
    return {
        "tenant": {"friendly_name": "Small", "default_directory": "staff"},
        "realms": [{"name": "staff", "identifiers": ["username", "email"]}],
        "apis": [{"identifier": SMALL_API, "name": "Small", "scopes": [{"value": "read:small"}]}],
        "clients": [client()],
    } | changes


def client(**changes: Any) -> dict[str, Any]:
    """Return a client of the small tenant, with these changes; None removes a key."""
    fields = {
        "client_id": "app",
        "name": "App",
        "client_secret": "the long secret of the app",
        "grant_types": ["password"],
        "realms": ["staff"],
    } | changes
    return {name: value for name, value in fields.items() if value is not None}


def write(directory: Path, document: dict[str, Any]) -> str:
    """Write a tenant file, and return its path."""
    path = directory / "tenant.yaml"
    path.write_text(yaml.safe_dump(document, sort_keys=False), "utf-8")
    return str(path)

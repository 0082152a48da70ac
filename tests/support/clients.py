"""Make clients and APIs for one test."""

import itertools
from typing import Any

from chalicelib.store.configuration.client_secrets import sha256
from infra.stage.aws import Stage
from tests.support.config import document_of

_numbers = itertools.count(1)


def make_client(
    stage: Stage, secret: str | None = None, old_secrets: dict[str, int] | None = None, **changes: Any
) -> str:
    """Store a copy of demo-backend with these changes, and return its client_id.

    old_secrets: secrets that were rotated, each with the second at which it ends.
    """
    config = stage.config()
    document = document_of(stage, "client#demo-backend")
    client_id = f"client-{next(_numbers)}"
    live = [{"sha256": sha256(secret), "expires_at": None}] if secret else []
    old = [{"sha256": sha256(text), "expires_at": ends} for text, ends in (old_secrets or {}).items()]
    config.put(f"client#{client_id}", document | {"client_id": client_id, "secrets": live + old} | changes)
    return client_id


def make_api(stage: Stage, **changes: Any) -> str:
    """Store a copy of the Timesheets API with these changes, and return its identifier."""
    config = stage.config()
    document = document_of(stage, "api#https://api.example.com/timesheets")
    identifier = f"https://api.example.com/{next(_numbers)}"
    config.put(f"api#{identifier}", document | {"identifier": identifier} | changes)
    return identifier

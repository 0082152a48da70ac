"""Stages whose signing keys a test rotates, and what their schedule logs."""

import itertools
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chalicelib import wiring
from chalicelib.settings import Settings
from chalicelib.wiring.rotation import build_rotation
from infra.stage.aws import Stage
from infra.stage.people import People
from infra.tenant.file import load
from tests.support.fixed import BCRYPT_COST, ISSUER, Clock
from tests.support.stages import provision_stage
from tests.support.tenant_documents import SMALL_API, client, small_document, write

PERSON = {"username": "pat", "password": "pats password"}
LONGEST_S = 2_592_000
ES_API = "https://api.example.com/es"
DAY_S = 86_400
_numbers = itertools.count(1)


def make_stage(directory: Path, **changes: Any) -> Stage:
    """Return a stage of its own, with a person in it, whose tokens live for as long as any can."""
    apis = [
        {"identifier": SMALL_API, "name": "Small", "token_lifetime": LONGEST_S},
        {"identifier": ES_API, "name": "Es", "signing_alg": "ES256", "token_lifetime": 3600},
    ]
    file = load(Path(write(directory, small_document(apis=apis) | changes)))
    stage = provision_stage(f"keys{next(_numbers)}", file)
    People.of(stage, "staff", BCRYPT_COST).add(PERSON["password"], None, username=PERSON["username"])
    return stage


def login_form(audience: str) -> dict[str, str]:
    """Return the form of the person's login."""
    credentials = {"client_id": "app", "client_secret": str(client()["client_secret"]), **PERSON}
    return {"grant_type": "password", "audience": audience, **credentials}


@dataclass
class Schedule:
    """The scheduled function of a stage. lines: its log, oldest first."""

    stage: Stage
    clock: Clock
    lines: list[dict[str, Any]]

    def run(self) -> dict[str, Any]:
        """Do what EventBridge does each hour. Return the log line."""
        externals = wiring.Externals(clock=self.clock, pause=self.clock.pause)
        settings = Settings(self.stage.name, ISSUER, BCRYPT_COST)
        build_rotation(settings, self.stage.aws, externals, self.lines.append).run()
        return self.lines[-1]

    def statuses(self, alg: str = "RS256") -> dict[str, str]:
        """Return the kid of each status."""
        return {key.status: key.kid for key in self.stage.config().keys().of(alg)}

"""Ask a realm's legacy store about a name and a password: a team's function, in process, within its time.

The function alone of all of a team's code gets a password. Nothing of what it raises is logged but type and place.
"""

import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from chalicelib.deadline import OutOfTime, TooManyThreads, run_within
from chalicelib.errors import TemporarilyUnavailable, printable
from chalicelib.identifiers import trim
from chalicelib.legacy.loading import BadImportFunction, ImportFunction, load_function, package_of
from chalicelib.model.request import Request
from chalicelib.model.tenant import Client, Realm
from chalicelib.rules.context import client_members

THREAD = "legacy store"


@dataclass(slots=True, eq=False, repr=False)
class LegacyStore:
    """Asks the functions of realms. packages: the deployed ones; a function of another one is never imported.

    budget_s: seconds of one call. tenant: returns its friendly name. configuration: returns the team's secrets.
    """

    packages: tuple[str, ...]
    budget_s: float
    tenant: Callable[[], str]
    configuration: Callable[[], Mapping[str, str]]

    def ask(self, realm: Realm, client: Client, request: Request) -> object:
        """Return the answer of a realm's function; raises TemporarilyUnavailable if it raises or runs out of time."""
        name, username, password = realm.import_from, trim(request.require("username")), request.require("password")
        context = SimpleNamespace(
            tenant=self.tenant(),
            **client_members(client, realm.name, request.without_secrets()),
            configuration=dict(self.configuration()),
        )
        call = _Call(name, lambda: self._find(name)(username, password, context))
        try:
            run_within(self.budget_s, THREAD, call.run)
        except OutOfTime:
            raise TemporarilyUnavailable(reason=f"{name} ran past its {self.budget_s:g} s") from None
        except TooManyThreads:
            raise TemporarilyUnavailable(reason=f"{name} hangs in too many earlier logins") from None
        if call.failure:
            raise TemporarilyUnavailable(reason=call.failure)
        return call.answer

    def _find(self, name: str) -> ImportFunction:
        """Return the function of that name, which was imported at most once. Raises BadImportFunction."""
        if package_of(name) not in self.packages:
            raise BadImportFunction(f"{name}: IMPORT_PACKAGES does not list its package. List it there, and deploy.")
        return load_function(name)


@dataclass(slots=True, eq=False, repr=False)
class _Call:
    """One call of a function, and the end of it. failure: for the log, "" if it returned."""

    name: str
    function: Callable[[], object]
    answer: object = field(default=None, repr=False)
    failure: str = ""

    def run(self) -> None:
        """Call the function, and keep its answer or what the log may have of its failure."""
        try:
            self.answer = self.function()
        except BadImportFunction as fault:
            self.failure = printable(str(fault))
        except BaseException as failure:
            self.failure = f"{self.name} raised {printable(type(failure).__name__)}{_place_of(failure)}"


def _place_of(failure: BaseException) -> str:
    """Return where a function failed. Its message may hold the password, and so no log gets it."""
    frames: list[Any] = traceback.extract_tb(failure.__traceback__)
    last = frames[-1] if frames else None
    return f" in {last.name}:{Path(last.filename).name}:{last.lineno}" if last else ""

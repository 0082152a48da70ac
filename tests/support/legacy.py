"""A legacy store for one test: a function of a package, and a client of an application that asks it."""

import itertools
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import ModuleType, SimpleNamespace
from typing import Any

from chalicelib import wiring
from chalicelib.legacy.loading import ImportFunction
from chalicelib.settings import Settings
from infra.stage.aws import Stage
from tests.support.config import document_of
from tests.support.fixed import BCRYPT_COST, EMAIL_FROM, ISSUER
from tests.support.http import Http
from tests.support.people import PASSWORD

_numbers = itertools.count(1)


@dataclass
class Store:
    """A legacy store that knows people by their email. asked: the names that it was asked about, in order.

    passwords, profiles: by email. failure: is raised by each call, if there is one.
    """

    profiles: dict[str, Any] = field(default_factory=dict)
    passwords: dict[str, str] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    contexts: list[SimpleNamespace] = field(default_factory=list)
    failure: BaseException | None = None

    def add(self, password: str = PASSWORD, **profile: Any) -> str:
        """Add a person whom no other test knows, and return the email."""
        email = profile.get("email") or f"legacy{next(_numbers)}@old.example"
        self.profiles[email] = {"email": email, "email_verified": True} | profile
        self.passwords[email] = password
        return str(email)

    def __call__(self, username: str, password: str, context: SimpleNamespace) -> object:
        """Answer as a team's function does."""
        self.asked.append(username)
        self.contexts.append(context)
        if self.failure:
            raise self.failure
        return self.profiles[username] if self.passwords.get(username.lower()) == password else None


@contextmanager
def import_package(function: ImportFunction) -> Iterator[str]:
    """Make a package importable whose function `find` is this one, and yield the package's name."""
    name = f"legacy_of_a_test_{next(_numbers)}"
    module = ModuleType(name)
    vars(module)["find"] = function
    sys.modules[name] = module
    try:
        yield name
    finally:
        del sys.modules[name]


@contextmanager
def importing(stage: Stage, import_from: str, **changes: object) -> Iterator[None]:
    """Give the realm `employees` an `import_from` and other keys until the block ends, for applications made in it."""
    config, key = stage.config(), "realm#employees"
    document = document_of(stage, key)
    config.put(key, document | {"import_from": import_from} | changes)
    try:
        yield
    finally:
        config.put(key, document)


@contextmanager
def client_with_legacy(
    stage: Stage,
    externals: wiring.Externals,
    function: ImportFunction,
    rules: tuple[str, ...] = (),
    budget_s: float = 5,
    **changes: object,
) -> Iterator[Http]:
    """Yield a client of an application whose realm `employees` has this legacy store. changes: of the realm."""
    with import_package(function) as package, importing(stage, f"{package}:find", **changes):
        settings = Settings(
            stage.name,
            ISSUER,
            BCRYPT_COST,
            rule_packages=rules,
            email_from=EMAIL_FROM,
            import_packages=(package,),
            import_budget_s=budget_s,
        )
        services = wiring.build(settings, stage.aws, externals)
        number = next(_numbers)
        yield Http(lambda: services, f"10.253.{number >> 8 & 255}.{number & 255}")

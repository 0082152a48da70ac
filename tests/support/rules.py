"""Make rules for one test: a package of functions, and a client of an application that runs them."""

import itertools
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

from chalicelib import wiring
from chalicelib.settings import Settings
from infra.stage.aws import Stage
from tests.support.fixed import BCRYPT_COST, EMAIL_FROM, ISSUER
from tests.support.http import Http

Function = Callable[[Any, Any], object]
_numbers = itertools.count(1)


def require_mfa(user: Any, context: Any) -> None:
    """Require a second factor of each user."""
    context.multifactor = {"provider": "any"}


def ask_the_unenrolled(user: Any, context: Any) -> None:
    """Have those enrol at a password login who have no second factor."""
    if not user.multifactor and context.protocol == "oauth2-password":
        context.multifactor = {"provider": "any"}


@contextmanager
def package(*functions: Any, **members: Any) -> Iterator[str]:
    """Make a package of these rules importable, and yield its name. members: its other members."""
    name = f"rules_of_a_test_{next(_numbers)}"
    module = ModuleType(name)
    vars(module).update({"RULES": list(functions)} | members)
    sys.modules[name] = module
    try:
        yield name
    finally:
        del sys.modules[name]


@contextmanager
def client_with_rules(
    stage: Stage, externals: wiring.Externals, *functions: Function, budget_s: float = 5, ip: str = "", proxies: int = 0
) -> Iterator[Http]:
    """Yield a client of an application on the stage with these rules, until the block ends."""
    with package(*functions) as name:
        settings = Settings(stage.name, ISSUER, BCRYPT_COST, (name,), budget_s, EMAIL_FROM, proxies)
        services = wiring.build(settings, stage.aws, externals)
        number = next(_numbers)
        yield Http(lambda: services, ip or f"10.254.{number >> 8 & 255}.{number & 255}")

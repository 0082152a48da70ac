"""Load the function that a realm's `import_from` names, or say what is wrong with it."""

import importlib
import inspect
import re
from collections.abc import Callable
from types import ModuleType
from typing import Any

# Takes the username and the password as they were typed, and the context. Returns a profile, or None for a no.
ImportFunction = Callable[[str, str, Any], object]

FORM = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)*:[A-Za-z_][A-Za-z0-9_]*")


class BadImportFunction(Exception):
    """A realm's import_from is at fault. The message names it, with the remedy, and holds no user's value."""


def package_of(name: str) -> str:
    """Return the package of a function's name, `package:function`."""
    return name.partition(":")[0]


def load_function(name: str) -> ImportFunction:
    """Return the function of this name, `package:function`; raises BadImportFunction."""
    package, _, attribute = name.partition(":")
    if not FORM.fullmatch(name):
        raise BadImportFunction(f"{name}: is no function's name. Write it as package:function.")
    module = import_package(package)
    function: ImportFunction | None = getattr(module, attribute, None)
    if function is None:
        raise BadImportFunction(f"{name}: {package} has no {attribute}. Define it there.")
    _require_form(name, function)
    return function


def import_package(package: str) -> ModuleType:
    """Return a package of import functions; raises BadImportFunction if it cannot be imported."""
    try:
        return importlib.import_module(package)
    except (Exception, SystemExit) as failure:
        # A package that fails while it is imported is a fault, whatever it raises.
        said = f"{type(failure).__name__}: {failure}"
        raise BadImportFunction(f"{package}: cannot be imported ({said}). Mend it.") from failure


def _require_form(name: str, function: ImportFunction) -> None:
    if not callable(function):
        raise BadImportFunction(f"{name}: is no function. Name one of three arguments.")
    if inspect.iscoroutinefunction(function) or inspect.isgeneratorfunction(function):
        raise BadImportFunction(f"{name}: is async or a generator. Make it a plain function.")
    try:
        inspect.signature(function).bind("", "", None)
    except (TypeError, ValueError):
        form = f"{name.partition(':')[2]}(username, password, context)"
        raise BadImportFunction(f"{name}: does not take three arguments. Define it as {form}.") from None

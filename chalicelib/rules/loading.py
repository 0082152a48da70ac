"""Load the rules: every `RULES` of the listed packages, once, or report all faults of the packages."""

import importlib
import inspect
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

MEND = "Mend it, or take the package out of RULE_PACKAGES."


class BadRules(Exception):
    """The listed packages are at fault. The message lists every fault, with its package, its rule and the remedy."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule. package: its name in RULE_PACKAGES. name: the function's. function: takes the user and the context."""

    package: str
    name: str
    function: Callable[[Any, Any], object]

    def __str__(self) -> str:
        """The name of the rule in the log and the tools."""
        return f"{self.package}.{self.name}"


def load(packages: Iterable[str]) -> tuple[Rule, ...]:
    """Return the rules of these packages, in their order; raises BadRules with all faults at once."""
    names, faults, rules = tuple(packages), [], []
    for package in dict.fromkeys(names):
        if names.count(package) > 1:
            faults.append(f"{package}: is listed twice. List it once in RULE_PACKAGES.")
        try:
            rules += _rules_of(package)
        except BadRules as fault:
            faults.append(str(fault))
    faults += [fault for rule in rules for fault in _faults(rule, rules)]
    if faults:
        raise BadRules("\n".join(dict.fromkeys(faults)))
    return tuple(rules)


def _rules_of(package: str) -> list[Rule]:
    try:
        module = importlib.import_module(package)
    except (Exception, SystemExit) as failure:
        # A package that fails while it is imported is a fault, whatever it raises.
        said = f"{type(failure).__name__}: {failure}"
        raise BadRules(f"{package}: cannot be imported ({said}). {MEND}") from failure
    if not hasattr(module, "RULES"):
        raise BadRules(f"{package}: has no RULES. Give it a list of its rule functions of that name.")
    listed = module.RULES
    if not isinstance(listed, Sequence) or isinstance(listed, str):
        raise BadRules(f"{package}: RULES is no list. Make it a list of rule functions.")
    return [Rule(package, getattr(function, "__name__", repr(function)), function) for function in listed]


def _faults(rule: Rule, rules: list[Rule]) -> list[str]:
    if not callable(rule.function):
        return [f"{rule}: is no function. List functions of two arguments in RULES."]
    if [other.function for other in rules].count(rule.function) > 1:
        return [f"{rule}: is listed twice. List each rule once in RULES."]
    if inspect.iscoroutinefunction(rule.function) or inspect.isgeneratorfunction(rule.function):
        return [f"{rule}: is async or a generator. Make it a plain function."]
    try:
        inspect.signature(rule.function).bind(None, None)
    except (TypeError, ValueError):
        return [f"{rule}: does not take two arguments. Define it as {rule.name}(user, context)."]
    return []

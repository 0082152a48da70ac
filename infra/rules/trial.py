"""Runs rules as a login would, and writes down what each of them changed. Nothing is stored."""

import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from types import SimpleNamespace
from typing import Any

from chalicelib.errors import WireError
from chalicelib.flows.access import AccessPolicy
from chalicelib.model.login import Access, Login
from chalicelib.model.request import Request
from chalicelib.model.tenant import Client
from chalicelib.model.user import User
from chalicelib.rules.loading import Rule
from chalicelib.rules.runner import Decision, Rules
from chalicelib.rules.values import Metadata
from chalicelib.store.config import ConfigStore

ABSENT = "-"


@dataclass(frozen=True, slots=True)
class Change:
    """One value that a rule changed. what: where it is. before, after: as JSON, `-` where there is none."""

    what: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Step:
    """One rule that ran, in ms milliseconds."""

    rule: str
    ms: float
    changes: tuple[Change, ...]


@dataclass(frozen=True, slots=True)
class Attempt:
    """The login to try the rules on. config: the stage's. configuration: the team's settings."""

    config: ConfigStore
    client: Client
    login: Login
    request: Request
    configuration: Mapping[str, str] = field(repr=False)

    def access(self) -> Access:
        """Return what the login is granted before any rule runs; raises a WireError for what it may not ask."""
        policy = AccessPolicy(self.config)
        requested = policy.read_request(self.request, self.client)
        return policy.grant(self.request, requested, self.client, self.login)

    def replaced(self, access: Access, decision: Decision) -> Access:
        """Return what is granted after the rules ran."""
        return AccessPolicy(self.config).limit(self.request, access, decision.access, self.client)


@dataclass(frozen=True, slots=True)
class Trial:
    """The result of a trial. outcome: the error of the login, or what its tokens get and what would be stored.

    warnings, traceback: as the function would log them.
    """

    steps: tuple[Step, ...]
    outcome: dict[str, Any]
    warnings: tuple[str, ...]
    traceback: str

    @property
    def is_broken(self) -> bool:
        """Whether a rule failed, and did not merely deny."""
        return bool(self.outcome.get("status", 0) >= 500)  # noqa: PLR2004 (RFC 9110 15.6)


def attempt_rules(rules: tuple[Rule, ...], attempt: Attempt, budget_s: float) -> Trial:
    """Run the rules on the attempt, by the deployed code, within budget_s seconds together."""
    steps: list[Step] = []
    kept: dict[str, Metadata] = {}

    def keep(_realm: str, _user: User, changed: dict[str, Metadata]) -> None:
        kept.update(changed)

    watched = tuple(_watched(rule, steps) for rule in rules)
    tenant = attempt.config.tenant().friendly_name
    runner = Rules(watched, budget_s, lambda: tenant, lambda: attempt.configuration, keep)
    try:
        access = attempt.access()
        decision = runner.decide(attempt.request.without_secrets(), attempt.client, attempt.login, access)
        outcome = _granted(decision, attempt.replaced(access, decision))
    except WireError as refusal:
        outcome = _refused(refusal)
    said = attempt.request.outcome
    return Trial(tuple(steps), outcome | {"metadata": kept}, tuple(said.warnings), said.traceback)


def as_json(trial: Trial) -> dict[str, Any]:
    """Return a trial as plain values."""
    return asdict(trial)


def _refused(refusal: WireError) -> dict[str, Any]:
    return {
        "status": refusal.status,
        "error": refusal.error,
        "error_description": refusal.description,
        "reason": refusal.reason,
    }


def _granted(decision: Decision, access: Access) -> dict[str, Any]:
    return {
        "scope": access.scope,
        "access_token": dict(access.claims),
        "id_token": dict(access.id_token_claims),
        "multifactor": decision.multifactor,
    }


def _watched(rule: Rule, steps: list[Step]) -> Rule:
    """Return the rule with a note of each run added to steps."""

    def run(user: Any, context: Any) -> None:
        before, started = _values(user, context), time.perf_counter()
        try:
            rule.function(user, context)
        finally:
            ms = 1000 * (time.perf_counter() - started)
            steps.append(Step(str(rule), round(ms, 3), tuple(_changes(before, _values(user, context)))))

    return replace(rule, function=run)


def _changes(before: dict[str, str], after: dict[str, str]) -> Iterator[Change]:
    for what in dict.fromkeys([*before, *after]):
        was, now = before.get(what, ABSENT), after.get(what, ABSENT)
        if was != now:
            yield Change(what, was, now)


def _values(user: Any, context: Any) -> dict[str, str]:
    return dict([*_flat("user", user), *_flat("context", context)])


def _flat(path: str, value: Any) -> Iterator[tuple[str, str]]:
    """Yield every value below a path as JSON; a list is one value."""
    if isinstance(value, dict) and hasattr(value, "scope"):
        yield from _flat(f"{path}.scope", value.scope)
    if isinstance(value, SimpleNamespace):
        for name, member in vars(value).items():
            yield from _flat(f"{path}.{name}", member)
    elif isinstance(value, dict):
        for key, member in value.items():
            yield from _flat(f"{path}[{json.dumps(key, default=repr)}]", member)
    else:
        yield path, json.dumps(value, default=repr, ensure_ascii=False)

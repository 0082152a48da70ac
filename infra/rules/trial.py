"""Run rules as a login runs them, and note what each of them changed. Nothing is stored."""

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
from chalicelib.store.configuration.config import ConfigStore

ABSENT = "-"


@dataclass(frozen=True, slots=True)
class RuleChange:
    """One value that a rule changed. what: its path. before, after: as JSON, or `-` if there is none."""

    what: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class RuleResult:
    """One rule that ran: how long, in milliseconds, and what it changed."""

    rule: str
    ms: float
    changes: tuple[RuleChange, ...]


@dataclass(frozen=True, slots=True)
class TrialLogin:
    """The login that rules are tried on. config: the stage's. configuration: the settings of the rules."""

    config: ConfigStore
    client: Client
    login: Login
    request: Request
    configuration: Mapping[str, str] = field(repr=False)

    def grant_access(self, roles: tuple[str, ...] | None = None) -> Access:
        """Return the access of the login before any rule runs. Raises WireError if the client may not ask for it.

        roles: in place of the user's own.
        """
        policy = AccessPolicy(self.config)
        requested = policy.read_request(self.request, self.client)
        login = self.login if roles is None else self.login.with_roles(roles)
        return policy.grant(self.request, requested, self.client, login)

    def limit_access(self, access: Access, decision: Decision) -> Access:
        """Return the access after the rules ran."""
        if decision.roles is not None:
            before, access = access, self.grant_access(decision.roles)
            decision = decision.rebase(before, access)
        return AccessPolicy(self.config).limit(self.request, access, decision.access, self.client)


@dataclass(frozen=True, slots=True)
class Trial:
    """The result of a trial. outcome: the error of the login, or the content of its tokens and the changed metadata.

    warnings, traceback: as the function would log them.
    """

    steps: tuple[RuleResult, ...]
    outcome: dict[str, Any]
    warnings: tuple[str, ...]
    traceback: str

    @property
    def is_broken(self) -> bool:
        """Whether a rule failed. A rule that denies the login has not failed."""
        return bool(self.outcome.get("status", 0) >= 500)  # noqa: PLR2004 (RFC 9110 15.6)


def try_rules(rules: tuple[Rule, ...], trial_login: TrialLogin, budget_s: float) -> Trial:
    """Return the result of running the rules on a trial login, by the deployed code.

    budget_s: the seconds that all rules have together.
    """
    steps: list[RuleResult] = []
    kept: dict[str, Metadata] = {}

    def keep(_realm: str, _user: User, changed: dict[str, Metadata]) -> None:
        kept.update(changed)

    watched = tuple(_watch(rule, steps) for rule in rules)
    tenant = trial_login.config.tenant().friendly_name
    runner = Rules(watched, budget_s, lambda: tenant, lambda: trial_login.configuration, keep)
    try:
        access = trial_login.grant_access()
        decision = runner.decide(trial_login.request.without_secrets(), trial_login.client, trial_login.login, access)
        outcome = _success(decision, trial_login.limit_access(access, decision))
    except WireError as refusal:
        outcome = _error(refusal)
    logged = trial_login.request.outcome
    return Trial(tuple(steps), outcome | {"metadata": kept}, tuple(logged.warnings), logged.traceback)


def as_json(trial: Trial) -> dict[str, Any]:
    """Return a trial as plain values."""
    return asdict(trial)


def _error(refusal: WireError) -> dict[str, Any]:
    return {
        "status": refusal.status,
        "error": refusal.error,
        "error_description": refusal.description,
        "reason": refusal.reason,
    }


def _success(decision: Decision, access: Access) -> dict[str, Any]:
    return {
        "scope": access.scope,
        **({} if access.permissions is None else {"permissions": list(access.permissions)}),
        "access_token": dict(access.claims),
        "id_token": dict(access.id_token_claims),
        "multifactor": decision.multifactor,
    }


def _watch(rule: Rule, steps: list[RuleResult]) -> Rule:
    """Return the rule, made to add its result to steps each time it runs."""

    def run(user: Any, context: Any) -> None:
        before, started = _values(user, context), time.perf_counter()
        try:
            rule.function(user, context)
        finally:
            ms = 1000 * (time.perf_counter() - started)
            steps.append(RuleResult(str(rule), round(ms, 3), tuple(_changes(before, _values(user, context)))))

    return replace(rule, function=run)


def _changes(before: dict[str, str], after: dict[str, str]) -> Iterator[RuleChange]:
    for what in dict.fromkeys([*before, *after]):
        was, now = before.get(what, ABSENT), after.get(what, ABSENT)
        if was != now:
            yield RuleChange(what, was, now)


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

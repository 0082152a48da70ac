"""Run the rules of a login, in order and within their time, and return their decision (docs/adr/0012)."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from chalicelib.deadline import MAX_THREADS, OutOfTime, TooManyThreads, run_within
from chalicelib.errors import AccessDenied, InteractionRequired, ServerError, printable
from chalicelib.model.login import Access, Login
from chalicelib.model.request import Outcome, Request
from chalicelib.model.tenant import Client
from chalicelib.model.user import User
from chalicelib.rules.claims import refusal
from chalicelib.rules.context import RuleArguments, RuleContext, make_arguments
from chalicelib.rules.faults import BadRule, RuleFailed, traceback_of
from chalicelib.rules.loading import Rule
from chalicelib.rules.spelling import find_meant
from chalicelib.rules.values import Metadata, as_json, changed_metadata

FAILED = "The login could not be completed."
NO_REDIRECT = "redirection is not available on /oauth/token endpoint"
PROVIDER = "provider"
MAX_SCOPES = 200
MAX_ROLES = 200
THREAD = "rules"
_SCOPE = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]{1,200}")  # RFC 6749 3.3


@dataclass(slots=True, eq=False, repr=False)
class Run:
    """One run of the rules of a login, and what each rule did.

    current: the rule that runs, or ran last. state: the values that rules may set, as they are now. set_by: the rule
    that set each of them last. members: the names that user and context had before the first rule.
    """

    arguments: RuleArguments
    current: Rule | None = None
    state: dict[tuple[str, object], Any] = field(default_factory=dict)
    set_by: dict[tuple[str, object], Rule] = field(default_factory=dict)
    failure: BaseException | None = None
    members: dict[str, frozenset[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Note the values and names before the first rule."""
        self.state = self._state()
        self.members = {
            "user": frozenset(vars(self.arguments.user)),
            "context": frozenset(vars(self.arguments.context)),
        }

    def run_rule(self, rule: Rule) -> None:
        """Run one rule and note the values that it set; raises whatever it raises."""
        self.current = rule
        rule.function(self.arguments.user, self.arguments.context)
        self._refuse_misspelt(rule)
        before, self.state = self.state, self._state()
        for what, value in self.state.items():
            if what not in before or before[what] is not value:
                self.set_by[what] = rule

    def run_all(self, rules: tuple[Rule, ...]) -> None:
        """Run the rules until one denies. An exception of a rule is kept in `failure`, for another thread."""
        try:
            for rule in rules:
                self.run_rule(rule)
                if self.arguments.denials:
                    return
        except BaseException as failure:
            self.failure = failure

    def _refuse_misspelt(self, rule: Rule) -> None:
        """Raise BadRule if a rule set a misspelt member: a demand for MFA would get lost."""
        for thing, members in self.members.items():
            for name in vars(getattr(self.arguments, thing)).keys() - members:
                if right := find_meant(name, members):
                    raise BadRule(rule, f"set {thing}.{printable(name)}: did you mean {right}?")

    def _state(self) -> dict[tuple[str, object], Any]:
        user, context, tokens = self.arguments.user, self.arguments.context, self.arguments.tokens
        if any(getattr(context, name, None) is not token for name, token in tokens.items()):
            raise BadRule(self.current, "replaced a token: claims are set on context.access_token and context.id_token")
        if not (isinstance(user.app_metadata, dict) and isinstance(user.user_metadata, dict)):
            raise BadRule(self.current, "made app_metadata or user_metadata something else than a dict")
        state = {(name, claim): value for name, token in tokens.items() for claim, value in token.items()}
        state["", "redirect"], state["", "multifactor"] = context.redirect, context.multifactor
        state["", "scope"] = context.access_token.scope
        state["", "roles"] = getattr(getattr(context, "authorization", None), "roles", None)
        return state


@dataclass(frozen=True, slots=True)
class Decision:
    """The decision of the rules. access: as rules changed it. multifactor: None if no rule set it.

    roles: those that rules left for this login, None for the user's own.
    """

    access: Access
    multifactor: bool | None = None
    roles: tuple[str, ...] | None = None

    def rebase(self, granted: Access, regranted: Access) -> "Decision":
        """Return the decision for what changed roles permit. Scopes that rules added or took out stay so."""
        left = self.access.scopes
        kept = (one for one in regranted.scopes if one in left or one not in granted.scopes)
        added = (one for one in left if one not in granted.scopes)
        access = replace(self.access, scopes=tuple(dict.fromkeys((*kept, *added))), permissions=regranted.permissions)
        return replace(self, access=access)


@dataclass(slots=True, eq=False, repr=False)
class Rules:
    """The loaded rules. budget_s: the seconds that all of them have together. tenant: returns its friendly name.

    configuration: returns the team's secrets for them. keep: stores changed metadata of a realm's user.
    """

    rules: tuple[Rule, ...]
    budget_s: float
    tenant: Callable[[], str]
    configuration: Callable[[], Mapping[str, str]]
    keep: Callable[[str, User, dict[str, Metadata]], None]

    def decide(self, request: Request, client: Client, login: Login, access: Access) -> Decision:
        """Return the decision of the rules on a user's login.

        Raises AccessDenied, InteractionRequired; ServerError if a rule raises, runs past the time or does something
        that no rule may. Changed metadata is stored, even if the login is denied.
        """
        if not self.rules or login.user is None:
            return Decision(access)
        user, configuration = login.person, self.configuration()
        run = Run(make_arguments(RuleContext(request, client, login, user, access, self.tenant(), configuration)))
        try:
            self._run(run)
            decision = replace(_decision(run, access, request.outcome), roles=_changed_roles(run, user))
            changed = changed_metadata(run.arguments, user)
        except BadRule as fault:
            raise ServerError(FAILED, reason=str(fault)) from None
        except RuleFailed as failed:
            request.outcome.traceback = traceback_of(failed.failure, configuration)
            raise ServerError(FAILED, reason=str(failed)) from None
        if changed:
            self.keep(login.realm, user, changed)
        _refuse(run)
        return decision

    def _run(self, run: Run) -> None:
        try:
            run_within(self.budget_s, THREAD, lambda: run.run_all(self.rules))
        except TooManyThreads:
            raise BadRule(None, f"of {MAX_THREADS} earlier logins are still running, so none is run") from None
        except OutOfTime:
            words = f"ran past the {self.budget_s:g} s that all rules have together"
            raise BadRule(run.current, words) from None
        if isinstance(run.failure, BadRule):
            raise run.failure
        if run.failure:
            raise RuleFailed(run.current, run.failure)


def _refuse(run: Run) -> None:
    if run.arguments.denials:
        said = run.arguments.denials[0]
        words = said if isinstance(said, str) and said else "The login was denied."
        raise AccessDenied(words, reason=f"rule {run.current} denied")
    if run.arguments.context.redirect:
        raise InteractionRequired(NO_REDIRECT, reason=f"rule {run.set_by['', 'redirect']} set context.redirect")


def _decision(run: Run, access: Access, outcome: Outcome) -> Decision:
    scopes = _scopes(run)
    claims = _claims(run, "access_token", scopes, outcome)
    id_token_claims = _claims(run, "id_token", scopes, outcome)
    multifactor = _multifactor(run, outcome)
    return Decision(replace(access, scopes=scopes, claims=claims, id_token_claims=id_token_claims), multifactor)


def _multifactor(run: Run, outcome: Outcome) -> bool | None:
    """Return whether rules ask for a second factor, None if no rule said; a member without effect is a warning."""
    asked = run.arguments.context.multifactor
    if not isinstance(asked, dict):
        return bool(asked) or None
    if vain := [printable(str(name)) for name in asked if name != PROVIDER]:
        who = run.set_by["", "multifactor"]
        outcome.warnings.append(f"rule {who}: context.multifactor: no effect here: {', '.join(vain)}")
    return bool(asked.get(PROVIDER) != "none")


def _scopes(run: Run) -> tuple[str, ...]:
    scope = run.arguments.context.access_token.scope
    listed = scope.split() if isinstance(scope, str) else scope
    is_list = isinstance(listed, list | tuple) and len(listed) <= MAX_SCOPES
    if not is_list or not all(isinstance(one, str) and _SCOPE.fullmatch(one) for one in listed):
        raise BadRule(
            run.set_by.get(("", "scope")), "set context.access_token.scope to something other than a list of scopes"
        )
    return tuple(dict.fromkeys(listed))


def _changed_roles(run: Run, user: User) -> tuple[str, ...] | None:
    """Return the roles that rules left for this login, None if they are the user's own."""
    left = run.state["", "roles"]
    is_list = isinstance(left, list | tuple) and len(left) <= MAX_ROLES
    if not is_list or not all(isinstance(one, str) for one in left):
        raise BadRule(
            run.set_by.get(("", "roles")), "set context.authorization.roles to something other than a list of names"
        )
    return None if set(left) == set(user.roles) else tuple(left)


def _claims(run: Run, token: str, scopes: tuple[str, ...], outcome: Outcome) -> dict[str, Any]:
    """Return the claims that rules set, without those that no rule may set; each of these leaves a warning."""
    accepted = {}
    for claim, value in run.arguments.tokens[token].items():
        why = refusal(claim, scopes)
        if why:
            who, name = run.set_by[token, claim], printable(str(claim))
            outcome.warnings.append(f"rule {who}: {token} claim {name} left out: {why}")
        else:
            accepted[claim] = value
    try:
        copied: dict[str, Any] = as_json(accepted, None, "")
        return copied
    except BadRule:
        return {claim: _json_claim(run, token, claim, value) for claim, value in accepted.items()}


def _json_claim(run: Run, token: str, claim: str, value: Any) -> Any:
    fault = f"set the {token} claim {printable(claim)} to a value that is not JSON"
    return as_json({claim: value}, run.set_by[token, claim], fault)[claim]

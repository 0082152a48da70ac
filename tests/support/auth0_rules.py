"""Rules of Auth0 and their translations: the same logins run through both, and their outcomes are compared."""

import importlib
import itertools
import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from chalicelib.model.login import Access, Login
from chalicelib.model.request import Request
from chalicelib.model.tenant import Client
from chalicelib.model.user import User
from chalicelib.rules.context import RuleArguments, RuleContext, make_arguments
from chalicelib.rules.loading import Rule, load
from chalicelib.rules.runner import Run
from chalicelib.rules.values import changed_metadata

EXPORT = Path(__file__).parent / "auth0_export"
RUNNER = EXPORT / "run.js"
SATURDAY_MS, MONDAY_MS = 1_795_867_200_000, 1_796_040_000_000
_numbers = itertools.count(1)


@dataclass(frozen=True)
class Case:
    """One login that rules run in. connection: Auth0's name of the realm. geoip: {} if the place is unknown."""

    user: Mapping[str, Any] = field(default_factory=dict)
    client: str = "Timesheets web"
    client_metadata: Mapping[str, str] = field(default_factory=dict)
    realm: str = "username-password-authentication"
    connection: str = "Username-Password-Authentication"
    protocol: str = "oauth2-password"
    amr: tuple[str, ...] = ("pwd",)
    ip: str = "192.0.2.1"
    geoip: Mapping[str, Any] = field(default_factory=lambda: {"country_code": "DE"})
    body: Mapping[str, Any] = field(default_factory=dict)
    configuration: Mapping[str, str] = field(default_factory=dict)
    now_ms: int = MONDAY_MS
    scopes: tuple[str, ...] = ("read:timesheets", "approve:timesheets")

    def occasion(self) -> RuleContext:
        """Return the login as Gatehouse's rules see it."""
        known: dict[str, Any] = {"email": "ada@acme.example.com", "name": "Ada", "email_verified": True}
        user = User(f"{self.realm}|1", **(known | dict(self.user)))
        client = Client("app", self.client, "none", frozenset({"password"}), frozenset({self.realm}))
        client = replace(client, client_metadata=dict(self.client_metadata))
        login = Login(user.user_id, "app", ("password",), self.protocol, self.amr, 1_795_000_000, user, self.realm)
        request = Request("https://login.example.com/", self.ip, body=dict(self.body), geoip=dict(self.geoip))
        access = Access("https://api.example.com/timesheets", self.scopes)
        return RuleContext(request, client, login, user, access, "Acme", dict(self.configuration))

    def at_auth0(self) -> dict[str, Any]:
        """Return the login as Auth0's rules saw it: what is absent is undefined, and so is empty metadata."""
        made = make_arguments(self.occasion())
        user = {name: value for name, value in vars(made.user).items() if value is not None}
        for name in ("app_metadata", "user_metadata"):
            if not user[name]:
                del user[name]
        seen = made.context
        context = {
            "clientID": seen.client_id,
            "clientName": seen.client_name,
            "clientMetadata": seen.client_metadata,
            "connection": self.connection,
            "connectionStrategy": "auth0",
            "protocol": seen.protocol,
            "stats": {"loginsCount": seen.stats.logins_count},
            "authentication": {"methods": seen.authentication.methods},
            "authorization": {"roles": seen.authorization.roles},
            "accessToken": {"scope": list(self.scopes)},
            "idToken": {},
            "request": {
                "ip": self.ip,
                "userAgent": seen.request.user_agent,
                "hostname": seen.request.hostname,
                "query": {},
                "body": dict(self.body),
                "geoip": dict(self.geoip),
            },
        }
        # What app_metadata has as null at its first level is null beside it too.
        merged = self.user.get("app_metadata", {})
        user |= {name: None for name, value in merged.items() if value is None and name not in user}
        return {"user": user, "context": context, "configuration": dict(self.configuration), "now": self.now_ms}


def run_at_auth0(scripts: Mapping[str, str], cases: list[Case]) -> dict[str, list[dict[str, Any]]]:
    """Return the outcomes of each rule in each case, by a real JavaScript engine."""
    given = json.dumps({"scripts": dict(scripts), "cases": [case.at_auth0() for case in cases]})
    ran = subprocess.run(["node", str(RUNNER)], input=given, capture_output=True, text=True, check=True)
    outcomes: dict[str, list[dict[str, Any]]] = json.loads(ran.stdout)
    return outcomes


@contextmanager
def imported(files: Mapping[str, str], folder: Path) -> Iterator[dict[str, Rule]]:
    """Write the files of a rule package into a folder under a name of its own, import it, and yield its rules."""
    name = f"moved_rules_{next(_numbers)}"
    (folder / name).mkdir(parents=True)
    for file, text in files.items():
        (folder / name / file).write_text(text, "utf-8")
    sys.path.insert(0, str(folder))
    importlib.invalidate_caches()
    try:
        yield {rule.name: rule for rule in load((name,))}
    finally:
        sys.path.remove(str(folder))
        for module in [one for one in sys.modules if one.partition(".")[0] == name]:
            del sys.modules[module]


def run_here(rule: Rule, case: Case) -> dict[str, Any]:
    """Return the outcome of a rule in a case, by the code that runs rules in a login."""
    module = sys.modules[rule.function.__module__]
    if hasattr(module, "now"):
        vars(module)["now"] = lambda: case.now_ms
    seen = case.occasion()
    made = make_arguments(seen)
    try:
        Run(made).run_rule(rule)
    except Exception:
        return {"error": True}
    return _outcome(made, seen.user)


def _outcome(made: RuleArguments, user: User) -> dict[str, Any]:
    stored = changed_metadata(made, user)
    if made.denials:
        return {"denied": made.denials[0], "stored": stored}
    context = made.context
    passed = {
        "access": dict(context.access_token),
        "id": dict(context.id_token),
        "scope": context.access_token.scope,
        "multifactor": context.multifactor["provider"] if context.multifactor else None,
    }
    return {"passed": passed, "stored": stored}


CASES = [
    Case(),
    Case(user={"email_verified": False}),
    Case(
        user={
            "app_metadata": {"plan": "gold", "roles": ["manager"], "first_client": "Reports web"},
            "nickname": "ada",
            "roles": ("manager",),
        }
    ),
    Case(user={"app_metadata": {"plan": None, "roles": "manager"}, "user_metadata": {"trial": {"logins_left": 0}}}),
    Case(user={"user_metadata": {"trial": {"logins_left": 0}}, "logins_count": 9}),
    Case(user={"user_metadata": {"trial": {"logins_left": 2}}, "logins_count": 9}, client="Reports web"),
    Case(user={"user_metadata": {"trial": {"logins_left": "2"}}, "logins_count": 9}),
    Case(user={"user_metadata": {"trial": "over"}, "email": "", "name": ""}),
    Case(user={"email": "bob@EXAMPLE.org", "nickname": "bob 😀"}, client_metadata={"mfa": "required"}),
    Case(user={"email": "eve@example.com"}, client_metadata={"mfa": "required"}, amr=("pwd", "otp", "mfa")),
    Case(client_metadata={"mfa": "required"}, protocol="oauth2-refresh-token"),
    Case(client_metadata={"audience": "internal"}, realm="partner-directory", connection="Partner-Directory"),
    Case(client_metadata={"audience": "external"}, realm="partner-directory", connection="Partner-Directory"),
    Case(client_metadata={"audience": "internal"}, realm="customers", connection="Customers"),
    Case(user={"created_at": SATURDAY_MS // 1000 - 86_400}, now_ms=SATURDAY_MS),
    Case(user={"created_at": SATURDAY_MS // 1000 - 8 * 86_400}, now_ms=SATURDAY_MS),
    Case(user={"created_at": MONDAY_MS // 1000 - 86_400}),
    Case(geoip={"country_code": "US"}),
    Case(geoip={"country_code": "US"}, configuration={"OFFICE_ADDRESSES": "198.51.100.7, 192.0.2.1"}),
]
CONNECTIONS = {
    "username-password-authentication": "Username-Password-Authentication",
    "partner-directory": "Partner-Directory",
    "customers": "Customers",
}
OUTCOMES = EXPORT / "outcomes.json"


def read_scripts() -> dict[str, str]:
    """Return the rules of the export by name."""
    return {path.stem: path.read_text("utf-8") for path in sorted((EXPORT / "rules").glob("*.js"))}


if __name__ == "__main__":
    # What the rules do in JavaScript: written down, so that the tests need no engine.
    lines = {name: [json.dumps(one) for one in found] for name, found in run_at_auth0(read_scripts(), CASES).items()}
    shown = ",\n".join(f" {json.dumps(name)}: [\n  " + ",\n  ".join(found) + "\n ]" for name, found in lines.items())
    OUTCOMES.write_text(f"{{\n{shown}\n}}\n", "utf-8")

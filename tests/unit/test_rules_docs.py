"""docs/use/rules.md: every Python sample in it is run, and does what the page says."""

import inspect
import re
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from chalicelib.deadline import MAX_THREADS
from chalicelib.http.viewer import NAMES
from chalicelib.model.login import Access, Login
from chalicelib.model.request import Request
from chalicelib.model.tenant import Client
from chalicelib.model.user import User
from chalicelib.rules.claims import RESTRICTED
from chalicelib.rules.context import UNMERGED, RuleArguments, RuleContext, make_arguments
from chalicelib.rules.loading import load
from chalicelib.rules.runner import MAX_SCOPES, Run
from chalicelib.rules.values import MAX_METADATA_BYTES, MAX_METADATA_DEPTH
from chalicelib.settings import MAX_BUDGET_S, Settings
from infra.rules.settings import MAX_LENGTH
from tests.support.rules import package

PAGE = (Path(__file__).parents[2] / "docs" / "use" / "rules.md").read_text("utf-8")
SAMPLES = re.findall(r"^```python\n(.+?)^```$", PAGE, re.MULTILINE | re.DOTALL)
SATURDAY = 5
NAMESPACE = "https://acme.example.com/"


def members(sample: str) -> dict[str, Any]:
    """Run a sample, and return what it defines."""
    found: dict[str, Any] = {}
    exec(sample, found)  # noqa: S102 (our own page)
    return found


def functions(sample: str) -> list[Callable[..., Any]]:
    return [one for one in members(sample).values() if inspect.isfunction(one)]


def rules() -> dict[str, Callable[..., Any]]:
    """Return every rule of the page by its name."""
    found = [one for sample in SAMPLES for one in functions(sample)]
    return {one.__name__: one for one in found if not one.__name__.startswith("test_")}


def occasion(protocol: str = "oauth2-password", amr: tuple[str, ...] = ("pwd",), **fields: Any) -> RuleContext:
    """Return a login of somebody without a verified email, through a client that requires a second factor."""
    user = User("employees|1", email="ada@example.com", username="ada", **fields)
    client = Client(
        "app", "App", "none", frozenset({"password"}), frozenset({"employees"}), client_metadata={"mfa": "required"}
    )
    login = Login(user.user_id, "app", ("password",), protocol, amr, int(time.time()), user, "employees")
    access = Access("https://api.example.com/timesheets", ("read:timesheets", "approve:timesheets"))
    return RuleContext(Request("https://login.example.com/", "192.0.2.1"), client, login, user, access, "Acme", {})


def ran(name: str, seen: RuleContext) -> RuleArguments:
    """Run one rule of the page as a login would, and return what it left."""
    made = make_arguments(seen)
    with package(rules()[name]) as listed:
        Run(made).run_rule(load((listed,))[0])
    return made


def test_page_has_the_samples_that_these_tests_know() -> None:
    assert sorted(rules()) == [
        "add_claims",
        "first_client",
        "managers_approve",
        "mfa_for_client",
        "no_new_accounts_at_weekends",
        "only_staff",
        "only_verified_emails",
        "roles_claim",
    ]


@pytest.mark.parametrize("sample", SAMPLES, ids=range(len(SAMPLES)))
def test_sample_defines_rules_that_load_and_tests_that_pass(sample: str) -> None:
    found = functions(sample)
    tests = [one for one in found if one.__name__.startswith("test_")]
    with package(*(one for one in found if one not in tests)) as name:
        assert load((name,))
    for test in tests:
        test()


def test_list_of_the_first_sample_is_what_a_package_needs() -> None:
    assert [rule.__name__ for rule in members(SAMPLES[0])["RULES"]] == ["roles_claim"]


def test_each_ported_rule_stands_beside_the_one_of_auth0() -> None:
    assert len(re.findall(r"^```js\n.+?^```\n\n```python$", PAGE, re.MULTILINE | re.DOTALL)) == 6


def test_claims_are_added() -> None:
    context = ran("add_claims", occasion(app_metadata={"plan": "gold"})).context
    assert context.access_token == {f"{NAMESPACE}email": "ada@example.com"}
    assert context.id_token == {f"{NAMESPACE}plan": "gold"}
    assert ran("add_claims", occasion()).context.id_token == {f"{NAMESPACE}plan": "free"}


def test_roles_are_claimed() -> None:
    left = ran("roles_claim", occasion(app_metadata={"roles": ["manager"]}))
    assert left.context.access_token == {f"{NAMESPACE}roles": ["manager"]}


@pytest.mark.parametrize(
    ("email_verified", "denials"), [(False, ["Please verify your email before logging in."]), (True, [])]
)
def test_unverified_email_is_denied(email_verified: bool, denials: list[str]) -> None:
    assert ran("only_verified_emails", occasion(email_verified=email_verified)).denials == denials


@pytest.mark.parametrize(
    ("roles", "scopes"),
    [([], ["read:timesheets"]), (["manager"], ["read:timesheets", "approve:timesheets"])],
)
def test_scopes_are_replaced(roles: list[str], scopes: list[str]) -> None:
    left = ran("managers_approve", occasion(roles=tuple(roles)))
    assert left.context.access_token.scope == scopes


@pytest.mark.parametrize(
    ("day", "get_day"), [("2026-11-22", 0), ("2026-11-23", 1), ("2026-11-27", 5), ("2026-11-28", 6)]
)
def test_weekday_of_the_porting_table_is_that_of_javascript(day: str, get_day: int) -> None:
    (expression,) = re.findall(r"0 for Sunday \| `datetime\.now\(UTC\)(\.isoweekday\(\) % 7)`", PAGE)
    assert eval(f"day{expression}", {"day": datetime.fromisoformat(day)}) == get_day  # noqa: S307 (our own page)
    assert (datetime.fromisoformat(day).weekday() + 1) % 7 == get_day


@pytest.mark.parametrize(("age_days", "is_denied"), [(1, True), (30, False)])
def test_account_that_is_new_is_denied_at_weekends(age_days: int, is_denied: bool) -> None:
    denials = ran("no_new_accounts_at_weekends", occasion(created_at=int(time.time()) - 86_400 * age_days)).denials
    assert bool(denials) == (is_denied and datetime.now(UTC).weekday() >= SATURDAY)


def test_place_has_the_names_and_headers_of_the_code() -> None:
    table = section("What a rule sees").partition("### geoip")[2].partition("The place is known")[0]
    assert set(re.findall(r"`([a-z_]+)`", table)) == NAMES


def test_first_client_is_remembered() -> None:
    assert ran("first_client", occasion()).user.app_metadata == {"first_client": "App"}


@pytest.mark.parametrize(
    ("protocol", "amr", "multifactor"),
    [
        ("oauth2-password", ("pwd",), {"provider": "any"}),
        ("oauth2-password", ("pwd", "otp", "mfa"), None),
        ("oauth2-refresh-token", ("pwd",), None),
    ],
)
def test_second_factor_is_asked_for(protocol: str, amr: tuple[str, ...], multifactor: object) -> None:
    assert ran("mfa_for_client", occasion(protocol, amr)).context.multifactor == multifactor


def section(title: str) -> str:
    return PAGE.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def names_in(table: str) -> set[str]:
    """Return every name that the first column of a table has in backticks."""
    cells = [line.split("|")[1] for line in table.splitlines() if line.startswith("|")]
    return {name.partition("(")[0] for cell in cells for name in re.findall(r"`([^`]+)`", cell)}


def test_every_member_of_user_and_context_is_on_the_page() -> None:
    made = make_arguments(occasion())
    user, _, context = section("What a rule sees").partition("**`context`**")
    request = {f".{name}" for name in vars(made.context.request)}
    known = {name.removeprefix("request") for name in names_in(context)}
    assert set(vars(made.user)) | {"app_metadata"} == names_in(user)
    assert {name for name in vars(made.context) if name not in known} == {
        "stats",
        "authentication",
        "authorization",
        "request",
    }
    assert request <= known
    assert {"stats.logins_count", "authentication.methods", "authorization.roles", "access_token.scope"} <= known


def test_every_reserved_member_of_app_metadata_is_on_the_page() -> None:
    assert [name for name in UNMERGED if f"`{name}`" not in section("What a rule sees")] == []


def test_claims_that_the_page_calls_reserved_are() -> None:
    listed = section("Claims").partition("**Reserved**")[2].partition(")")[0]
    assert set(re.findall(r"`([a-z_]+)`", listed)) <= RESTRICTED


@pytest.mark.parametrize(
    "words",
    [
        f"| {Settings('dev').rule_budget_s:g} seconds; `GATEHOUSE_RULE_BUDGET_S` ",
        f" of the stage sets it, up to {MAX_BUDGET_S} |",
        f"| {MAX_METADATA_BYTES // 1024} KiB each |",
        f"| levels of objects and lists in each of them | {MAX_METADATA_DEPTH} |",
        f"| runs of rules that hang, in one process | {MAX_THREADS} |",
        f"| {MAX_SCOPES}, of 200 characters each |",
        f"| {MAX_LENGTH} characters |",
    ],
)
def test_limits_of_the_page_are_those_of_the_code(words: str) -> None:
    assert words in section("Limits")

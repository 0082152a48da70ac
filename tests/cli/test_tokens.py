"""`gatehouse tokens`: what a person has out, by client, and the end of one, a client's or all."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest
from click import unstyle
from typer.testing import CliRunner

from chalicelib.model.user import User
from infra.cli.main import app
from infra.cli.options import console
from infra.stage.aws import Stage
from tests.support.clients import make_client
from tests.support.fixed import Clock
from tests.support.http import BACKEND, TIMESHEETS, Http
from tests.support.people import PeopleMaker

# Wide enough for any table; what an 80-column terminal shows is a test of its own.
WIDE = 250
# What each column of the table holds, top to bottom.
COLUMNS = (("family",), ("client_id",), ("created", "from"), ("last_used", "last_from"), ("ends",))
NATIVE = {"client_id": "demo-native"}
SCOPE = "openid offline_access read:timesheets"
UNKNOWN = {"error": "invalid_grant", "error_description": "Unknown or invalid refresh token."}
SAY_WHICH = "Say which: --family ID, --client ID or --all.\n"

Client = dict[str, str]
Login = Callable[..., str]


@dataclass(frozen=True, slots=True)
class Ran:
    """The result of a command."""

    code: int
    out: str
    err: str


@dataclass(frozen=True, slots=True)
class Tokens:
    """`gatehouse tokens`, about one person. shown: everything that it printed."""

    stage: Stage
    user: User
    shown: list[str] = field(default_factory=list)

    def run(self, command: str, *options: str, user: str = "", realm: str = "employees", columns: int = WIDE) -> Ran:
        """Run a command about the person, or about another user; what it does not handle is raised here."""
        # This console is made at import, and keeps the COLUMNS of then, where there were any.
        console.width = columns
        about = ["--user", user or self.user.username, "--realm", realm, "--stage", self.stage.name]
        environment = {"COLUMNS": str(columns)}
        result = CliRunner().invoke(app, ["tokens", command, *about, *options], env=environment, catch_exceptions=False)
        self.shown.extend((result.stdout, result.stderr))
        return Ran(result.exit_code, unstyle(result.stdout), unstyle(result.stderr))

    def listed(self, user: str = "") -> list[dict[str, Any]]:
        """Return what `tokens list --json` says."""
        ran = self.run("list", "--json", user=user)
        assert (ran.code, ran.err) == (0, "")
        rows: list[dict[str, Any]] = json.loads(ran.out)
        return rows


@pytest.fixture
def user(people: PeopleMaker) -> User:
    return people.make()


@pytest.fixture
def tokens(stage: Stage, user: User) -> Tokens:
    return Tokens(stage, user)


@pytest.fixture
def login(http: Http, user: User) -> Login:
    """Logs the person in through a client, and returns the refresh token."""

    def logged_in(client: Client = BACKEND, **params: str | None) -> str:
        credentials: dict[str, str | None] = {"client_id": None, "client_secret": None}
        given = credentials | client | {"username": user.username, "scope": SCOPE} | params
        token: str = http.login(**given).json()["refresh_token"]
        return token

    return logged_in


def lives(http: Http, token: str, client: Client = BACKEND) -> bool:
    """Whether a refresh token still works; a rotating one is used up."""
    response = http.refresh(token, client)
    assert response.status_code == 200 or (response.status_code, response.json()) == (400, UNKNOWN)
    return bool(response.status_code == 200)


def shown_time(epoch_s: float) -> str:
    return datetime.fromtimestamp(int(epoch_s), UTC).strftime("%Y-%m-%d %H:%M:%SZ")


def client_with(stage: Stage, **changes: Any) -> Client:
    """Register a client whose refresh tokens stay as they are, but for the changes of their policy."""
    month_s = 2_592_000
    policy = {
        "rotation_type": "non-rotating",
        "leeway": None,
        "token_lifetime": month_s,
        "infinite_token_lifetime": False,
        "idle_token_lifetime": month_s,
        "infinite_idle_token_lifetime": False,
    }
    return {"client_id": make_client(stage, secret="s", refresh_token=policy | changes), "client_secret": "s"}


# list


def test_list_says_which_client_when_and_from_where(tokens: Tokens, login: Login, http: Http, clock: Clock) -> None:
    clock.advance(-3600)
    began_at, token = clock(), login()
    clock.advance(600)
    http.refresh(token)
    (row,) = tokens.listed()

    family = row.pop("family")
    assert len(family) == 32
    assert int(family, 16) >= 0
    assert row == {
        "client_id": "demo-backend",
        "audience": TIMESHEETS,
        "scope": SCOPE,
        "created": shown_time(began_at),
        "from": http.source_ip,
        "last_used": shown_time(began_at + 600),
        "last_from": http.source_ip,
        "ends": shown_time(int(began_at) + 2_592_000),
    }


def test_last_use_is_shown_from_where_it_came(tokens: Tokens, login: Login, http: Http) -> None:
    token, first_ip = login(), http.source_ip
    http.source_ip = "192.0.2.77"
    http.refresh(token)
    (row,) = tokens.listed()

    assert (row["from"], row["last_from"]) == (first_ip, "192.0.2.77")


def test_list_shows_one_family_a_login_by_client_and_age(
    tokens: Tokens, login: Login, http: Http, clock: Clock
) -> None:
    clock.advance(-100)
    login(NATIVE)
    for _ in range(2):
        clock.advance(10)
        http.refresh(login())
    rows = tokens.listed()

    assert [row["client_id"] for row in rows] == ["demo-backend", "demo-backend", "demo-native"]
    assert rows[0]["created"] < rows[1]["created"]
    assert len({row["family"] for row in rows}) == 3


def test_family_for_userinfo_alone_and_without_an_end_is_listed(tokens: Tokens, login: Login, stage: Stage) -> None:
    client = client_with(stage, infinite_token_lifetime=True, infinite_idle_token_lifetime=True)
    login(client)
    (row,) = tokens.listed()

    assert row["ends"] == "never"


@pytest.mark.parametrize("columns", [WIDE, 80])
def test_table_holds_what_the_json_does(tokens: Tokens, login: Login, columns: int) -> None:
    login()
    login(NATIVE)
    ran, rows = tokens.run("list", columns=columns), tokens.listed()

    assert (ran.code, ran.err) == (0, "")
    assert [re.split("  +", line) for line in ran.out.splitlines()[1:]] == [
        [" ".join(row[name] for name in names) for names in COLUMNS] for row in rows
    ]


def test_person_without_tokens_has_none_to_list(tokens: Tokens, http: Http) -> None:
    http.login(username=tokens.user.username)

    assert tokens.listed() == []
    assert tokens.run("list").code == 0


def test_person_is_found_by_username_email_and_user_id(tokens: Tokens, login: Login) -> None:
    login()

    by_username = tokens.listed()
    assert len(by_username) == 1
    assert tokens.listed(user=tokens.user.email) == by_username
    assert tokens.listed(user=tokens.user.user_id) == by_username


def test_other_people_are_not_listed(tokens: Tokens, login: Login, http: Http, people: PeopleMaker) -> None:
    other = people.make()
    http.login(username=other.username, scope=SCOPE)
    login()

    assert len(tokens.listed()) == 1
    assert len(tokens.listed(user=other.username)) == 1


@pytest.mark.parametrize(
    "policy",
    [{"token_lifetime": 60, "idle_token_lifetime": 60}, {"idle_token_lifetime": 60}],
    ids=["absolute", "idle"],
)
def test_family_that_ended_by_time_is_not_listed(
    tokens: Tokens, login: Login, stage: Stage, clock: Clock, policy: dict[str, int]
) -> None:
    clock.advance(-100)
    login(client_with(stage, **policy))
    live = client_with(stage)
    login(live)

    # TTL has swept neither: what is over is told by the clock.
    assert [row["client_id"] for row in tokens.listed()] == [live["client_id"]]


def test_family_that_was_revoked_is_not_listed(tokens: Tokens, login: Login, http: Http) -> None:
    one, _ = login(), login()
    http.post("/oauth/revoke", data={"token": one, **BACKEND})

    assert len(tokens.listed()) == 1


@pytest.mark.parametrize("change", ["password", "block"])
def test_families_that_a_change_ended_are_not_listed(
    tokens: Tokens, login: Login, people: PeopleMaker, change: str
) -> None:
    login()
    employees = people.of("employees")
    if change == "password":
        employees.set_password(tokens.user, "another good password")
    else:
        employees.set_blocked(tokens.user, True)

    assert tokens.listed() == []


# revoke


def test_revoke_family_ends_that_one_alone(tokens: Tokens, login: Login, http: Http) -> None:
    ended = login()
    (row,) = tokens.listed()
    kept, native = login(), login(NATIVE)
    ran = tokens.run("revoke", "--family", row["family"])

    assert (ran.code, ran.out, ran.err) == (0, f"{tokens.user.user_id}: ended 1.\n", "")
    assert row["family"] not in [one["family"] for one in tokens.listed()]
    assert not lives(http, ended)
    assert lives(http, kept)
    assert lives(http, native, NATIVE)


def test_revoke_client_ends_those_of_that_client(tokens: Tokens, login: Login, http: Http) -> None:
    ended, native = [login(), login()], login(NATIVE)
    ran = tokens.run("revoke", "--client", "demo-backend")

    assert (ran.code, ran.out) == (0, f"{tokens.user.user_id}: ended 2.\n")
    assert [row["client_id"] for row in tokens.listed()] == ["demo-native"]
    assert not any(lives(http, token) for token in ended)
    assert lives(http, native, NATIVE)


def test_revoke_client_takes_the_whole_name(tokens: Tokens, login: Login, http: Http) -> None:
    token = login()
    ran = tokens.run("revoke", "--client", "demo")

    assert (ran.code, ran.out) == (0, f"{tokens.user.user_id}: ended 0.\n")
    assert lives(http, token)


def test_revoke_all_ends_everything_of_that_person(
    tokens: Tokens, login: Login, http: Http, people: PeopleMaker
) -> None:
    other = people.make()
    others = http.login(username=other.username, scope=SCOPE).json()["refresh_token"]
    backend, native = login(), login(NATIVE)
    ran = tokens.run("revoke", "--all")

    assert (ran.code, ran.out) == (0, f"{tokens.user.user_id}: ended 2.\n")
    assert tokens.listed() == []
    assert not lives(http, backend)
    assert not lives(http, native, NATIVE)
    assert lives(http, others)


def test_after_revoke_all_a_new_login_lives(tokens: Tokens, login: Login, http: Http) -> None:
    login()
    tokens.run("revoke", "--all")
    token = login()

    assert len(tokens.listed()) == 1
    assert lives(http, token)


def test_rotated_family_ends_as_a_whole(tokens: Tokens, login: Login, http: Http) -> None:
    first = login()
    second = http.refresh(first).json()["refresh_token"]
    (row,) = tokens.listed()
    tokens.run("revoke", "--family", row["family"])

    assert not lives(http, second)


@pytest.mark.parametrize(
    "options",
    [
        [],
        ["--family", "0" * 32, "--all"],
        ["--client", "demo-backend", "--all"],
        ["--family", "0" * 32, "--client", "demo-backend"],
        ["--family", "0" * 32, "--client", "demo-backend", "--all"],
        ["--family", ""],
        ["--client", ""],
    ],
    ids=" ".join,
)
def test_revoke_without_one_choice_is_refused_in_a_line(
    tokens: Tokens, login: Login, http: Http, options: list[str]
) -> None:
    token = login()
    ran = tokens.run("revoke", *options)

    assert (ran.code, ran.out, ran.err) == (2, "", SAY_WHICH)
    assert lives(http, token)


def test_family_of_nobody_or_of_somebody_else_is_refused_in_a_line(
    tokens: Tokens, login: Login, http: Http, people: PeopleMaker
) -> None:
    other = people.make()
    token = http.login(username=other.username, scope=SCOPE).json()["refresh_token"]
    login()
    (row,) = tokens.listed(user=other.username)

    for family in (row["family"], "0" * 32, "x"):
        ran = tokens.run("revoke", "--family", family)
        said = f"{tokens.user.user_id} has no refresh token family {family}.\n"
        assert (ran.code, ran.out, ran.err) == (2, "", said)
    assert len(tokens.listed()) == 1
    assert lives(http, token)


# Both


@pytest.mark.parametrize("command", [["list"], ["list", "--json"], ["revoke", "--all"]], ids=" ".join)
def test_unknown_person_or_realm_is_refused_in_a_line(tokens: Tokens, command: list[str]) -> None:
    nobody = tokens.run(*command, user="nobody-at-all")
    nowhere = tokens.run(*command, realm="nowhere")

    assert (nobody.code, nobody.out, nobody.err) == (2, "", "Realm employees has no user nobody-at-all.\n")
    assert (nowhere.code, nowhere.out) == (2, "")
    assert nowhere.err.startswith("Stage test has no realm nowhere. It has: ")
    assert nowhere.err.count("\n") == 1


def test_person_of_another_realm_is_not_found(tokens: Tokens, login: Login) -> None:
    login()

    assert tokens.run("list", realm="customers").code == 2


def test_no_token_and_no_hash_is_ever_printed(tokens: Tokens, login: Login, http: Http, stage: Stage) -> None:
    issued = [login(), login(), login(NATIVE)]
    issued.append(http.refresh(issued[0]).json()["refresh_token"])
    kept = stage.clients.dynamodb.query(
        TableName=f"{stage.prefix}sessions",
        KeyConditionExpression="pk = :pk",
        ExpressionAttributeValues={":pk": {"S": f"families#employees#{tokens.user.user_id}"}},
    )["Items"]
    secrets = [item[name]["S"] for item in kept for name in ("current_hash", "previous_hash", "nonce")]
    rows = tokens.listed()
    for columns in (WIDE, 80):
        tokens.run("list", columns=columns)
    tokens.run("revoke", "--family", rows[0]["family"])
    tokens.run("revoke", "--client", "demo-native")
    tokens.run("revoke", "--all")

    printed = "".join(tokens.shown)
    assert len(kept) == 3
    assert len([secret for secret in secrets if secret]) == 5
    assert not any(secret in printed for secret in [*issued, *secrets] if secret)

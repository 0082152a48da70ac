"""The words of the command, and the help of each."""

import re
from importlib.metadata import entry_points, version
from typing import Any

import pytest
from click import unstyle
from typer.main import get_command
from typer.testing import CliRunner

from infra.cli.main import app, main

WORDS = [
    (),
    ("local",),
    ("new",),
    ("check",),
    ("up",),
    ("apply",),
    ("deploy",),
    ("domain",),
    ("doctor",),
    ("restore",),
    ("down",),
    ("migrate",),
    ("migrate", "auth0"),
    ("users",),
    ("users", "add"),
    ("users", "list"),
    ("users", "count"),
    ("users", "show"),
    ("users", "set-password"),
    ("users", "block"),
    ("users", "unblock"),
    ("users", "delete"),
    ("users", "set"),
    ("users", "history"),
    ("users", "migrated"),
    ("users", "import"),
    ("users", "export"),
    ("users", "erase"),
    ("users", "mfa"),
    ("users", "mfa", "list"),
    ("users", "mfa", "reset"),
    ("users", "mfa", "enroll"),
    ("users", "roles"),
    ("users", "roles", "list"),
    ("users", "roles", "add"),
    ("users", "roles", "remove"),
    ("users", "permissions"),
    ("users", "permissions", "list"),
    ("users", "permissions", "add"),
    ("users", "permissions", "remove"),
    ("tokens",),
    ("tokens", "list"),
    ("tokens", "revoke"),
    ("attacks",),
    ("attacks", "status"),
    ("attacks", "unblock"),
    ("help-desk",),
    ("help-desk", "unblock"),
    ("help-desk", "reset-factors"),
    ("realms",),
    ("realms", "list"),
    ("realms", "show"),
    ("apis",),
    ("apis", "list"),
    ("apis", "show"),
    ("roles",),
    ("roles", "list"),
    ("roles", "show"),
    ("clients",),
    ("clients", "list"),
    ("clients", "show"),
    ("clients", "rotate-secret"),
    ("keys",),
    ("keys", "list"),
    ("keys", "rotate"),
    ("keys", "retire"),
    ("keys", "revoke"),
    ("logs",),
    ("logs", "tail"),
    ("logs", "stats"),
    ("logs", "user"),
    ("events",),
    ("events", "rotate-secret"),
    ("rules",),
    ("rules", "check"),
    ("rules", "list"),
    ("rules", "new"),
    ("rules", "try"),
    ("rules", "settings"),
    ("rules", "settings", "set"),
    ("rules", "settings", "list"),
    ("rules", "settings", "unset"),
]


def commands(command: Any, path: tuple[str, ...] = ()) -> dict[tuple[str, ...], Any]:
    """Return this command and every one below it, by the words that lead there."""
    found = {path: command}
    for name, inner in getattr(command, "commands", {}).items():
        found |= commands(inner, (*path, name))
    return found


def test_every_command_is_in_the_list_of_these_tests() -> None:
    assert list(commands(get_command(app))) == WORDS


@pytest.mark.parametrize("words", WORDS, ids=" ".join)
def test_help_of_a_command_says_how_it_is_used_and_what_for(words: tuple[str, ...]) -> None:
    ran = CliRunner().invoke(app, [*words, "--help"], env={"COLUMNS": "200"}, catch_exceptions=False)
    text = " ".join(unstyle(ran.stdout).split())

    assert (ran.exit_code, ran.stderr) == (0, "")
    assert text.startswith(" ".join(["Usage: gatehouse", *words]))
    assert commands(get_command(app))[words].help.partition("\n")[0] in text


@pytest.mark.parametrize("words", WORDS, ids=" ".join)
def test_every_option_and_argument_says_what_it_is(words: tuple[str, ...]) -> None:
    assert [one.name for one in commands(get_command(app))[words].params if not one.help] == []


# Options that name a file: the name of one that holds a secret is none.
FILES = {"firebase_hash_config"}


@pytest.mark.parametrize("words", WORDS, ids=" ".join)
def test_no_secret_is_an_argument_which_all_processes_of_a_machine_see(words: tuple[str, ...]) -> None:
    params = commands(get_command(app))[words].params
    valued = {one.name for one in params if not getattr(one, "is_flag", False)} - FILES

    assert [name for name in valued if re.search("password|secret|hash|token|code|value|key", name)] == []


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("users",),
        ("users", "mfa"),
        ("realms",),
        ("apis",),
        ("clients",),
        ("keys",),
        ("rules",),
        ("rules", "settings"),
    ],
    ids=" ".join,
)
def test_command_without_its_last_word_shows_the_help(words: tuple[str, ...]) -> None:
    ran = CliRunner().invoke(app, words, catch_exceptions=False)

    assert (ran.exit_code, "Commands" in unstyle(ran.output)) == (2, True)


def test_every_command_that_lists_shows_or_plans_can_print_json() -> None:
    found = commands(get_command(app)).items()
    options = {words: {name for one in command.params for name in one.opts} for words, command in found}
    plans = {words for words, names in options.items() if "--dry-run" in names}
    lists = {words for words in options if words and words[-1] in ("list", "show", "status", "check", "count")}

    assert ("up",) in plans
    assert [words for words in sorted(plans | lists) if "--json" not in options[words]] == []


def test_unknown_command_is_refused() -> None:
    ran = CliRunner().invoke(app, ["lokal"])

    assert (ran.exit_code, "No such command" in unstyle(ran.stderr)) == (2, True)


def test_command_without_a_stage_asks_for_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GATEHOUSE_STAGE", raising=False)
    ran = CliRunner().invoke(app, ["keys", "list"])

    assert (ran.exit_code, "--stage" in unstyle(ran.stderr)) == (2, True)


def test_version_of_the_package_is_one_line() -> None:
    ran = CliRunner().invoke(app, ["--version"])

    assert (ran.exit_code, ran.stdout, ran.stderr) == (0, f"gatehouse {version('gatehouse')}\n", "")


def test_installed_script_is_this_command() -> None:
    (script,) = entry_points(group="console_scripts", name="gatehouse")

    assert script.load() is main

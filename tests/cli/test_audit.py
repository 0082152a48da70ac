"""The audit log: each command that changes a stage says who changes what, before it does and after it did."""

import itertools
import json
from collections.abc import Iterator
from typing import Any

import pytest
from typer.main import get_command

from chalicelib.store.logs.audit import audit_group
from infra.cli.main import app
from infra.stage.aws import Stage, reach
from tests.cli.account import holdings
from tests.cli.conftest import Gatehouse
from tests.cli.test_help import commands
from tests.support.audit import audit_lines, log_groups
from tests.support.tenant_documents import SMALL_API, client, small_document, write

ROLE = {"name": "clerk", "permissions": [{"api": SMALL_API, "value": "read:small"}]}
APIS = [{"identifier": SMALL_API, "name": "Small", "scopes": [{"value": "read:small"}]}]
STAFF = ("--realm", "staff")
SECRET = "a passphrase that no log may hold"
# By the words of a command, its arguments, with WHO for a person; then what of them the audit log has.
CHANGES: dict[tuple[str, ...], tuple[tuple[str, ...], dict[str, Any]]] = {
    ("users", "add"): ((*STAFF, "--username", "newcomer", "--password-stdin"), {"realm": "staff"}),
    ("users", "count"): (STAFF, {"realm": "staff"}),
    ("users", "set-password"): (("WHO", *STAFF, "--password-stdin"), {"realm": "staff", "user": "WHO"}),
    ("users", "block"): (("WHO", *STAFF), {"realm": "staff", "user": "WHO"}),
    ("users", "unblock"): (("WHO", *STAFF), {"realm": "staff", "user": "WHO"}),
    ("users", "delete"): (("WHO", *STAFF, "--yes"), {"realm": "staff", "user": "WHO"}),
    ("users", "set"): (
        ("WHO", *STAFF, "--app-metadata", f"note={SECRET}", "--name", ""),
        {"realm": "staff", "user": "WHO", "changed": ["app_metadata"]},
    ),
    ("users", "import"): (("FILE", *STAFF), {"realm": "staff", "people": ["1 inserted", "0 updated", "0 failed"]}),
    ("users", "export"): (("-o", "-", "--with-secrets", *STAFF), {"realm": "staff"}),
    ("users", "erase"): (("WHO", *STAFF, "--yes"), {"realm": "staff", "user": "WHO"}),
    ("users", "mfa", "reset"): (("WHO", *STAFF, "--yes"), {"realm": "staff", "user": "WHO"}),
    ("users", "mfa", "enroll"): (("WHO", *STAFF), {"realm": "staff", "user": "WHO"}),
    ("users", "roles", "add"): (("WHO", "clerk", *STAFF), {"user": "WHO", "roles": ["clerk"]}),
    ("users", "roles", "remove"): (("WHO", "clerk", *STAFF), {"user": "WHO", "roles": ["clerk"]}),
    ("users", "permissions", "add"): (
        ("WHO", SMALL_API, "read:small", *STAFF),
        {"user": "WHO", "api": SMALL_API, "permissions": ["read:small"]},
    ),
    ("users", "permissions", "remove"): (
        ("WHO", SMALL_API, "read:small", *STAFF),
        {"user": "WHO", "api": SMALL_API, "permissions": ["read:small"]},
    ),
    ("tokens", "revoke"): (("--user", "WHO", *STAFF, "--all"), {"realm": "staff", "user": "WHO"}),
    ("attacks", "unblock"): (("--address", "192.0.2.7"), {"address": "192.0.2.7"}),
    ("clients", "rotate-secret"): (("app",), {"client": "app"}),
    ("keys", "rotate"): ((), {}),
    ("keys", "revoke"): (("KID", "--yes"), {}),
    ("events", "rotate-secret"): ((), {}),
    ("rules", "settings", "set"): (("CRM_KEY", "--stdin"), {"setting": "CRM_KEY"}),
    ("rules", "settings", "unset"): (("CRM_KEY",), {"setting": "CRM_KEY"}),
    ("migrate",): ((), {}),
    ("apply",): (("TENANT", "PROJECT", "--with-users"), {"changes": ["update client app"]}),
    ("up",): (("TENANT", "PROJECT"), {"changes": ["create stack STAGE-realm-guests"]}),
}
# Audited in tests of their own, those of the help desk by its function; but for `keys retire`, which does it by the
# function of `keys revoke`.
ELSEWHERE = {
    ("deploy",),
    ("domain",),
    ("restore",),
    ("down",),
    ("keys", "retire"),
    ("help-desk", "unblock"),
    ("help-desk", "reset-factors"),
}
AUDITED = {*CHANGES, *ELSEWHERE}
READING = {
    ("local",), ("new",), ("check",), ("doctor",), ("migrate", "auth0"),
    ("users", "list"), ("users", "show"), ("users", "history"), ("users", "migrated"), ("users", "mfa", "list"),
    ("users", "roles", "list"), ("users", "permissions", "list"), ("tokens", "list"), ("attacks", "status"),
    ("realms", "list"), ("realms", "show"), ("apis", "list"), ("apis", "show"), ("roles", "list"), ("roles", "show"),
    ("clients", "list"), ("clients", "show"), ("keys", "list"),
    ("logs", "tail"), ("logs", "stats"), ("logs", "user"),
    ("rules", "check"), ("rules", "list"), ("rules", "new"), ("rules", "try"), ("rules", "settings", "list"),
}  # fmt: skip
_names = itertools.count(1)


@pytest.fixture(scope="module")
def made(aws: Stage, tmp_path_factory: pytest.TempPathFactory) -> Gatehouse:
    """The command, on a stage that the tests of this module share."""
    gatehouse = Gatehouse(reach("audited"), tmp_path_factory.mktemp("audited"))
    gatehouse.provision(small_document(apis=APIS, roles=[ROLE], mfa={"factors": ["otp"]}))
    gatehouse.run("rules", "settings", "set", "CRM_KEY", "--stdin", typed=SECRET)
    return gatehouse


@pytest.fixture
def who(made: Gatehouse) -> str:
    """The user_id of a person whom no other test knows."""
    added = made.run(
        "users", "add", *STAFF, "--username", f"person{next(_names)}", "--password-stdin", typed=f"{SECRET}\n"
    )
    assert added.code == 0, added.err
    return added.out.strip()


def arguments_of(made: Gatehouse, who: str, words: tuple[str, ...]) -> Iterator[str]:
    document = small_document(apis=APIS, roles=[ROLE], mfa={"factors": ["otp"]}, clients=[client(name="New")])
    if words == ("up",):
        document["realms"].append({"name": "guests", "identifiers": ["email"]})
    rows = made.directory / "people.json"
    rows.write_text(json.dumps([{"email": f"imported{next(_names)}@example.com", "app_metadata": {"a": SECRET}}]))
    for word in CHANGES[words][0]:
        match word:
            case "WHO":
                yield who
            case "KID":
                current = made.stage.config().keys().current("RS256")
                yield current.kid if current else ""
            case "FILE":
                yield str(rows)
            case "TENANT":
                yield write(made.directory, document)
            case "PROJECT":
                yield from made.listed()
            case _:
                yield word


def test_every_command_reads_or_is_audited() -> None:
    found = commands(get_command(app))
    runnable = {words for words, one in found.items() if not getattr(one, "commands", {}) or words == ("migrate",)}

    assert (runnable - READING, runnable - AUDITED) == (AUDITED, READING)


@pytest.mark.parametrize("words", CHANGES, ids=" ".join)
def test_change_leaves_a_line_before_and_one_with_its_result(made: Gatehouse, who: str, words: tuple[str, ...]) -> None:
    known = len(audit_lines(made.stage))
    ran = made.run(*words, *arguments_of(made, who, words), typed=f"{SECRET}\n")
    before, after = audit_lines(made.stage)[known:]

    assert ran.code == 0, ran.err
    named = {"audit": before["audit"], "stage": "audited", "what": " ".join(words)}
    assert before["who"].startswith("arn:aws:sts::")
    assert (before.items() >= named.items(), "result" in before) == (True, False)
    wanted = json.loads(json.dumps(CHANGES[words][1]).replace("WHO", who).replace("STAGE", "gatehouse-audited"))
    assert after.items() >= {**named, "who": before["who"], "result": "done", **wanted}.items()
    assert SECRET not in json.dumps([before, after])


@pytest.mark.parametrize("words", [words for words in CHANGES if words != ("up",)], ids=" ".join)
def test_change_is_not_made_if_its_line_cannot_be_written(made: Gatehouse, who: str, words: tuple[str, ...]) -> None:
    arguments = list(arguments_of(made, who, words))
    group = log_groups().pop(audit_group(made.stage.name))
    before = holdings(made.stage)
    try:
        ran = made.run(*words, *arguments, typed=f"{SECRET}\n")
    finally:
        log_groups()[audit_group(made.stage.name)] = group

    assert ran.code == 2
    assert "gatehouse up" in ran.err
    assert holdings(made.stage) == before


def test_change_that_fails_has_a_line_that_says_so(made: Gatehouse, who: str) -> None:
    ran = made.run("users", "set", who, *STAFF, "--phone-number", "no number")

    assert ran.code == 2
    assert audit_lines(made.stage)[-1].items() >= {"user": who, "result": "failed", "error": "OperatorError"}.items()


@pytest.mark.parametrize("words", [("up",), ("apply",), ("migrate",), ("users", "import")], ids=" ".join)
def test_dry_run_leaves_no_line(made: Gatehouse, who: str, words: tuple[str, ...]) -> None:
    arguments = list(arguments_of(made, who, words))
    known = len(audit_lines(made.stage))
    ran = made.run(*words, *arguments, "--dry-run")

    assert (ran.code, len(audit_lines(made.stage))) == (0, known)


def test_first_up_makes_the_audit_log_and_writes_into_it(gatehouse: Gatehouse) -> None:
    ran = gatehouse.up(small_document())
    group = gatehouse.stage.clients.logs().describe_log_groups(logGroupNamePrefix=audit_group(gatehouse.stage.name))

    assert (ran.code, ran.err) == (0, "")
    assert [one.get("retentionInDays") for one in group["logGroups"]] == [400]
    assert [line.get("result") for line in audit_lines(gatehouse.stage)] == [None, "done"]

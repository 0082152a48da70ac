"""`gatehouse rules`: check, list, try and new, as whoever writes rules uses them."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.cli.account import holdings
from tests.cli.conftest import Gatehouse, Ran
from tests.support.fixed import DEMO
from tests.support.http import TIMESHEETS
from tests.support.people import PeopleMaker
from tests.support.rules import package
from tests.support.tenant_documents import client, small_document, write

ALICE = ("--user", "alice", "--realm", "employees", "--client", "demo-backend")


def greet(user: Any, context: Any) -> None:
    """Greet the person.

    In their own words.
    """
    context.access_token["https://example.com/greeting"] = f"Hello {user.name}"
    user.user_metadata["greeted"] = True


def narrow(user: Any, context: Any) -> None:
    context.access_token.scope.remove("delete:timesheets")


def deny(user: Any, context: Any) -> None:
    context.deny("Not today.")


def fail(user: Any, context: Any) -> None:
    raise KeyError("nothing")


def reserve(user: Any, context: Any) -> None:
    context.access_token["iss"] = "https://other.example/"


def tell(user: Any, context: Any) -> None:
    """Put all that the options of a try can say into a claim."""
    context.access_token["https://example.com/told"] = {
        "ip": context.request.ip,
        "body": context.request.body,
        "protocol": context.protocol,
        "methods": [method["name"] for method in context.authentication.methods],
        "settings": context.configuration,
        "tenant": context.tenant,
        "email": user.email,
        "roles": context.authorization.roles,
        "connection": context.connection,
        "metadata": context.client_metadata,
    }


def tried(gatehouse: Gatehouse, *rules: Any, options: tuple[str, ...] = ALICE) -> Ran:
    """Try these rules, on alice where options say nothing else."""
    with package(*rules) as name:
        return gatehouse.run("rules", "try", "-p", name, *options)


def outcome(gatehouse: Gatehouse, *rules: Any, options: tuple[str, ...] = ALICE) -> dict[str, Any]:
    """Try these rules, and return what --json says."""
    ran = tried(gatehouse, *rules, options=(*options, "--json"))
    assert ran.err == ""
    said: dict[str, Any] = json.loads(ran.out)
    return said


def told(gatehouse: Gatehouse, *more: str) -> dict[str, Any]:
    """Return what a rule sees of a try of alice with more options."""
    claims = outcome(gatehouse, tell, options=(*ALICE, *more))["outcome"]["access_token"]
    seen: dict[str, Any] = claims["https://example.com/told"]
    return seen


def test_check_of_good_packages_names_them(gatehouse: Gatehouse) -> None:
    with package(greet) as one, package(deny) as other:
        ran = gatehouse.run("rules", "check", "-p", one, "-p", other)
    assert (ran.code, ran.out, ran.err) == (0, f"Fine: {one}, {other}\n", "")


def test_check_takes_packages_from_the_environment(gatehouse: Gatehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    with package(greet) as one, package(deny) as other:
        monkeypatch.setenv("RULE_PACKAGES", f"{one}, {other}")
        ran = gatehouse.run("rules", "check")
    assert ran.out == f"Fine: {one}, {other}\n"


def test_check_of_bad_packages_is_a_line_for_each_fault_and_exit_2(gatehouse: Gatehouse) -> None:
    with package(deny, deny, len) as name:
        ran = gatehouse.run("rules", "check", "-p", f"{name},no_such_rules")
    assert (ran.code, ran.out) == (2, "")
    starts = ["no_such_rules: cannot be imported", f"{name}.deny: is listed twice", f"{name}.len: does not take"]
    assert [line.startswith(start) for line, start in zip(ran.err.splitlines(), starts, strict=True)] == [True] * 3


def test_check_of_a_stage_reads_its_packages_from_the_project(gatehouse: Gatehouse) -> None:
    ran = gatehouse.run("rules", "check", "--stage", "dev")
    assert (ran.code, ran.out, ran.err) == (0, "Fine: no rule packages\n", "")


def test_check_of_an_unknown_stage_is_refused_with_the_known_ones(gatehouse: Gatehouse) -> None:
    ran = gatehouse.run("rules", "check", "--stage", "nowhere")
    said = "No stage `nowhere` in .chalice/config.json (known are `dev`, `prod`). Add a new stage there first.\n"
    assert (ran.code, ran.out, ran.err) == (2, "", said)


def test_list_shows_the_rules_in_their_order_with_what_they_do(gatehouse: Gatehouse) -> None:
    with package(greet, deny) as name:
        ran = gatehouse.run("rules", "list", "-p", name)
    assert ran.rows[1:] == [["1", name, "greet", "Greet", "the", "person."], ["2", name, "deny"]]


def test_list_in_json_has_the_same(gatehouse: Gatehouse) -> None:
    with package(greet) as name:
        ran = gatehouse.run("rules", "list", "-p", name, "--json")
    assert json.loads(ran.out) == [{"package": name, "rule": "greet", "does": "Greet the person."}]


def test_example_rules_are_found_from_the_project_alone(gatehouse: Gatehouse) -> None:
    ran = gatehouse.run("rules", "list", "-p", "examples.acme_rules", "--json")
    assert {row["package"] for row in json.loads(ran.out)} == {"examples.acme_rules"}


def test_try_shows_step_by_step_what_each_rule_changed(shared: Gatehouse) -> None:
    with package(greet, narrow) as name:
        ran = shared.run("rules", "try", "-p", name, *ALICE, "--audience", TIMESHEETS)
    assert (ran.code, ran.err) == (0, "")
    cells = [re.split("  +", line) for line in ran.out.splitlines()[1:4]]
    scopes = ["read:timesheets", "create:timesheets", "delete:timesheets", "approve:timesheets"]
    left = [scope for scope in scopes if scope != "delete:timesheets"]
    assert [(row[0], *row[-3:]) for row in cells] == [
        ("greet", 'user.user_metadata["greeted"]', "-", "true"),
        ("", 'context.access_token["https://example.com/greeting"]', "-", '"Hello Alice Liddell"'),
        ("narrow", "context.access_token.scope", json.dumps(scopes), json.dumps(left)),
    ]
    assert all(float(row[1]) >= 0 for row in cells if row[0])


def test_try_in_json_has_each_step_with_its_time(shared: Gatehouse) -> None:
    said = outcome(shared, greet)
    (step,) = said["steps"]
    assert step["rule"].endswith(".greet")
    assert step["ms"] >= 0
    assert {change["what"] for change in step["changes"]} == {
        'user.user_metadata["greeted"]',
        'context.access_token["https://example.com/greeting"]',
    }
    assert said["outcome"] == {
        "scope": "",
        "access_token": {"https://example.com/greeting": "Hello Alice Liddell"},
        "id_token": {},
        "multifactor": None,
        "metadata": {"user_metadata": {"language": "en", "greeted": True}},
    }


def test_try_writes_nothing(shared: Gatehouse) -> None:
    before = holdings(shared.stage)
    assert outcome(shared, greet)["outcome"]["metadata"]
    assert holdings(shared.stage) == before


def test_denial_ends_the_try_and_is_no_failure_of_it(shared: Gatehouse) -> None:
    ran = tried(shared, deny, greet, options=(*ALICE, "--json"))
    said = json.loads(ran.out)
    assert ran.code == 0
    assert [step["rule"].rpartition(".")[2] for step in said["steps"]] == ["deny"]
    assert (said["outcome"]["status"], said["outcome"]["error"]) == (403, "access_denied")
    assert said["outcome"]["error_description"] == "Not today."


def test_rule_that_raises_is_shown_with_its_place_and_exit_2(shared: Gatehouse) -> None:
    ran = tried(shared, greet, fail)
    assert (ran.code, ran.err) == (2, "")
    assert "KeyError: 'nothing'" in ran.out
    assert 'raise KeyError("nothing")' in ran.out
    assert ["error", "server_error"] in ran.rows


def test_claim_that_no_rule_may_set_is_warned_of(shared: Gatehouse) -> None:
    said = outcome(shared, reserve)
    assert said["outcome"]["access_token"] == {}
    assert [warning.partition(": ")[2] for warning in said["warnings"]] == [
        "access_token claim iss left out: the claim is restricted"
    ]


def test_options_say_what_the_rules_see(shared: Gatehouse, tmp_path: Path) -> None:
    settings = tmp_path / "settings.json"
    settings.write_text('{"API_KEY": "a test value"}')
    options = ("--ip", "192.0.2.9", "--body", '{"device": "till 3", "password": "x"}', "--mfa")
    seen = told(shared, *options, "--protocol", "oauth2-refresh-token", "--rule-settings", str(settings))
    assert seen["ip"] == "192.0.2.9"
    assert seen["body"]["device"] == "till 3"
    assert seen["body"]["grant_type"] == "refresh_token"
    assert "password" not in seen["body"]
    assert seen["protocol"] == "oauth2-refresh-token"
    assert seen["methods"] == ["pwd", "mfa"]
    assert seen["settings"] == {"API_KEY": "a test value"}


def test_person_and_tenant_are_the_stages(shared: Gatehouse) -> None:
    seen = told(shared)
    assert seen["email"] == "alice@example.com"
    assert seen["roles"] == []
    assert seen["tenant"] == "Gatehouse demo"
    assert (seen["connection"], seen["methods"], seen["settings"]) == ("employees", ["pwd"], {})


def test_person_of_a_file_stands_for_a_stored_one(shared: Gatehouse, tmp_path: Path) -> None:
    file = tmp_path / "user.json"
    file.write_text('{"email": "new@example.com", "roles": ["admin"]}')
    options = ("--user-file", str(file), "--realm", "employees", "--client", "demo-backend")
    told_of = outcome(shared, tell, options=options)["outcome"]["access_token"]["https://example.com/told"]
    assert (told_of["email"], told_of["roles"]) == ("new@example.com", ["admin"])


def test_file_may_be_what_users_show_prints(shared: Gatehouse, people: PeopleMaker, tmp_path: Path) -> None:
    user = people.make()
    file = tmp_path / "user.json"
    file.write_text(shared.run("users", "show", user.user_id, "--realm", "employees", "--json").out)
    options = ("--user-file", str(file), "--realm", "employees", "--client", "demo-backend")
    claims = outcome(shared, tell, options=options)["outcome"]["access_token"]
    assert claims["https://example.com/told"]["email"] == user.email


def test_tenant_file_serves_a_try_without_a_stage(gatehouse: Gatehouse) -> None:
    clients = [client(client_metadata={"tier": "gold"})]
    users = {"staff": [{"username": "pat", "email": "pat@example.com", "password": "pats password"}]}
    file = write(gatehouse.directory, small_document(clients=clients, users=users))
    options = ("--tenant", file, "--user", "pat", "--realm", "staff", "--client", "app")
    seen = outcome(gatehouse, tell, options=options)["outcome"]["access_token"]["https://example.com/told"]
    assert (seen["email"], seen["metadata"]) == ("pat@example.com", {"tier": "gold"})


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ((), "Say who logs in: --user or --user-file."),
        (("--user", "alice", "--user-file", str(DEMO)), "Say who logs in: --user or --user-file."),
        (("--user", "nobody"), "Realm employees has no user nobody."),
        (("--user", "alice", "--protocol", "samlp"), "The protocol is one of: oauth2-password, oauth2-refresh-token."),
        (("--user", "alice", "--body", "[]"), "The body must be a JSON object."),
        (("--user", "alice", "--body", "{"), "The body must be a JSON object."),
    ],
)
def test_bad_option_of_a_try_is_one_line_and_exit_2(shared: Gatehouse, options: tuple[str, ...], said: str) -> None:
    ran = tried(shared, greet, options=("--realm", "employees", "--client", "demo-backend", *options))
    assert (ran.code, ran.out, ran.err) == (2, "", f"{said}\n")


@pytest.mark.parametrize(("client_id", "realm"), [("nobody", "employees"), ("demo-backend", "partners")])
def test_client_that_the_realm_is_not_enabled_for_is_refused(shared: Gatehouse, client_id: str, realm: str) -> None:
    ran = tried(shared, greet, options=("--user", "alice", "--realm", realm, "--client", client_id))
    said = f"There is no client {client_id} that realm {realm} is enabled for.\n"
    assert (ran.code, ran.out, ran.err) == (2, "", said)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[]", "must be a JSON object."),
        ("{", "must be a JSON object."),
        ('{"shoe_size": 44}', "a user has no shoe_size."),
        ('{"email_verified": "perhaps"}', "email_verified: Input should be a valid boolean"),
    ],
)
def test_bad_file_of_a_person_is_one_line_and_exit_2(shared: Gatehouse, tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "user.json"
    file.write_text(text)
    ran = tried(shared, greet, options=("--user-file", str(file), "--realm", "employees", "--client", "demo-backend"))
    assert (ran.code, ran.out, ran.err.count("\n")) == (2, "", 1)
    assert ran.err.startswith(f"{file}: {said}")


def test_unknown_audience_is_the_outcome_of_the_login(shared: Gatehouse) -> None:
    said = outcome(shared, greet, options=(*ALICE, "--audience", "https://nowhere.example/"))
    assert (said["steps"], said["outcome"]["status"], said["outcome"]["error"]) == ([], 400, "invalid_target")


@pytest.mark.parametrize("options", [(), ("--directory", "vendor")], ids=["here", "vendor"])
def test_new_package_passes_its_own_test_and_the_check(
    gatehouse: Gatehouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: tuple[str, ...]
) -> None:
    monkeypatch.chdir(tmp_path)
    name = f"team_rules_{'_'.join(options).strip('-')}"
    ran = gatehouse.run("rules", "new", name, *options)
    root = Path(*options[1:]) / name
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.splitlines() == [str(root / file) for file in ("__init__.py", "rules.py", "test_rules.py")]

    tested = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:randomly", "-p", "no:cacheprovider", str(root)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert tested.returncode == 0, tested.stdout
    assert "2 passed" in tested.stdout
    monkeypatch.syspath_prepend(root.parent.resolve())
    assert gatehouse.run("rules", "check", "-p", name).out == f"Fine: {name}\n"


@pytest.mark.parametrize("name", ["a-b", "../above", "class", "json", "jwt", "1st", ""])
def test_name_that_is_no_new_package_is_refused(
    gatehouse: Gatehouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    ran = gatehouse.run("rules", "new", name)
    assert (ran.code, ran.out, ran.err.count("\n")) == (2, "", 1)
    assert list(tmp_path.iterdir()) == []


def test_new_package_overwrites_nothing(gatehouse: Gatehouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "team_rules").mkdir()
    ran = gatehouse.run("rules", "new", "team_rules")
    assert (ran.code, ran.err) == (2, "team_rules is there already: choose another name.\n")
    assert list((tmp_path / "team_rules").iterdir()) == []


@pytest.mark.parametrize(
    ("name", "mend"),
    [
        ("1st", "is no name of a Python package: begin with a letter; use letters, digits and _."),
        ("class", "is a word of Python's own: choose another name."),
        ("json", "is there already: choose another name."),
    ],
)
def test_name_that_is_refused_is_told_its_mend(gatehouse: Gatehouse, name: str, mend: str) -> None:
    assert gatehouse.run("rules", "new", name).err == f"{name} {mend}\n"

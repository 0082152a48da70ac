"""Plans for machines: `--dry-run --json` of `up` and `apply`, `check --json`, and `--detailed-exitcode`."""

import json
from typing import Any

import pytest

from tests.cli.account import holdings
from tests.cli.conftest import Gatehouse, Ran
from tests.support.tenant_documents import SMALL_API, client, small_document, write

PLAN = ("--dry-run", "--json")
DETAILED = ("--dry-run", "--detailed-exitcode")
COMMANDS = ["up", "apply"]
PAT = {"username": "pat", "password": "pats password"}
M2M = client(client_id="m2m", grant_types=["client_credentials"], realms=[])


def run(gatehouse: Gatehouse, command: str, document: dict[str, Any], *options: str) -> Ran:
    return gatehouse.run(command, write(gatehouse.directory, document), *gatehouse.listed(), *options)


def changes(ran: Ran) -> list[tuple[str, str]]:
    return [(change["action"], change["what"]) for change in json.loads(ran.out)["changes"]]


def test_plan_of_up_in_json_has_each_change_and_makes_nothing(gatehouse: Gatehouse) -> None:
    ran = run(gatehouse, "up", small_document(), *PLAN)
    name = gatehouse.stage.name

    assert (ran.code, ran.err, json.loads(ran.out)["stage"]) == (0, "", name)
    assert changes(ran) == [
        ("create", f"log group /gatehouse/{name}/audit"),
        ("create", f"stack gatehouse-{name}"),
        ("create", f"stack gatehouse-{name}-realm-staff"),
        ("create", "RS256 signing key"),
        ("create", "data key"),
        ("create", "stage key"),
        ("create", f"stack gatehouse-{name}-alarms"),
    ]
    assert json.loads(ran.out)["changes"][3]["detail"] == "RSA_2048"
    assert holdings(gatehouse.stage)["tables"] == {}


def test_plan_of_apply_in_json_has_each_change_and_the_warnings(gatehouse: Gatehouse) -> None:
    gatehouse.provision(small_document(clients=[client(), M2M]))
    before = holdings(gatehouse.stage)
    ran = run(gatehouse, "apply", small_document(clients=[client(name="Renamed")]), *PLAN)
    said = json.loads(ran.out)

    assert said["changes"] == [
        {"action": "update", "what": "client app", "detail": "name"},
        {"action": "keep", "what": "client m2m", "detail": "left the file"},
    ]
    assert [warning.startswith("RFC 9700 2.4") for warning in said["warnings"]] == [True]
    assert "secret" not in ran.out
    assert holdings(gatehouse.stage) == before


@pytest.mark.parametrize("command", COMMANDS)
def test_empty_plan_in_json_is_an_empty_list(gatehouse: Gatehouse, command: str) -> None:
    gatehouse.provision(small_document())

    assert changes(run(gatehouse, command, small_document(), *PLAN)) == []


@pytest.mark.parametrize("command", COMMANDS)
def test_exit_code_of_a_plan_is_2_if_something_would_change_and_0_if_not(gatehouse: Gatehouse, command: str) -> None:
    if command == "apply":
        gatehouse.up(small_document())
    first = run(gatehouse, command, small_document(), *DETAILED)
    gatehouse.provision(small_document())
    second = run(gatehouse, command, small_document(), *DETAILED)

    assert (first.code, second.code) == (2, 0)
    assert (first.err, second.err) == ("", "")


def test_exit_code_goes_with_json_too(gatehouse: Gatehouse) -> None:
    assert run(gatehouse, "up", small_document(), *DETAILED, "--json").code == 2


def test_what_left_the_file_changes_only_with_prune(gatehouse: Gatehouse) -> None:
    gatehouse.provision(small_document(clients=[client(), M2M]))

    assert run(gatehouse, "apply", small_document(), *DETAILED).code == 0
    assert run(gatehouse, "apply", small_document(), *DETAILED, "--prune").code == 2


def test_user_who_is_missing_would_change_the_stage(gatehouse: Gatehouse) -> None:
    document = small_document(users={"staff": [PAT]})
    gatehouse.provision(document)
    first = run(gatehouse, "apply", document, *DETAILED, "--with-users", "--json")
    gatehouse.apply(document, "--with-users")
    second = run(gatehouse, "apply", document, *DETAILED, "--with-users", "--json")

    assert (first.code, changes(first)) == (2, [("create", "user pat of staff")])
    assert (second.code, changes(second)) == (0, [("keep", "user pat of staff")])


def test_user_of_a_realm_that_is_new_too_is_in_the_plan(gatehouse: Gatehouse) -> None:
    gatehouse.up(small_document())
    ran = run(gatehouse, "apply", small_document(users={"staff": [PAT]}), *PLAN, "--with-users")

    assert changes(ran)[-1] == ("create", "user pat of staff")


# Under the option 2 has another meaning than elsewhere.


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize(
    "wrong",
    [("--stage", "Prod"), ("--stage", "unlisted"), ("--no-such-option",), ("a second file",)],
    ids=" ".join,
)
def test_refusal_exits_with_1_where_2_would_mean_a_change(
    gatehouse: Gatehouse, command: str, wrong: tuple[str, ...]
) -> None:
    plain = run(gatehouse, command, small_document(), "--dry-run", *wrong)
    detailed = run(gatehouse, command, small_document(), *DETAILED, *wrong)

    assert (plain.code, detailed.code) == (2, 1)
    assert (detailed.out, detailed.err) == ("", plain.err)


@pytest.mark.parametrize("command", COMMANDS)
def test_faulty_file_exits_with_1_under_the_option(gatehouse: Gatehouse, command: str) -> None:
    ran = run(gatehouse, command, small_document(realms=[]), *DETAILED)

    assert (ran.code, ran.out) == (1, "")
    assert "`realms`" in ran.err


def test_apply_before_up_exits_with_1_under_the_option(gatehouse: Gatehouse) -> None:
    assert run(gatehouse, "apply", small_document(), *DETAILED).code == 1


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize(("option", "code"), [("--json", 2), ("--detailed-exitcode", 1)])
def test_option_of_a_plan_without_dry_run_is_refused_and_nothing_is_made(
    gatehouse: Gatehouse, command: str, option: str, code: int
) -> None:
    ran = run(gatehouse, command, small_document(), option)

    assert (ran.code, ran.out, ran.err) == (code, "", f"{option} is for a plan: give --dry-run too.\n")
    assert holdings(gatehouse.stage)["tables"] == {}


# check


def test_check_of_a_good_file_in_json_names_what_it_holds(gatehouse: Gatehouse) -> None:
    path = write(gatehouse.directory, small_document())
    ran = gatehouse.run("check", path, "--json")
    said = json.loads(ran.out)

    assert (ran.code, ran.err) == (0, "")
    assert [warning.startswith("RFC 9700 2.4") for warning in said.pop("warnings")] == [True]
    assert said == {
        "file": path,
        "faults": [],
        "auth0": [],
        "realms": ["staff"],
        "apis": [SMALL_API],
        "clients": ["app"],
        "roles": [],
    }


def test_check_of_a_faulty_file_in_json_has_each_fault_with_its_line(gatehouse: Gatehouse) -> None:
    path = write(gatehouse.directory, small_document(clients=[client(realms=["nowhere"], client_secret=12345678)]))
    plain, ran = gatehouse.run("check", path), gatehouse.run("check", path, "--json")
    said = json.loads(ran.out)

    assert (ran.code, ran.err, "12345678" in ran.out) == (2, "", False)
    assert [f"{path}:{fault['line']}: {fault['message']}" for fault in said["faults"]] == plain.err.splitlines()

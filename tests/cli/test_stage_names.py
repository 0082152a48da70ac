"""A mistyped stage builds nothing."""

import json

import pytest

from infra.stage.chalice_config import function_configs
from infra.stage.names import BadStageName, require_stage_name
from tests.cli.account import holdings
from tests.cli.conftest import Gatehouse
from tests.support.tenant_documents import small_document, write


@pytest.mark.parametrize("name", ["dev", "prod-eu", "a", "stage12", "a" * 32, "my-userspace"])
def test_stage_name_is_taken(name: str) -> None:
    assert require_stage_name(name) == name


@pytest.mark.parametrize(
    "name", ["", "Prod", "1st", "dev_1", "dev.1", "dev-", "-dev", "dev--eu", "a" * 33, "dév", "dev\n", "dev users"]
)
def test_name_of_another_form_is_refused(name: str) -> None:
    with pytest.raises(BadStageName, match="lower-case letters, digits and single hyphens"):
        require_stage_name(name)


@pytest.mark.parametrize("name", ["dev-users", "dev-users-staff", "dev-realm-x", "dev-realm", "dev-alarms", "dev-waf"])
def test_name_that_a_realm_of_another_stage_can_have_is_refused(name: str) -> None:
    with pytest.raises(BadStageName, match="another stage's realm"):
        require_stage_name(name)


def test_name_of_which_a_function_of_another_stage_has_the_name_is_refused() -> None:
    for function in function_configs("dev"):
        other = function.removeprefix("gatehouse-")
        if other != "dev":
            with pytest.raises(BadStageName):
                require_stage_name(other)


COMMANDS = [
    ("up", "FILE"),
    ("apply", "FILE"),
    ("deploy",),
    ("users", "list", "--realm", "staff"),
    ("keys", "list"),
    ("clients", "list"),
    ("attacks", "status"),
]


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_command_refuses_a_name_that_no_stage_has(gatehouse: Gatehouse, command: tuple[str, ...]) -> None:
    file = write(gatehouse.directory, small_document())
    ran = gatehouse.run(*(file if word == "FILE" else word for word in command), "--stage", "Prod")

    assert (ran.code, ran.out) == (2, "")
    assert "lower-case letters" in " ".join(ran.err.split())


@pytest.mark.parametrize("command", ["up", "apply"])
def test_stage_that_the_project_lacks_is_refused_with_the_mend_and_nothing_is_made(
    gatehouse: Gatehouse, command: str
) -> None:
    (gatehouse.directory / ".chalice").mkdir()
    config = {"app_name": "gatehouse", "stages": {"dev": {}, "prod": {}}}
    (gatehouse.directory / ".chalice" / "config.json").write_text(json.dumps(config))
    before = holdings(gatehouse.stage)
    file = write(gatehouse.directory, small_document())
    ran = gatehouse.run(command, file, "--stage", "dve", "--project", str(gatehouse.directory))

    assert (ran.code, ran.out) == (2, "")
    assert ran.err == "No stage `dve` in .chalice/config.json (did you mean `dev`?). Add a new stage there first.\n"
    assert holdings(gatehouse.stage) == before

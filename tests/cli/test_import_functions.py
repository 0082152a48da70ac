"""Commands refuse an import_from that cannot run, each as soon as it can know that."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from infra.cli.main import app
from infra.errors import OperatorError
from infra.rules.import_functions import (
    import_faults,
    require_deployable_imports,
    require_functions_of_realms,
    stored_functions,
)
from infra.stage.chalice_config import PROJECT
from tests.cli.conftest import Gatehouse
from tests.support.fixed import DEMO
from tests.support.legacy import import_package
from tests.support.tenant_documents import small_document, write


def write_file(folder: Path, name: str) -> Path:
    file = folder / "tenant.yaml"
    realm = "  - name: employees"
    file.write_text(DEMO.read_text("utf-8").replace(realm, f"{realm}\n    import_from: {name}", 1), "utf-8")
    return file


def test_function_of_three_arguments_is_fine(tmp_path: Path) -> None:
    with import_package(lambda username, password, context: None) as package:
        result = CliRunner().invoke(app, ["check", str(write_file(tmp_path, f"{package}:find"))])

    assert result.exit_code == 0, result.output


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("no_such_package:find", "cannot be imported"),
        ("json:nothing", "has no nothing"),
        ("json:dumps", "does not take three arguments"),
        ("json:decoder", "is no function"),
        ("json", "must be a function of a package"),
        ("os:system:x", "must be a function of a package"),
    ],
)
def test_function_that_cannot_run_is_refused(tmp_path: Path, name: str, told: str) -> None:
    result = CliRunner().invoke(app, ["check", str(write_file(tmp_path, name))])

    assert result.exit_code == 2
    assert told in result.output


def importing(name: str, **signup: Any) -> dict[str, Any]:
    """Return the small tenant, whose realm imports people by this function."""
    document = small_document()
    return document | {"realms": [document["realms"][0] | {"import_from": name, "signup": signup}]}


def list_packages(gatehouse: Gatehouse, packages: str) -> None:
    """List import packages of the stage in .chalice/config.json."""
    stages = {gatehouse.stage.name: {"environment_variables": {"IMPORT_PACKAGES": packages}}}
    text = json.dumps({"app_name": "gatehouse", "stages": stages})
    (gatehouse.directory / ".chalice" / "config.json").write_text(text, "utf-8")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project whose stage dev lists two import packages of vendor/, and one that is not there."""
    for name in ("vendor", ".chalice"):
        (tmp_path / name).mkdir()
    (tmp_path / "requirements.txt").write_text((PROJECT / "requirements.txt").read_text("utf-8"))
    variables = {"IMPORT_PACKAGES": "old_store, other_store"}
    stages = {"dev": {"environment_variables": variables}}
    (tmp_path / ".chalice" / "config.json").write_text(json.dumps({"app_name": "gatehouse", "stages": stages}))
    source = "def find(username, password, context):\n    return None\n\nasync def wait(a, b, c):\n    return None\n"
    (tmp_path / "vendor" / "old_store.py").write_text(source)
    (tmp_path / "vendor" / "other_store.py").write_text("")
    return tmp_path


@pytest.mark.parametrize("command", ["up", "apply"])
def test_function_of_a_package_that_the_stage_does_not_list_changes_nothing(own: Gatehouse, command: str) -> None:
    with import_package(lambda username, password, context: None) as package:
        document = importing(f"{package}:find")
        refused = own.run(command, write(own.directory, document), *own.listed())
        list_packages(own, f"other, {package}")
        taken = own.run(command, write(own.directory, document), "--project", str(own.directory))

    mend = f"List it for stage {own.stage.name} in .chalice/config.json, and deploy."
    assert refused.err == f"import_from: {package}:find: IMPORT_PACKAGES does not list its package. {mend}\n"
    assert (refused.code, taken.code) == (2, 0)


def test_functions_of_the_stored_realms_are_found(own: Gatehouse) -> None:
    assert stored_functions(own.stage) == []
    with import_package(lambda username, password, context: None) as package:
        document = importing(f"{package}:find")
        own.listed()
        list_packages(own, package)
        own.run("apply", write(own.directory, document), "--project", str(own.directory))

    assert stored_functions(own.stage) == [f"{package}:find"]


def test_deployable_functions_have_no_faults(project: Path) -> None:
    assert import_faults("dev", project, ["old_store:find", "old_store:find"]) == []


def test_each_function_that_would_not_be_deployed_is_a_line(project: Path) -> None:
    (project / "vendor" / "other_store.py").write_text("import pytest\n")
    named = ["old_store:find", "old_store:gone", "old_store:wait", "json:dumps", "third_store:find"]

    unlisted = "IMPORT_PACKAGES does not list its package."
    found = import_faults("dev", project, named)

    assert [line.rpartition(" List it")[0] for line in found[:2]] == [
        f"import_from: json:dumps: {unlisted}",
        f"import_from: third_store:find: {unlisted}",
    ]
    assert found[2:4] == [
        "old_store:gone: old_store has no gone. Define it there.",
        "old_store:wait: is async or a generator. Make it a plain function.",
    ]
    assert found[4].startswith("other_store: cannot be imported (ModuleNotFoundError: pytest is not deployed:")
    with pytest.raises(OperatorError, match="old_store has no gone"):
        require_deployable_imports("dev", project, named)


def test_package_that_no_realm_names_has_to_be_deployable_too(project: Path) -> None:
    (project / "vendor" / "other_store.py").write_text("raise SystemExit('no')\n")

    (fault,) = import_faults("dev", project)
    assert fault == "other_store: cannot be imported (SystemExit: no). Mend it."


def test_deployment_without_the_function_of_a_stored_realm_is_refused(own: Gatehouse) -> None:
    with import_package(lambda username, password, context: None) as package:
        own.listed()
        list_packages(own, package)
        own.run("apply", write(own.directory, importing(f"{package}:find")), "--project", str(own.directory))
    list_packages(own, "")

    with pytest.raises(
        OperatorError, match=rf"^import_from: {package}:find: IMPORT_PACKAGES does not list its package"
    ):
        require_functions_of_realms(own.stage, own.directory)


def test_functions_of_the_example_are_deployable(project: Path) -> None:
    shutil.copytree(PROJECT / "examples" / "lazy_migration", project / "vendor" / "old_store", dirs_exist_ok=True)
    (project / "vendor" / "old_store.py").unlink()

    assert import_faults("dev", project, ["old_store:find_at_auth0", "old_store:find_in_pool"]) == []


@pytest.mark.parametrize(
    ("changes", "is_warned"),
    [
        ({"signup": {"enabled": True}, "identifiers": ["email"]}, True),
        ({"signup": {"enabled": True, "requires_verified_email": True}, "identifiers": ["email", "username"]}, True),
        ({"signup": {"enabled": True, "requires_verified_email": True}, "identifiers": ["email"]}, False),
        ({"signup": {"enabled": False}, "identifiers": ["email", "username"]}, False),
    ],
)
def test_sign_ups_that_take_names_of_people_who_have_not_moved_are_warned_of(
    gatehouse: Gatehouse, changes: dict[str, Any], is_warned: bool
) -> None:
    with import_package(lambda username, password, context: None) as package:
        document = small_document()
        realm = document["realms"][0] | {"import_from": f"{package}:find"} | changes
        ran = gatehouse.run("check", write(gatehouse.directory, document | {"realms": [realm]}))

    assert ran.code == 0, ran.err
    assert ("A sign-up takes the name of somebody who has not moved" in ran.out) == is_warned
    assert ("Realms with `import_from`: staff" in ran.out) == is_warned

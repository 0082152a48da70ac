"""`chalice package` makes the zip, and the template beside it."""

import json
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

from chalicelib.passwords.breached_filter import FILE
from tests.deploy.conftest import EMAIL_FROM, ON_ONE_WORKER, PROJECT, Project

pytestmark = ON_ONE_WORKER

MEBIBYTE = 1024 * 1024


# PEP 552: flags 3 are those of a file that is checked by its source's hash, which follows them.
CHECK_COMPILED = """
import sys
from importlib.util import MAGIC_NUMBER, cache_from_source, source_hash
for name in sys.argv[1:]:
    with open(name, "rb") as source, open(cache_from_source(name), "rb") as compiled:
        if compiled.read(16) != MAGIC_NUMBER + b"\\3\\0\\0\\0" + source_hash(source.read()):
            print(name)
"""


@pytest.fixture(scope="module")
def package(project: Project) -> Path:
    made = project.chalice("package", "--stage", "dev", "package")
    assert made.returncode == 0, made.stderr
    return project.root / "package"


@pytest.fixture(scope="module")
def template(package: Path) -> dict[str, Any]:
    resources: dict[str, Any] = json.loads((package / "sam.json").read_text("utf-8"))["Resources"]
    return resources


def test_zip_stays_below_fifteen_mebibytes(package: Path) -> None:
    assert (package / "deployment.zip").stat().st_size < 15 * MEBIBYTE


def test_zip_holds_the_app_and_its_packages_and_nothing_else(package: Path) -> None:
    with zipfile.ZipFile(package / "deployment.zip") as opened:
        names = {Path(name).parts[0] for name in opened.namelist()}
    modules = {name for name in names if not name.endswith((".dist-info", ".so", ".libs"))}
    assert modules == {
        "app.py",
        "chalicelib",
        "chalice",
        "jwt",
        "bcrypt",
        "argon2",
        "_argon2_cffi_bindings",
        "idna",
        "phonenumbers",
        "cryptography",
        "cffi",
        "pycparser",
        # Of the Management API's function alone; a module that is no package is compiled beside it.
        "__pycache__",
        "annotated_types",
        "pydantic",
        "pydantic_core",
        "typing_extensions.py",
        "typing_inspection",
    }


def test_zip_holds_the_filter_of_breached_passwords(package: Path) -> None:
    with zipfile.ZipFile(package / "deployment.zip") as opened:
        packed = opened.read("chalicelib/passwords/breached.fuse")
    assert packed == FILE.read_bytes()


@pytest.mark.parametrize("package_name", ["chalicelib", "jwt", "cryptography"])
def test_zip_holds_every_module_compiled_for_just_its_source(
    package: Path, project: Project, tmp_path: Path, package_name: str
) -> None:
    with zipfile.ZipFile(package / "deployment.zip") as opened:
        opened.extractall(tmp_path)
    sources = list((tmp_path / package_name).rglob("*.py"))
    assert sources
    checked = subprocess.run(
        [project.python, "-c", CHECK_COMPILED, *sources], capture_output=True, text=True, check=True
    )
    assert checked.stdout == ""


def test_function_is_configured_as_the_stage_says(template: dict[str, Any]) -> None:
    properties = template["APIHandler"]["Properties"]
    assert (properties["MemorySize"], properties["Timeout"]) == (1024, 20)
    packages = {"RULE_PACKAGES": "", "MAIL_TEMPLATES": "", "IMPORT_PACKAGES": ""}
    variables = {"GATEHOUSE_STAGE": "dev", "GATEHOUSE_EMAIL_FROM": EMAIL_FROM, **packages}
    assert properties["Environment"]["Variables"] == variables
    assert template["RestAPI"]["Properties"]["EndpointConfiguration"] == "REGIONAL"


@pytest.mark.parametrize(
    ("role", "file"),
    [
        ("ApiHandlerRole", "policy-dev.json"),
        ("TellBlockedRole", "policy-dev-tell_blocked.json"),
        ("RotateKeysRole", "policy-dev-rotate_keys.json"),
        ("ManagementRole", "policy-dev-management.json"),
        ("EventsRole", "policy-dev-events.json"),
        ("HelpDeskRole", "policy-dev-help_desk.json"),
    ],
)
def test_role_has_the_policy_that_is_written_down(template: dict[str, Any], role: str, file: str) -> None:
    (policy,) = template[role]["Properties"]["Policies"]
    assert policy["PolicyDocument"] == json.loads((PROJECT / ".chalice" / file).read_text("utf-8"))


def test_templates_are_without_fault(package: Path) -> None:
    linter = Path(sys.executable).with_name("cfn-lint")
    templates = [
        PROJECT / "infra" / "stage" / "stage.yaml",
        PROJECT / "infra" / "stage" / "alarms.yaml",
        PROJECT / "infra" / "stage" / "realm.yaml",
        package / "sam.json",
    ]
    checked = subprocess.run([linter, *templates], capture_output=True, text=True, check=False)
    assert (checked.returncode, checked.stdout + checked.stderr) == (0, "")

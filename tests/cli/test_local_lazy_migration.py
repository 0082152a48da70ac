"""examples/lazy_migration/README.md, as far as it goes on this machine: a local run that asks Auth0's imitation."""

import json
import re
import shlex
import shutil
from pathlib import Path

import httpx
import pytest

from tests.support.fixed import DEMO
from tests.support.http import BACKEND
from tests.support.local_run import PROJECT, local_run
from tests.support.old_services import AUTH0_SECRET, OldService, auth0, serve
from tests.support.people import PASSWORD

pytestmark = pytest.mark.xdist_group("local")

EXAMPLE = PROJECT / "examples" / "lazy_migration"
README = (EXAMPLE / "README.md").read_text("utf-8")


def prepare(folder: Path, url: str) -> list[str]:
    """Do what README.md says up to the local run, in a folder, and return the words behind `gatehouse local`."""
    (source, target), (command,) = (
        re.search(r"^    cp -r (\S+) vendor/(\S+)$", README, re.MULTILINE).groups(),  # type: ignore[union-attr]
        re.findall(r"^    gatehouse local (.+)$", README, re.MULTILINE),
    )
    shutil.copytree(PROJECT / source, folder / target)
    (import_from,) = re.findall(r"^    (import_from: .+)$", README, re.MULTILINE)
    realm = "  - name: employees"
    tenant = DEMO.read_text("utf-8").replace(realm, f"{realm}\n    {import_from}", 1)
    (folder / "tenant.yaml").write_text(tenant, "utf-8")
    values = [url, "Username-Password-Authentication", "old-app", AUTH0_SECRET]
    names = re.findall(r"^    gatehouse rules settings set (\w+)", README, re.MULTILINE)
    (folder / "settings.json").write_text(json.dumps(dict(zip(names, values, strict=True))), "utf-8")
    return shlex.split(command)


def test_commands_of_the_readme_move_a_person(tmp_path: Path) -> None:
    with serve(OldService("ann@old.example"), auth0) as service:
        words = prepare(tmp_path, service.url)
        with local_run(tmp_path, *words) as run:
            login = {"grant_type": "password", **BACKEND, "username": service.email}
            answers = [
                httpx.post(f"{run.url}oauth/token", data=login | {"password": password})
                for password in ("wrong", PASSWORD, PASSWORD)
            ]
            printed = run.output + run.errors

    assert [answer.status_code for answer in answers] == [400, 200, 200]
    assert [path for path, _, _ in service.asked] == ["/oauth/token", "/oauth/token", "/userinfo"]
    assert PASSWORD not in printed
    assert AUTH0_SECRET not in printed


def test_readme_names_each_setting_that_the_functions_read() -> None:
    read = {
        name for file in EXAMPLE.glob("*.py") for name in re.findall(r'"((?:AUTH0|COGNITO)_\w+)"', file.read_text())
    }

    assert read == set(re.findall(r"`((?:AUTH0|COGNITO)_\w+)`", README))

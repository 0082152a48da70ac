"""`gatehouse new`: a small tenant file that is fine, and that a local run serves."""

from pathlib import Path

import httpx
import pytest
from typer.testing import CliRunner, Result

from infra.cli.main import app
from infra.tenant.file import load
from tests.support.local_run import local_run


def run(*words: str) -> Result:
    return CliRunner().invoke(app, words, catch_exceptions=False)


def test_new_file_is_fine_and_has_comments(tmp_path: Path) -> None:
    path = tmp_path / "my-tenant.yaml"
    written, checked = run("new", str(path)), run("check", str(path))

    assert (written.exit_code, written.stderr) == (0, "")
    assert written.stdout.startswith(f"{path} is written.")
    assert (checked.exit_code, checked.stdout.splitlines()[0]) == (0, f"{path}: fine")
    assert path.read_text("utf-8").count("#") > 10


def test_new_file_is_served_and_logs_its_person_in(tmp_path: Path) -> None:
    path = tmp_path / "my-tenant.yaml"
    run("new", str(path))
    (person,) = load(path).users["employees"]
    with local_run(tmp_path, "--tenant", str(path)) as served:
        secret = served.wait_printed("Made for client order-desk: client_secret=").partition("client_secret=")[2]
        fields = {"grant_type": "password", "client_id": "order-desk", "client_secret": secret}
        credentials = {"username": str(person.username), "password": str(person.password)}
        answer = httpx.post(f"{served.url}oauth/token", data=fields | credentials)

    assert (answer.status_code, answer.json()["scope"]) == (200, "read:orders create:orders")


@pytest.mark.parametrize("kind", ["file", "link", "folder"])
def test_what_is_there_already_is_not_overwritten(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "there.yaml"
    if kind == "file":
        path.write_text("mine")
    elif kind == "link":
        path.symlink_to(tmp_path / "elsewhere")
    else:
        path.mkdir()
    ran = run("new", str(path))

    assert (ran.exit_code, ran.stdout) == (2, "")
    assert ran.stderr == f"{path} exists already: name another file.\n"
    assert not (tmp_path / "elsewhere").exists()
    assert kind != "file" or path.read_text() == "mine"


def test_folder_that_is_missing_is_one_clear_line(tmp_path: Path) -> None:
    path = tmp_path / "nowhere" / "t.yaml"
    ran = run("new", str(path))

    assert (ran.exit_code, ran.stderr) == (
        2,
        f"{path} cannot be written (No such file or directory): choose another path.\n",
    )

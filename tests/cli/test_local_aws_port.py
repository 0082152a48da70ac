"""The emulated AWS of a local run on a port: the gatehouse command works on the run, and browsers do not get in."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from infra.gateway.serving import listen
from tests.support.http import BACKEND
from tests.support.limits import WAIT_S
from tests.support.local_run import LocalProcess, command, environment, local_run

pytestmark = pytest.mark.xdist_group("local")

PASSWORD = "correct horse battery staple"
EXPORT = re.compile(r"([A-Z_]+)=(\S+)")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalProcess]:
    """A run of the demo tenant."""
    with local_run(tmp_path_factory.mktemp("aws")) as started:
        started.wait_printed("export AWS_ACCESS_KEY_ID=")
        yield started


def exported(run: LocalProcess) -> dict[str, str]:
    """Return the variables of the two exports that the run printed."""
    lines = [line for line in run.lines if line.startswith("export ")]
    assert len(lines) == 2
    return dict(EXPORT.findall(" ".join(lines)))


def gatehouse(run: LocalProcess, *words: str, typed: str = "") -> subprocess.CompletedProcess[str]:
    """Run the command in a shell that has the exports."""
    return subprocess.run(
        [sys.executable, "-m", "infra.cli.main", *words],
        cwd=run.directory,
        env=environment() | exported(run),
        input=typed,
        capture_output=True,
        text=True,
        timeout=WAIT_S,
        check=False,
    )


def test_person_whom_the_command_adds_logs_in(run: LocalProcess) -> None:
    added = gatehouse(
        run, "users", "add", "--realm", "employees", "--username", "carol", "--password-stdin", typed=PASSWORD
    )
    login = {"grant_type": "password", **BACKEND, "username": "carol", "password": PASSWORD}
    answer = httpx.post(f"{run.url}oauth/token", data=login)

    assert (added.returncode, added.stderr) == (0, "")
    assert re.fullmatch(r"employees\|[0-9a-f]{24}\n", added.stdout)
    assert answer.status_code == 200


def test_import_that_is_killed_goes_on_and_makes_nobody_twice(run: LocalProcess) -> None:
    rows = [{"email": f"killed{number}@example.com", "username": f"killed{number}"} for number in range(300)]
    (run.directory / "people.json").write_text(json.dumps(rows), "utf-8")
    words = ["users", "import", "people.json", "--realm", "customers", "--resume", "--json"]
    killed = [_kill_after(seconds, run, words) for seconds in (0.9, 1.3, 1.6)]
    ran = gatehouse(run, *words)
    listed = json.loads(gatehouse(run, "users", "list", "--realm", "customers", "--json").stdout)
    emails = [user["email"] for user in listed if user["email"].startswith("killed")]

    assert len(killed) == 3
    assert (ran.returncode, json.loads(ran.stdout)) == (0, {"total": 300, "inserted": 300, "updated": 0, "failed": 0})
    assert sorted(emails) == sorted(row["email"] for row in rows)


def _kill_after(seconds: float, run: LocalProcess, words: list[str]) -> int:
    """Start the command, kill it after so many seconds, and return its exit code."""
    started = subprocess.Popen(
        [sys.executable, "-m", "infra.cli.main", *words],
        cwd=run.directory,
        env=environment() | exported(run),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        return started.wait(seconds)
    except subprocess.TimeoutExpired:
        started.kill()
        return started.wait()


def test_command_sees_what_the_run_wrote(run: LocalProcess) -> None:
    alice = {"username": "alice", "password": "correct horse battery staple", "scope": "offline_access"}
    api = {"audience": "https://api.example.com/timesheets"}
    assert httpx.post(f"{run.url}oauth/token", data={"grant_type": "password", **BACKEND, **alice, **api}).is_success

    for words in (
        ["tokens", "list", "--user", "alice", "--realm", "employees", "--json"],
        ["users", "list", "--realm", "customers", "--json"],
        ["clients", "list", "--json"],
        ["keys", "list", "--json"],
        ["realms", "list", "--json"],
    ):
        ran = gatehouse(run, *words)
        assert (ran.returncode, ran.stderr) == (0, ""), words
        assert json.loads(ran.stdout), words


def test_up_and_apply_find_nothing_to_do(run: LocalProcess) -> None:
    tenant = str(Path(__file__).parents[2] / "infra" / "local" / "demo-tenant.yaml")
    for verb in ("up", "apply"):
        ran = gatehouse(
            run, verb, "--dry-run", "--detailed-exitcode", "--project", str(Path(__file__).parents[2]), tenant
        )
        assert (ran.returncode, ran.stderr) == (0, ""), ran.stdout


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Referer": "http://evil.example/"},
        {"Host": "evil.example"},
        {"Host": "10.0.0.5:8001"},
    ],
)
def test_request_of_a_browser_is_refused(run: LocalProcess, headers: dict[str, str]) -> None:
    target = {"X-Amz-Target": "DynamoDB_20120810.ListTables", "Content-Type": "application/x-amz-json-1.0"}
    signed = {"Authorization": "AWS4-HMAC-SHA256 Credential=local/20260101/eu-west-1/dynamodb/aws4_request"}
    url = exported(run)["AWS_ENDPOINT_URL"]
    answer = httpx.post(url, content="{}", headers=target | signed | headers)

    assert (answer.status_code, "TableNames" in answer.text) == (403, False)
    assert httpx.post(url, content="{}", headers=target | signed).json()["TableNames"]


def test_nobody_resets_the_run(run: LocalProcess) -> None:
    assert httpx.post(f"{exported(run)['AWS_ENDPOINT_URL']}/moto-api/reset").status_code == 403


def test_port_can_be_chosen_and_is_refused_if_taken(tmp_path: Path) -> None:
    with listen("127.0.0.1", 0) as taken:
        port = str(taken.getsockname()[1])
        ran = subprocess.run(
            command("--port", "0", "--aws-port", port),
            cwd=tmp_path,
            env=environment(),
            capture_output=True,
            text=True,
            timeout=WAIT_S,
            check=False,
        )
    said = f"Cannot listen on 127.0.0.1 port {port}: another process has it. "
    assert (ran.returncode, ran.stdout) == (2, "")
    assert ran.stderr == f"{said}Choose another with AWS_PORT= or --aws-port.\n"

    with local_run(tmp_path, "--aws-port", port) as run:
        run.wait_printed(f"export AWS_ENDPOINT_URL=http://127.0.0.1:{port}")


def test_logs_of_the_run_are_shown_by_the_command(run: LocalProcess) -> None:
    httpx.post(f"{run.url}oauth/token", data={"grant_type": "password", **BACKEND, "username": "x", "password": "y"})
    shown = gatehouse(run, "logs", "tail", "--json")

    assert (shown.returncode, shown.stderr) == (0, "")
    assert "fu" in [json.loads(line).get("event") for line in shown.stdout.splitlines()]

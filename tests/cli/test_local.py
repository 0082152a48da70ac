"""`gatehouse local`, as a process: what it prints, what it answers, how it stops."""

import re
import resource
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from typer.testing import CliRunner

from infra.cli.main import app
from infra.gateway.serving import listen
from tests.support.http import ALICE, BACKEND
from tests.support.limits import WAIT_S
from tests.support.local_run import LocalProcess, command, environment, local_run
from tests.support.tenant_documents import client, demo_document, small_document, write

# A run takes seconds to start: these tests share theirs.
pytestmark = pytest.mark.xdist_group("local")

# Another process on the same core slows a processor down too: twice what was ever seen.
CPU_LIMIT_S = 40
REQUEST_LINE = re.compile(r"(?P<method>[A-Z]+) (?P<path>/\S*) (?P<status>\d{3}) (?P<ms>\d+) ms(?: (?P<outcome>.+))?")
SECRETS = {
    "client_secret": "canary-of-the-client",
    "password": "canary-of-the-person",
    "wrong_password": "canary-of-a-guess",
    "username": "canary-typed-as-a-name",
    "basic": "Y2FuYXJ5OmNhbmFyeQ==",
    "query": "canary-in-the-query",
    "body": "canary-in-a-broken-body",
}


@pytest.fixture(scope="module")
def demo_run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalProcess]:
    """A run of the demo tenant."""
    with local_run(tmp_path_factory.mktemp("demo")) as run:
        yield run


def test_ignored_realm_is_said_below_the_requests_line(demo_run: LocalProcess) -> None:
    form = {"grant_type": "password", "realm": "customers", **BACKEND, **ALICE}
    assert httpx.post(f"{demo_run.url}oauth/token", data=form).status_code == 200

    demo_run.wait_printed("realm is ignored beside grant_type=password")


def curls_of(run: LocalProcess) -> dict[str, str]:
    """Return each curl that the run printed, by the comment above it."""
    printed, found, title = run.output.partition("Gatehouse serves")[0], {}, ""
    for block in printed.strip().split("\n\n"):
        *comments, curl = block.partition("curl ")[::2]
        title = comments[0].removeprefix("# ").strip()
        found[title] = f"curl {curl}"
    return found


def pasted(curl: str, directory: Path) -> str:
    """Paste a curl line into a shell, and return the status that it was answered with."""
    line = f"{curl.rstrip()} --silent --output answer.json --write-out '%{{http_code}}'"
    ran = subprocess.run(["sh", "-c", line], cwd=directory, capture_output=True, text=True, timeout=WAIT_S, check=True)
    return ran.stdout


@pytest.mark.parametrize(
    ("title", "status"),
    [
        ("alice of employees", "200"),
        ("blocked of employees (blocked)", "403"),
        ("alice@example.com of customers", "200"),
        ("bob@example.com of customers", "200"),
        ("", "200"),
    ],
)
def test_printed_curl_logs_in_as_it_stands(demo_run: LocalProcess, tmp_path: Path, title: str, status: str) -> None:
    assert pasted(curls_of(demo_run)[title], tmp_path) == status


def test_every_demo_user_has_a_curl(demo_run: LocalProcess) -> None:
    users = demo_document()["users"]
    names = [f"{user.get('username', user['email'])} of {realm}" for realm in users for user in users[realm]]

    assert [title.removesuffix(" (blocked)") for title in curls_of(demo_run)] == [*names, ""]


def test_request_leaves_one_line_with_method_path_status_ms_and_outcome(demo_run: LocalProcess) -> None:
    with demo_run.request_lines() as lines:
        httpx.post(f"{demo_run.url}oauth/token", data={"grant_type": "password", **BACKEND, **ALICE})
        httpx.get(f"{demo_run.url}nowhere/[red]at-all")

    login, lost = (found for line in lines if (found := REQUEST_LINE.fullmatch(line)))
    assert login.group("method", "path", "status") == ("POST", "/oauth/token", "200")
    assert re.fullmatch(r"sepft demo-backend employees employees\|[0-9a-f]{24}", login["outcome"])
    assert lost.group("method", "path", "status", "outcome") == ("GET", "/nowhere/[red]at-all", "404", None)


def test_failed_login_says_why_in_its_line(demo_run: LocalProcess) -> None:
    wrong = {"grant_type": "password", **BACKEND, "username": "x", "password": "y"}
    with demo_run.request_lines() as lines:
        httpx.post(f"{demo_run.url}oauth/token", data=wrong)

    (line,) = lines
    assert re.fullmatch(r"POST /oauth/token 400 \d+ ms fu demo-backend employees name:[0-9a-f]{16} unknown user", line)


def test_issuer_of_the_run_is_its_url(demo_run: LocalProcess) -> None:
    assert httpx.get(f"{demo_run.url}.well-known/openid-configuration").json()["issuer"] == demo_run.url


@pytest.fixture(scope="module")
def own_run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalProcess]:
    """A run of another tenant file, whose secrets must not be seen anywhere."""
    # A terminal must show such a name too, which Rich could read as markup.
    directory = tmp_path_factory.mktemp("own[red]")
    clients = [client(client_secret=SECRETS["client_secret"]), client(client_id="made", client_secret=None)]
    users = {"staff": [{"username": "eve", "password": SECRETS["password"]}]}
    with local_run(directory, "--tenant", write(directory, small_document(clients=clients, users=users))) as run:
        yield run


def send_secrets(url: str) -> list[int]:
    """Send each secret where a client might, rightly or not; return the statuses."""
    login = {"grant_type": "password", "client_id": "app", "client_secret": SECRETS["client_secret"]}
    right = login | {"username": "eve", "password": SECRETS["password"]}
    with httpx.Client(base_url=url) as http:
        answers = [
            http.post("/oauth/token", data=right),
            http.post("/oauth/token", json=right),
            http.post("/oauth/token", data=right | {"password": SECRETS["wrong_password"]}),
            http.post("/oauth/token", data=right | {"username": SECRETS["username"]}),
            http.post("/oauth/token", data=right, headers={"Authorization": f"Basic {SECRETS['basic']}"}),
            http.post("/oauth/token", params={"password": SECRETS["query"]}, data=login),
            http.get("/.well-known/jwks.json", params={"access_token": SECRETS["query"]}),
            http.get("/nowhere", params={"access_token": SECRETS["query"]}),
            http.post(
                "/oauth/token",
                content=f'{{"password": "{SECRETS["body"]}"',
                headers={"Content-Type": "application/json"},
            ),
            http.post("/oauth/token", content=SECRETS["body"], headers={"Content-Type": "text/plain"}),
        ]
    return [answer.status_code for answer in answers]


def test_last_line_before_the_requests_names_the_file_and_the_url(own_run: LocalProcess) -> None:
    ready = f"Gatehouse serves {own_run.directory / 'tenant.yaml'} on {own_run.url}  (Ctrl-C stops it)"

    assert ready in own_run.lines


def test_own_tenant_file_gets_placeholders_instead_of_its_secrets(own_run: LocalProcess) -> None:
    (curl,) = (text for title, text in curls_of(own_run).items() if title)

    assert "client_secret=CLIENT_SECRET" in curl
    assert "password=PASSWORD" in curl


def test_secret_that_the_run_made_is_printed_and_works(own_run: LocalProcess) -> None:
    (secret,) = re.findall("^Made for client made: client_secret=(.+)$", own_run.output, re.MULTILINE)
    credentials = {"client_id": "made", "client_secret": secret, "username": "eve", "password": SECRETS["password"]}

    assert httpx.post(f"{own_run.url}oauth/token", data={"grant_type": "password", **credentials}).status_code == 200


def test_no_secret_is_ever_printed(own_run: LocalProcess) -> None:
    with own_run.request_lines() as lines:
        statuses = send_secrets(own_run.url)

    assert statuses == [200, 200, 400, 400, 400, 400, 400, 404, 400, 400]
    assert len(lines) == len(statuses)
    assert [name for name, secret in SECRETS.items() if secret in own_run.output + own_run.errors] == []


def test_ctrl_c_stops_the_run_cleanly_and_a_start_costs_little(tmp_path: Path) -> None:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    with local_run(tmp_path) as run:
        code = run.stop(signal.SIGINT)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)

    assert (code, run.lines[-1]) == (0, "Stopped.")
    # On an idle machine this is the time until it is ready, which is to be under six seconds.
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < CPU_LIMIT_S


def test_port_in_use_is_one_clear_line_and_exit_2(tmp_path: Path) -> None:
    with listen("127.0.0.1", 0) as taken:
        port = str(taken.getsockname()[1])
        ran = subprocess.run(
            command("--port", port),
            cwd=tmp_path,
            env=environment(),
            capture_output=True,
            text=True,
            timeout=WAIT_S,
            check=False,
        )

    said = f"Cannot listen on 127.0.0.1 port {port}: another process has it. Choose another with PORT= or --port.\n"
    assert (ran.returncode, ran.stdout, ran.stderr) == (2, "", said)


def test_faulty_tenant_file_is_one_line_a_fault_and_exit_2(tmp_path: Path) -> None:
    document = small_document(clients=[client(realms=["nowhere"], grant_types=["magic"])])
    path = write(tmp_path, document)
    ran = CliRunner().invoke(app, ["local", "--port", "0", "--tenant", path])

    assert (ran.exit_code, ran.stdout) == (2, "")
    faults = ran.stderr.splitlines()
    assert len(faults) == 2
    assert all(re.fullmatch(rf"{re.escape(path)}:\d+: .+", fault) for fault in faults)


def test_missing_tenant_file_is_one_line_and_exit_2(tmp_path: Path) -> None:
    ran = CliRunner().invoke(app, ["local", "--port", "0", "--tenant", str(tmp_path / "none.yaml")])

    assert (ran.exit_code, ran.stderr) == (2, f"{tmp_path / 'none.yaml'}: no such file: check the path\n")


def test_issuer_can_be_another_url_than_the_one_that_is_served(tmp_path: Path) -> None:
    issuer = "http://gatehouse.test:8000/"
    with local_run(tmp_path, "--issuer", issuer) as run:
        found = httpx.get(f"{run.url}.well-known/openid-configuration").json()

    assert (found["issuer"], found["token_endpoint"]) == (issuer, f"{issuer}oauth/token")
    assert f"Issuer {issuer}" in run.lines


def test_issuer_of_another_form_is_refused(tmp_path: Path) -> None:
    ran = CliRunner().invoke(app, ["local", "--port", "0", "--issuer", "login.example.com"])

    assert (ran.exit_code, ran.stdout) == (2, "")
    assert "ends in a slash" in " ".join(ran.stderr.split())

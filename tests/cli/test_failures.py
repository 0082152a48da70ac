"""Commands on an AWS that is not as it should be: one line, and no traceback."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from chalicelib.errors import TemporarilyUnavailable
from infra.deploy.deploy import DeployFailed, deploy_stage
from infra.stage.aws_faults import describe_failure
from tests.cli.conftest import Gatehouse
from tests.support.tenant_documents import small_document

NEEDS_A_STAGE = [
    ("users", "list", "--realm", "staff"),
    ("users", "add", "--realm", "staff", "--username", "x"),
    ("clients", "list"),
    ("clients", "rotate-secret", "app"),
    ("keys", "list"),
    ("keys", "rotate"),
]


@pytest.mark.parametrize("command", NEEDS_A_STAGE, ids=" ".join)
def test_stage_that_does_not_exist_is_one_clear_line_and_exit_2(gatehouse: Gatehouse, command: tuple[str, ...]) -> None:
    ran = gatehouse.run(*command)

    said = (
        "No such stage in this account and region. Check --stage, or run `gatehouse up` with its tenant file first.\n"
    )
    assert (ran.code, ran.out, ran.err) == (2, "", said)


@pytest.fixture
def without_credentials(gatehouse: Gatehouse, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Gatehouse:
    """The command, where nothing says who calls."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    for name in ("AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    return gatehouse


@pytest.mark.parametrize("command", NEEDS_A_STAGE, ids=" ".join)
def test_missing_credentials_are_one_line_and_exit_1(without_credentials: Gatehouse, command: tuple[str, ...]) -> None:
    ran = without_credentials.run(*command)

    assert (ran.code, ran.out, ran.err.count("\n")) == (1, "", 1)
    assert ran.err.startswith("AWS: ")
    assert "redentials" in ran.err
    assert "Set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY." in ran.err


def test_missing_credentials_of_an_apply_are_one_line_and_exit_1(without_credentials: Gatehouse) -> None:
    ran = without_credentials.apply(small_document())

    said = "Unable to locate credentials. Set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY."
    assert (ran.code, ran.out, ran.err) == (1, "", f"AWS: {said}\n")


def test_missing_region_is_one_line_and_exit_1(
    gatehouse: Gatehouse, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("AWS_DEFAULT_REGION", "AWS_REGION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    ran = gatehouse.run("keys", "list")

    said = "AWS: You must specify a region. Set AWS_DEFAULT_REGION, such as eu-west-1.\n"
    assert (ran.code, ran.out, ran.err) == (1, "", said)


def test_endpoint_that_is_no_url_is_one_line_and_exit_1(gatehouse: Gatehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "nonsense")
    ran = gatehouse.run("keys", "list")

    assert (ran.code, ran.out, ran.err) == (
        1,
        "",
        "AWS: Invalid endpoint configuration: Invalid endpoint: nonsense\n",
    )


def test_unknown_profile_is_one_line_and_exit_1(gatehouse: Gatehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    ran = gatehouse.run("keys", "list")

    assert (ran.code, ran.out, ran.err.count("\n")) == (1, "", 1)
    assert "AWS_PROFILE names a profile that ~/.aws/config lacks." in ran.err


class Proxy(BaseHTTPRequestHandler):
    """Answers every request with what the test has set."""

    status, body = 200, b""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.send_response(self.status)
        self.send_header("Content-Length", str(len(self.body)))
        self.end_headers()
        self.wfile.write(self.body)

    def do_GET(self) -> None:
        self.do_POST()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def proxy(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Proxy]]:
    """Something between the command and AWS that answers by itself."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Proxy)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{server.server_port}")
    yield Proxy
    server.shutdown()
    server.server_close()


PAGES = [(200, b"<!DOCTYPE html><html>Log in</html>"), (403, b"\n<html>\n<body>Blocked</body></html>")]


@pytest.mark.parametrize(("status", "body"), PAGES)
@pytest.mark.parametrize("command", ["up", "apply"])
def test_web_page_in_place_of_an_answer_is_one_line_and_exit_1(
    gatehouse: Gatehouse, proxy: type[Proxy], status: int, body: bytes, command: str
) -> None:
    proxy.status, proxy.body = status, body
    ran = getattr(gatehouse, command)(small_document())

    said = f"AWS: The answer to DescribeStacks is a web page with status {status}, and not AWS's. "
    assert (ran.code, ran.out, ran.err.count("\n")) == (1, "", 1)
    assert ran.err.startswith(said + "It came from a proxy or a login page. Check the network, HTTPS_PROXY and ")


@pytest.mark.parametrize(("status", "body"), PAGES)
def test_web_page_in_place_of_a_key_set_is_not_an_empty_one(
    gatehouse: Gatehouse, proxy: type[Proxy], status: int, body: bytes
) -> None:
    proxy.status, proxy.body = status, body
    ran = gatehouse.run("keys", "list")

    assert (ran.code, ran.out, ran.err.count("\n")) == (1, "", 1)
    assert ran.err.startswith("AWS: get_item: ForeignAnswer. It came from a proxy or a login page. ")


@pytest.mark.parametrize(("status", "body"), PAGES)
def test_web_page_in_place_of_the_answer_to_a_deploy_is_one_line(proxy: type[Proxy], status: int, body: bytes) -> None:
    proxy.status, proxy.body = status, body
    with pytest.raises(DeployFailed) as failure:
        deploy_stage("dev", chalice=lambda stage, project: pytest.fail("it began"), python=(3, 12))

    said = f"AWS: The answer to GetFunction is a web page with status {status}, and not AWS's. "
    assert str(failure.value).startswith(said + "It came from a proxy or a login page. ")
    assert "\n" not in str(failure.value)


def test_answer_that_is_cut_off_is_one_line_and_exit_1(gatehouse: Gatehouse, proxy: type[Proxy]) -> None:
    proxy.status, proxy.body = 200, b"<DescribeStacksResponse><Describe"
    ran = gatehouse.up(small_document())

    assert (ran.code, ran.out, ran.err.count("\n")) == (1, "", 1)
    assert ran.err.startswith("AWS: The answer cannot be read as one of AWS's. It may come from a proxy. ")


@pytest.mark.parametrize(
    ("code", "mend"),
    [
        ("ExpiredToken", "log in again (aws sso login)"),
        ("ExpiredTokenException", "log in again (aws sso login)"),
        ("InvalidClientTokenId", "AWS does not know these credentials"),
        ("UnrecognizedClientException", "AWS does not know these credentials"),
    ],
)
def test_credentials_that_aws_refuses_are_said_with_the_mend(code: str, mend: str) -> None:
    refusal = ClientError({"Error": {"Code": code, "Message": "The security token is bad.\nSee the guide."}}, "GetItem")

    for failure in (refusal, TemporarilyUnavailable(reason=f"get_item: {code}")):
        assert mend in describe_failure(failure)
        assert "\n" not in describe_failure(failure)


def test_verbose_prints_the_rest_after_the_one_line(gatehouse: Gatehouse) -> None:
    short = gatehouse.run("users", "list", "--realm", "staff")
    long = gatehouse.run("--verbose", "users", "list", "--realm", "staff")

    assert (long.code, long.out) == (short.code, short.out)
    assert long.err.startswith(short.err + "Traceback ")
    assert "ResourceNotFoundException" in long.err

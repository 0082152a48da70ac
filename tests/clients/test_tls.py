"""A run with --tls."""

import ssl
import subprocess
from pathlib import Path

import httpx

from tests.clients.support import domain
from tests.support.limits import WAIT_S
from tests.support.local_run import LocalProcess


def test_run_says_how_python_and_node_trust_it(tls_run: LocalProcess) -> None:
    path = tls_run.directory.resolve() / ".gatehouse" / "ca.pem"

    assert f"  Python  export SSL_CERT_FILE='{path}' REQUESTS_CA_BUNDLE='{path}'" in tls_run.lines
    assert f"  Node    export NODE_EXTRA_CA_CERTS='{path}'" in tls_run.lines
    assert path.read_text().startswith("-----BEGIN CERTIFICATE-----")


def test_printed_curl_trusts_the_run(tls_run: LocalProcess) -> None:
    (curl,) = (line for line in tls_run.lines if line.startswith("curl ") and line.endswith("jwks.json"))
    line = f"{curl} --silent --output keys.json --write-out '%{{http_code}}'"
    ran = subprocess.run(["sh", "-c", line], cwd=tls_run.directory, capture_output=True, text=True, check=True)

    assert ran.stdout == "200"


def test_certificate_is_good_for_localhost_too(trusted: LocalProcess) -> None:
    port = domain(trusted).rpartition(":")[2]
    context = ssl.create_default_context(cafile=trusted.ca_file)

    assert httpx.get(f"https://localhost:{port}/.well-known/jwks.json", verify=context, timeout=WAIT_S).is_success


def test_httpx_trusts_the_run_by_the_environment(trusted: LocalProcess) -> None:
    assert httpx.get(f"{trusted.url}.well-known/jwks.json", timeout=WAIT_S).is_success


def test_private_key_of_the_server_is_its_owners_alone(tls_run: LocalProcess) -> None:
    key = Path(tls_run.directory, ".gatehouse", "server-key.pem")

    assert key.stat().st_mode & 0o777 == 0o600

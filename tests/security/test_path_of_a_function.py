"""A function's process as Lambda starts it: which path it takes to AWS, what it imports, and what it says of it.

It runs the real composition. Its environment is Lambda's; AWS's names alone lead to moto, which these tests serve by
TLS.
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import botocore
import pytest
from pyotp import TOTP

from chalicelib.store.aws.botocore_version import OLDEST_BOTOCORE
from infra.gateway.proxy_event import GatewayStage, HttpRequest, proxy_event
from infra.local.emulated_aws import CREDENTIALS, REGION
from infra.stage.aws import Stage
from infra.stage.second_factors import SecondFactors
from tests.support.aws_names import make_tls
from tests.support.elsewhere import words
from tests.support.fixed import BCRYPT_COST, ISSUER
from tests.support.http import ALICE, BACKEND, EVERYTHING, TIMESHEETS, Http
from tests.support.lambda_runtime import RUNTIME_ENVIRONMENT
from tests.support.local_run import PROJECT
from tests.support.mfa import MFA_OTP, mfa_token_of
from tests.support.people import PeopleMaker
from tests.support.slow_link import moto_server, serve_wsgi

OF_BOTOCORE = ("boto3", "botocore", "s3transfer", "jmespath", "urllib3", "dateutil")
OF_SECOND_FACTORS = ("phonenumbers", "pyotp", "segno")
# Tokens that are verified, sealed settings, pages, and other services need them.
OF_OTHER_REQUESTS = ("asyncio", "cffi", "cryptography", "email", "html", "http", "jwt")
PACKAGES = (*OF_BOTOCORE, *OF_SECOND_FACTORS, *OF_OTHER_REQUESTS)
FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True)
class Ran:
    """The result of a function's process. lines: its log."""

    status: int
    body: dict[str, Any] = field(repr=False)
    imported: list[str]
    lines: list[dict[str, Any]]


@dataclass(frozen=True)
class Lambda:
    """Lambda, on this machine. port: serves AWS's names by TLS, signed by the authorities. url: AWS without TLS."""

    stage: str
    port: int
    authorities: Path
    url: str

    def log_in(self, **settings: str) -> Ran:
        """Start a process with more settings than Lambda's own, and let it serve one login."""
        return self.serve(
            "/oauth/token", {"grant_type": "password", "audience": TIMESHEETS, **ALICE, **BACKEND}, settings
        )

    def serve(self, path: str, form: dict[str, str], settings: dict[str, str], bearer: str = "") -> Ran:
        """Start a process with more settings than Lambda's own, and let it serve one request."""
        body = urlencode(form).encode()
        headers = (("content-type", FORM), ("content-length", str(len(body))), ("authorization", f"Bearer {bearer}"))
        sent = headers if bearer else headers[:2]
        request = HttpRequest("a-request", "POST", path, "", sent, body, "192.0.2.44", "https", 443)
        event = proxy_event(request, path, {}, GatewayStage("dev", "/dev", "api.example.com", "abc"))
        environment = {
            **RUNTIME_ENVIRONMENT,
            **CREDENTIALS,
            "AWS_REGION": REGION,
            "AWS_LAMBDA_FUNCTION_NAME": "gatehouse-test",
            "AWS_SESSION_TOKEN": "a-token",
            "AWS_XRAY_CONTEXT_MISSING": "LOG_ERROR",
            "GATEHOUSE_STAGE": self.stage,
            "GATEHOUSE_ISSUER": ISSUER,
            "GATEHOUSE_BCRYPT_COST": str(BCRYPT_COST),
            "HOME": "/nowhere",
            "PYTHONPATH": str(PROJECT),
            "SSL_CERT_FILE": str(self.authorities),
            **settings,
        }
        program = str(PROJECT / "tests" / "support" / "one_login.py")
        done = subprocess.run(
            words(sys.executable, self.port, program, *PACKAGES),
            env=environment,
            input=json.dumps(event),
            capture_output=True,
            text=True,
            check=True,
            timeout=120,
        )
        *lines, last = map(json.loads, done.stdout.splitlines())
        status, answer, imported = last
        return Ran(status, answer, imported, lines)


@pytest.fixture(scope="module")
def function(stage: Stage, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lambda]:
    authorities = tmp_path_factory.mktemp("tls") / "authorities.pem"
    moto = moto_server()
    with serve_wsgi(moto, make_tls(authorities)) as by_tls, serve_wsgi(moto) as url:
        yield Lambda(stage.name, urlsplit(by_tls).port or 0, authorities, url)


def test_login_in_lambdas_environment_imports_neither_botocore_nor_what_other_requests_need(function: Lambda) -> None:
    ran = function.log_in()

    assert (ran.status, set(ran.body)) == (200, {"access_token", "expires_in", "scope", "token_type"})
    assert ran.imported == []


@pytest.mark.parametrize("path", ["/oauth/token", "/userinfo", "/oauth/introspect", "/oauth/revoke"])
def test_request_with_a_token_imports_no_botocore(function: Lambda, http: Http, path: str) -> None:
    tokens = http.login(scope=EVERYTHING).json()
    access, refresh = tokens["access_token"], tokens["refresh_token"]
    form = {
        "/oauth/token": {"grant_type": "refresh_token", "refresh_token": refresh, **BACKEND},
        "/userinfo": {},
        "/oauth/introspect": {"token": access, **BACKEND},
        "/oauth/revoke": {"token": refresh, **BACKEND},
    }[path]
    ran = function.serve(path, form, {}, bearer="" if form else access)

    assert ran.status == 200
    assert [name for name in ran.imported if name.partition(".")[0] in OF_BOTOCORE] == []


def test_second_factor_imports_no_botocore(function: Lambda, http: Http, stage: Stage, people: PeopleMaker) -> None:
    user, factors = people.make(), SecondFactors.of(stage, "employees")
    secret = factors.enroll(factors.find_session(user.user_id))["secret"]
    mfa_token = mfa_token_of(http.login(username=user.username))
    form = {"grant_type": MFA_OTP, "mfa_token": mfa_token, "otp": TOTP(secret).now(), **BACKEND}
    ran = function.serve("/oauth/token", form, {})

    assert ran.status == 200
    assert [name for name in ran.imported if name.partition(".")[0] in OF_BOTOCORE] == []


def test_function_on_the_thin_path_says_nothing_of_it(function: Lambda) -> None:
    assert [line["event"] for line in function.log_in().lines] == ["sepft"]


def test_setting_that_the_thin_path_does_not_honour_is_named_once_as_botocore_takes_over(function: Lambda) -> None:
    ran = function.log_in(AWS_ENDPOINT_URL=function.url)

    assert ran.status == 200
    assert "botocore.client" in ran.imported
    assert [(line["event"], line["reason"]) for line in ran.lines[:-1]] == [
        ("aws_by_botocore", "AWS_ENDPOINT_URL is set")
    ]


def test_server_whose_certificate_nobody_vouches_for_gets_no_request(function: Lambda) -> None:
    others = Path(botocore.__file__).with_name("cacert.pem")
    ran = function.log_in(SSL_CERT_FILE=str(others))

    assert (ran.status, ran.body["error"]) == (503, "temporarily_unavailable")
    assert ran.lines[-1]["reason"].endswith("EndpointConnectionError, SSLCertVerificationError")


def test_system_without_authorities_has_botocore_bring_its_own(function: Lambda) -> None:
    ran = function.log_in(SSL_CERT_FILE="/nowhere")

    # botocore's authorities know nothing of the one of these tests.
    assert (ran.status, ran.body["error"]) == (503, "temporarily_unavailable")
    assert [(line["event"], line["reason"]) for line in ran.lines[:-1]] == [
        ("aws_by_botocore", "the system has no file of TLS authorities")
    ]


@pytest.mark.parametrize("path", ["thin", "botocore"])
def test_runtime_with_a_botocore_that_is_too_old_is_refused_at_the_start_on_either_path(
    function: Lambda, tmp_path: Path, path: str
) -> None:
    (tmp_path / "botocore").mkdir()
    (tmp_path / "botocore" / "__init__.py").write_text("import os\n\n__version__ = '1.30.1'\n")
    settings = {} if path == "thin" else {"AWS_ENDPOINT_URL": function.url}
    ran = function.log_in(PYTHONPATH=f"{tmp_path}:{PROJECT}", **settings)

    assert (ran.status, ran.body["error"], ran.imported) == (500, "server_error", [])
    assert f"botocore 1.30.1 of this runtime is older than {OLDEST_BOTOCORE}" in ran.lines[-1]["reason"]

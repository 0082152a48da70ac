"""The deployed zip, run as Lambda runs it, behind the gateway: what a client gets from it."""

import json
import os
from pathlib import Path
from typing import Any

import httpx
import jwt
import pytest

from tests.deploy.conftest import ON_ONE_WORKER, Deployment
from tests.deploy.logins import AUDIENCE, PASSWORD, SECRET_LOGIN, signed_login
from tests.support.lambda_runtime import Environment, Function

pytestmark = ON_ONE_WORKER

OWN_HEADERS = {
    "cache-control": "no-store",
    "pragma": "no-cache",
    "strict-transport-security": "max-age=31536000",
    "x-content-type-options": "nosniff",
}


def verified(token: str, site: httpx.Client, issuer: str) -> dict[str, Any]:
    keys = jwt.PyJWKSet.from_dict(site.get("/.well-known/jwks.json").json())
    key = keys[jwt.get_unverified_header(token)["kid"]]
    claims: dict[str, Any] = jwt.decode(token, key, algorithms=["RS256", "ES256"], audience=AUDIENCE, issuer=issuer)
    return claims


def test_unpacked_zip_stands_outside_of_the_sources(function: Function) -> None:
    assert (function.root / "app.py").is_file()
    assert not (function.root / "boto3").exists()
    assert not any((parent / "chalicelib").exists() for parent in function.root.parents)


def test_function_stays_on_one_processor(site: httpx.Client, environment: Environment) -> None:
    assert site.get("/health").status_code == 200
    assert len(os.sched_getaffinity(environment.process.pid)) == 1


def test_login_gets_a_token_that_verifies(site: httpx.Client, deployment: Deployment) -> None:
    answer = site.post("/oauth/token", data=SECRET_LOGIN)
    assert answer.status_code == 200, answer.text
    claims = verified(answer.json()["access_token"], site, deployment.url)
    assert claims["client_id"] == "demo-backend"
    assert claims["scope"] == answer.json()["scope"]


def test_wrong_password_is_refused_in_oauths_form(site: httpx.Client) -> None:
    answer = site.post("/oauth/token", data=SECRET_LOGIN | {"password": "wrong"})
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")


def test_client_that_signs_gets_a_token_once_per_assertion(site: httpx.Client, deployment: Deployment) -> None:
    login = signed_login(deployment)
    answers = [site.post("/oauth/token", data=login) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 401]


def test_metadata_names_the_deployed_url(site: httpx.Client, deployment: Deployment) -> None:
    metadata = site.get("/.well-known/openid-configuration").json()
    assert metadata["issuer"] == deployment.url
    assert metadata["token_endpoint"] == f"{deployment.url}oauth/token"


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_wrong_method_is_answered_by_the_function(site: httpx.Client, method: str) -> None:
    answer = site.request(method, "/oauth/token")
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")
    assert OWN_HEADERS.items() <= dict(answer.headers).items()


def test_browser_may_ask_userinfo_and_read_what_is_public(site: httpx.Client) -> None:
    ask = {"Origin": "https://app.example", "Access-Control-Request-Method": "GET"}
    preflight = site.options("/userinfo", headers=ask | {"Access-Control-Request-Headers": "authorization"})
    opened = [site.get(path, headers=ask) for path in ("/userinfo", "/.well-known/jwks.json")]

    assert (preflight.status_code, preflight.content) == (204, b"")
    assert preflight.headers["access-control-allow-headers"] == "authorization"
    assert {answer.headers["access-control-allow-origin"] for answer in (preflight, *opened)} == {"*"}


def test_browser_may_not_ask_for_tokens(site: httpx.Client) -> None:
    answers = [site.options("/oauth/token", headers={"Origin": "https://app.example"})]
    answers.append(site.post("/oauth/token", data=SECRET_LOGIN, headers={"Origin": "https://app.example"}))

    assert [answer.status_code for answer in answers] == [405, 200]
    assert not any("access-control-allow-origin" in answer.headers for answer in answers)


def test_header_of_another_scheme_beside_the_secret_is_ignored(site: httpx.Client) -> None:
    for scheme in ("Bearer abc", "Negotiate abc", "AWS4-HMAC-SHA256 Credential=x"):
        assert site.post("/oauth/token", data=SECRET_LOGIN, headers={"Authorization": scheme}).status_code == 200


@pytest.mark.parametrize("path", ["/", "/oauth", "/oauth/token/more", "/nothing", "/_local/outbox"])
def test_unknown_path_is_answered_in_our_form(site: httpx.Client, path: str) -> None:
    answer = site.get(path)
    assert (answer.status_code, answer.json()["error"]) == (404, "not_found")
    assert OWN_HEADERS.items() <= dict(answer.headers).items()
    assert answer.headers["x-request-id"] == answer.headers["x-amzn-requestid"]


def test_request_id_of_api_gateway_comes_back(site: httpx.Client) -> None:
    answer = site.get("/.well-known/jwks.json")
    assert answer.headers["x-request-id"] == answer.headers["x-amzn-requestid"]


def test_login_leaves_one_log_line_without_the_password(site: httpx.Client, printed: Path) -> None:
    request_id = site.post("/oauth/token", data=SECRET_LOGIN).headers["x-request-id"]
    lines = [line for line in printed.read_text("utf-8").splitlines() if request_id in line]
    assert len(lines) == 1
    line = json.loads(lines[0][lines[0].index("{") :])
    assert (line["client_id"], line["grant_type"], line["function"]) == ("demo-backend", "password", "gatehouse-dev")
    directives = line["_aws"]["CloudWatchMetrics"]
    assert [one["Dimensions"] for one in directives] == [
        [["function"]],
        [["function", "event"], ["function", "grant_type"]],
    ]
    assert PASSWORD not in printed.read_text("utf-8")


def test_commands_that_made_the_stage_are_in_its_audit_log(deployment: Deployment) -> None:
    found = deployment.aws.client("logs").filter_log_events(logGroupName="/gatehouse/dev/audit")["events"]
    lines = [json.loads(event["message"]) for event in found]

    done = [line["what"] for line in lines if line.get("result") == "done"]
    assert done[:3] == ["up", "apply", "deploy"]
    assert all(line["who"].startswith("arn:aws:sts::123456789012:") for line in lines if "/api/" not in line["what"])

"""Which answers a script of another origin may read (Fetch 3.2), through HTTP."""

import json

import httpx
import pytest

from app import app
from tests.support.http import BACKEND, Http

CONFIGURATION = "/.well-known/openid-configuration"
OPEN = [CONFIGURATION, "/.well-known/oauth-authorization-server", "/.well-known/jwks.json", "/userinfo"]
CLOSED = [path.replace("{", "").replace("}", "") for path in app.routes if path not in OPEN]
ORIGIN = {"Origin": "https://app.example"}


def cross_origin(response: httpx.Response) -> dict[str, str]:
    return {name: value for name, value in response.headers.items() if name.startswith("access-control-")}


@pytest.mark.parametrize("path", OPEN)
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "DELETE"])
def test_metadata_keys_and_userinfo_may_be_read_by_any_origin_errors_too(http: Http, path: str, method: str) -> None:
    response = http.request(method, path, headers=ORIGIN)

    assert cross_origin(response) == {"access-control-allow-origin": "*"}


@pytest.mark.parametrize("path", OPEN)
def test_path_is_open_whatever_a_request_says_of_its_origin(http: Http, path: str) -> None:
    assert cross_origin(http.get(path)) == {"access-control-allow-origin": "*"}


@pytest.mark.parametrize("body", ["{", "access_token=%zz"])
def test_malformed_request_to_userinfo_may_be_read_too(http: Http, body: str) -> None:
    response = http.post("/userinfo", content=body, headers={**ORIGIN, "Content-Type": "application/json"})

    assert response.status_code == 400
    assert cross_origin(response) == {"access-control-allow-origin": "*"}


def test_preflight_of_userinfo_lets_the_bearer_token_pass(http: Http) -> None:
    asked = {"Access-Control-Request-Method": "GET", "Access-Control-Request-Headers": "authorization"}
    response = http.request("OPTIONS", "/userinfo", headers=ORIGIN | asked)

    assert (response.status_code, response.content) == (204, b"")
    assert cross_origin(response) == {
        "access-control-allow-origin": "*",
        "access-control-allow-headers": "authorization",
        "access-control-allow-methods": "GET, POST, HEAD",
    }
    assert response.headers["Cache-Control"] == "no-store"
    assert http.log == []


def test_crash_at_userinfo_may_be_read_too(http: Http) -> None:
    # No event of API Gateway is like this one: Chalice itself crashes.
    answer = http.app({"requestContext": {"resourcePath": "/userinfo"}}, None)

    assert (answer["statusCode"], json.loads(answer["body"])["error"]) == (500, "server_error")
    assert answer["headers"]["Access-Control-Allow-Origin"] == "*"


@pytest.mark.parametrize("path", [*CLOSED, "/nowhere"])
@pytest.mark.parametrize("method", ["OPTIONS", "GET", "POST", "DELETE"])
def test_nothing_else_may_be_read_by_another_origin(http: Http, path: str, method: str) -> None:
    response = http.request(method, path, headers=ORIGIN | {"Access-Control-Request-Method": "POST"})

    assert cross_origin(response) == {}


def test_tokens_may_not_be_read_by_another_origin(http: Http) -> None:
    answers = [http.login(), http.post("/oauth/introspect", data={**BACKEND, "token": "x"}, headers=ORIGIN)]

    assert [(answer.status_code, cross_origin(answer)) for answer in answers] == [(200, {})] * 2


@pytest.mark.parametrize("path", ["/oauth/token", "/oauth/revoke", "/mfa/challenge"])
def test_preflight_of_the_token_endpoint_is_told_why_it_fails(http: Http, path: str) -> None:
    response = http.request("OPTIONS", path, headers=ORIGIN)

    assert (response.status_code, response.headers["Allow"]) == (405, "POST")
    assert response.json() == {
        "error": "method_not_allowed",
        "error_description": "This path takes POST only. It answers no preflight: an app in a browser must not take"
        " people's passwords.",
    }


def test_other_wrong_methods_are_told_what_they_were(http: Http) -> None:
    assert http.get("/oauth/token").json()["error_description"] == "This path takes POST only."
    assert "browser" not in http.request("OPTIONS", CONFIGURATION).json()["error_description"]

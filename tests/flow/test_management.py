"""The callers and the refusals of the Management API (contract.md, "Management API")."""

from typing import Any

import httpx
import pytest

from chalicelib.flows.management.admission import REQUESTS
from chalicelib.model.tenant import MANAGEMENT, MANAGEMENT_SCOPES, management_audience
from infra.stage.aws import Stage
from tests.support.clients import make_client
from tests.support.config import document_of
from tests.support.faults import aws_error, failing
from tests.support.fixed import ISSUER, Clock
from tests.support.http import ALICE, BACKEND, PASSWORD_REALM, Http
from tests.support.management import SECRET, Backend, refusal
from tests.support.tokens import claims_in

AUDIENCE = management_audience(ISSUER)


def asked_with(backend: Backend, token: str) -> httpx.Response:
    return backend.http.get("/api/v2/clients", headers={"Authorization": f"Bearer {token}"})


def test_client_grant_gives_an_access_token_for_the_api(backend: Backend) -> None:
    body = backend.ask_token().json()
    claims = claims_in(body["access_token"])

    assert (claims["aud"], claims["gty"]) == (AUDIENCE, "client-credentials")
    assert claims["scope"].split() == body["scope"].split() == [*MANAGEMENT_SCOPES]


def test_client_without_the_client_grant_gets_none(http: Http) -> None:
    asked = {"grant_type": "client_credentials", "audience": AUDIENCE}
    answer = http.token({**asked, **BACKEND})

    assert (answer.status_code, answer.json()["error"]) == (403, "access_denied")


@pytest.mark.parametrize(
    "audience", [MANAGEMENT, f"{ISSUER}api/v2", f"{AUDIENCE}x", "https://other.example.com/api/v2/"]
)
def test_only_the_audience_of_this_issuer_names_the_api(backend: Backend, audience: str) -> None:
    answer = backend.ask_token(audience=audience)

    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_target")


@pytest.mark.parametrize("grant", [{"grant_type": "password"}, {"grant_type": PASSWORD_REALM, "realm": "employees"}])
@pytest.mark.parametrize("name", ["audience", "resource"])
def test_no_persons_login_gets_a_token_for_the_api(stage: Stage, http: Http, grant: dict[str, str], name: str) -> None:
    client_id = make_client(stage, secret=SECRET, client_grants={MANAGEMENT: [*MANAGEMENT_SCOPES]})
    answer = http.token({**grant, **ALICE, "client_id": client_id, "client_secret": SECRET, name: AUDIENCE})

    assert (answer.status_code, answer.json()) == (
        400,
        {"error": "invalid_target", "error_description": f"Service not found: {AUDIENCE}"},
    )


def test_no_refresh_gets_a_token_for_the_api(http: Http) -> None:
    token = http.login(scope="offline_access").json()["refresh_token"]
    answer = http.refresh(token, audience=AUDIENCE)

    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_target")


def test_no_token_is_401_with_a_challenge_that_names_no_error(backend: Backend) -> None:
    answer = backend.http.get("/api/v2/clients")

    assert refusal(answer) == (401, "invalid_token")
    assert answer.json()["error"] == "Unauthorized"
    assert answer.headers["WWW-Authenticate"] == 'Bearer realm="gatehouse"'


def test_token_of_a_person_is_401(backend: Backend) -> None:
    for token in (backend.http.login(scope="openid").json()[name] for name in ("access_token", "id_token")):
        assert refusal(asked_with(backend, token)) == (401, "invalid_token")


def test_token_of_a_client_for_another_api_is_401(backend: Backend) -> None:
    asked = {"grant_type": "client_credentials", "audience": "https://api.example.com/timesheets"}
    token = backend.http.token({**asked, "client_id": "demo-m2m", "client_secret": "demo-m2m-secret"})

    assert refusal(asked_with(backend, token.json()["access_token"])) == (401, "invalid_token")


@pytest.mark.parametrize("token", ["", "x", "a.b.c", "é"])
def test_malformed_token_is_401(backend: Backend, token: str) -> None:
    answer = backend.http.get("/api/v2/clients", headers={"Authorization": f"Bearer {token}".encode()})

    assert refusal(answer) == (401, "invalid_token")


def test_token_in_the_query_is_refused(backend: Backend) -> None:
    assert refusal(backend.http.get(f"/api/v2/clients?access_token={backend.token}")) == (400, "invalid_request")


def test_expired_token_is_401(backend: Backend, clock: Clock) -> None:
    assert backend.send("GET", "/clients").status_code == 200
    clock.advance(86_400)

    assert refusal(backend.send("GET", "/clients")) == (401, "invalid_token")


def test_missing_scope_is_403_and_is_named(stage: Stage, backend: Backend) -> None:
    answer = Backend.of(stage, backend.http, ["read:users"]).send("GET", "/clients")

    assert refusal(answer) == (403, "insufficient_scope")
    assert answer.json()["error"] == "Forbidden"
    assert 'scope="read:clients"' in answer.headers["WWW-Authenticate"]


def change_client(stage: Stage, backend: Backend, **changes: Any) -> None:
    key = f"client#{backend.client['client_id']}"
    stage.config().put(key, document_of(stage, key) | changes)


@pytest.mark.parametrize(
    ("changes", "refused"),
    [
        ({"client_grants": {}}, (401, "invalid_token")),
        ({"disabled": True}, (401, "invalid_token")),
        ({"client_grants": {MANAGEMENT: ["read:users"]}}, (403, "insufficient_scope")),
    ],
)
def test_grant_that_left_the_tenant_file_ends_its_tokens(
    stage: Stage, backend: Backend, clock: Clock, changes: dict[str, Any], refused: tuple[int, str]
) -> None:
    assert backend.send("GET", "/clients").status_code == 200
    change_client(stage, backend, **changes)
    # A process remembers its configuration for a minute.
    clock.advance(61)

    assert refusal(backend.send("GET", "/clients")) == refused


def test_requests_beyond_the_clients_bucket_are_429_with_the_limits(stage: Stage, backend: Backend) -> None:
    statuses = [backend.send("GET", "/clients").status_code for _ in range(REQUESTS.size)]
    answer = backend.send("GET", "/clients")

    assert set(statuses) == {200}
    assert refusal(answer) == (429, "too_many_requests")
    assert (answer.headers["X-RateLimit-Limit"], answer.headers["X-RateLimit-Remaining"]) == ("100", "0")
    assert int(answer.headers["X-RateLimit-Reset"]) > 0
    assert answer.headers["Retry-After"] == "1"
    assert backend.http.log[-1]["event"] == "api_limit"
    # Each client has a bucket of its own, and a full one gets room again.
    assert Backend.of(stage, backend.http).send("GET", "/clients").status_code == 200


def test_full_bucket_has_room_again(backend: Backend, clock: Clock) -> None:
    for _ in range(REQUESTS.size):
        backend.send("GET", "/clients")
    clock.advance(1)

    assert backend.send("GET", "/clients").status_code == 200


@pytest.mark.parametrize(
    ("body", "content_type", "refused"),
    [
        (b"{", "application/json", (400, "invalid_request")),
        (b"[]", "application/json", (400, "invalid_request")),
        (b"a=b", "application/x-www-form-urlencoded", (400, "invalid_request")),
        (b'{"x": "' + b"x" * 65_536 + b'"}', "application/json", (413, "invalid_request")),
    ],
)
def test_body_that_is_no_small_json_object_is_refused(
    backend: Backend, body: bytes, content_type: str, refused: tuple[int, str]
) -> None:
    path = f"/clients/{backend.client['client_id']}/rotate-secret"
    answer = backend.send("POST", path, content=body, headers={"Content-Type": content_type})

    assert refusal(answer) == refused


def test_other_method_is_405_in_the_apis_form(backend: Backend) -> None:
    answer = backend.send("PUT", "/clients")

    assert refusal(answer) == (405, "method_not_allowed")
    assert answer.headers["Allow"] == "GET, HEAD"


def test_other_path_is_unknown(backend: Backend) -> None:
    assert backend.send("GET", "/tenants/settings").status_code == 404


def test_failure_of_aws_is_503_in_the_apis_form(stage: Stage, backend: Backend) -> None:
    assert backend.token
    with failing(stage, "UpdateItem", aws_error("InternalServerError")):
        answer = backend.send("GET", "/clients")

    assert refusal(answer) == (503, "temporarily_unavailable")

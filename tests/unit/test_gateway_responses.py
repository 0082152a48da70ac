"""API Gateway's own answers, as the data file states them."""

import json
import re

import botocore.session
import pytest

from infra.gateway.responses import GatewayResponse, load_gateway_responses

RESPONSES = load_gateway_responses()
EACH = pytest.mark.parametrize("response", RESPONSES.values(), ids=RESPONSES.keys())
# RFC 6749 5.2; API Gateway's templates give `$` and `#` a meaning besides.
DESCRIPTION = re.compile(r"[\x20-\x21\x25-\x5b\x5d-\x7e]+")


def test_every_response_type_of_api_gateway_has_its_answer() -> None:
    shape = botocore.session.get_session().get_service_model("apigateway").shape_for("GatewayResponseType")
    assert set(RESPONSES) == set(shape.metadata["enum"])


@EACH
def test_body_is_an_oauth_error(response: GatewayResponse) -> None:
    body = json.loads(response.body)
    assert body == {"error": response.error, "error_description": response.description}
    assert DESCRIPTION.fullmatch(response.description)
    assert re.fullmatch(r"[a-z_]+", response.error)


@EACH
def test_headers_are_those_of_every_response(response: GatewayResponse) -> None:
    headers = response.headers_for({"requestId": "id-1"})
    headers.pop("Retry-After", None)
    assert headers == {
        "Cache-Control": "no-store",
        "Pragma": "no-cache",
        "X-Request-Id": "id-1",
        "Strict-Transport-Security": "max-age=31536000",
        "X-Content-Type-Options": "nosniff",
    }


def test_answers_that_a_retry_may_change_say_when_to_retry() -> None:
    retried = {kind for kind, response in RESPONSES.items() if "Retry-After" in response.headers}
    assert retried == {kind for kind, response in RESPONSES.items() if response.status in (429, 503)}


def test_fallbacks_keep_the_status_of_api_gateway() -> None:
    assert (RESPONSES["DEFAULT_4XX"].status, RESPONSES["DEFAULT_5XX"].status) == (None, None)


def test_unknown_path_answers_alike_with_and_without_an_authorization_header() -> None:
    assert RESPONSES["INVALID_SIGNATURE"] == RESPONSES["MISSING_AUTHENTICATION_TOKEN"]

"""Bodies as real clients write them, and what a wrong one is told, through HTTP."""

import gzip
import json
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest

from tests.support.fixed import Hashes
from tests.support.http import ALICE, BACKEND, TIMESHEETS, Http

FORM = "application/x-www-form-urlencoded"
JSON = "application/json"
LOGIN = {"grant_type": "password", "audience": TIMESHEETS, **BACKEND, **ALICE}
AS_FORM, AS_JSON = urlencode(LOGIN), json.dumps(LOGIN)
BODIES = [(FORM, AS_FORM), (JSON, AS_JSON)]


def post(http: Http, content_type: str, body: str | bytes, **headers: str) -> httpx.Response:
    return http.post("/oauth/token", content=body, headers={"Content-Type": content_type, **headers})


def require_refusal(response: httpx.Response, description: str, status: int = 400) -> None:
    assert response.status_code == status
    assert response.json() == {"error": "invalid_request", "error_description": description}


# Given twice.


def added(member: str) -> str:
    """Return a login's JSON with this text as one member more."""
    return f"{AS_JSON[:-1]}, {member}}}"


@pytest.mark.parametrize("name", ["username", "grant_type", "scope", "foo", "a b"])
def test_parameter_that_is_given_twice_is_named(http: Http, hashes: Hashes, name: str) -> None:
    twice = urlencode([(name, "one"), (name, "two")])

    require_refusal(post(http, FORM, f"{AS_FORM}&{twice}"), f"Parameter given twice: {name}")
    require_refusal(post(http, JSON, added(f'"{name}": "one", "{name}": "two"')), f"Parameter given twice: {name}")
    assert hashes.count == 0


def test_name_of_a_parameter_is_told_printable_and_cut(http: Http) -> None:
    name = 'x"\\\u2028' + "y" * 500
    twice = urlencode([(name, "1"), (name, "1")])

    require_refusal(post(http, FORM, f"{AS_FORM}&{twice}"), "Parameter given twice: x???" + "y" * 96)


def test_name_that_nobody_knows_reaches_no_log(http: Http) -> None:
    # What a client did not encode falls apart into names: pass&hunter2=a&hunter2=b.
    post(http, FORM, f"{AS_FORM}&hunter2=a&hunter2=b")
    post(http, FORM, f"{AS_FORM}&username=bob")

    assert "hunter2" not in json.dumps(http.log)
    assert "username" in http.log[-1]["reason"]


def test_member_that_stands_twice_deeper_is_named_too(http: Http) -> None:
    require_refusal(post(http, JSON, added('"device": {"a": 1, "a": 2}')), "Parameter given twice: a")


@pytest.mark.parametrize(
    "body",
    [
        f"{AS_FORM}&username=",
        f"username=&{AS_FORM}",
        f"{AS_FORM}&username",
        f"{AS_FORM}&scope=&scope=&scope",
        f"{AS_FORM}&foo=&foo=",
        f"{AS_FORM}&client_secret=&client_assertion=",
    ],
)
def test_empty_form_parameter_is_none_and_no_second_one(http: Http, body: str) -> None:
    assert post(http, FORM, body).status_code == 200


@pytest.mark.parametrize(
    "member",
    [
        '"username": null',
        '"username": ""',
        '"scope": null, "scope": "", "scope": null',
        '"device": {"a": 1, "a": null}',
        '"foo": "", "foo": null',
    ],
)
def test_null_or_empty_member_is_none_and_no_second_one(http: Http, member: str) -> None:
    assert post(http, JSON, added(member)).status_code == 200
    assert post(http, JSON, f"{{{member}, {AS_JSON[1:]}").status_code == 200


def test_empty_list_object_and_zero_are_values(http: Http) -> None:
    for value in ("[]", "{}", "0", "false"):
        require_refusal(post(http, JSON, added(f'"foo": {value}, "foo": {value}')), "Parameter given twice: foo")


# One form under the other's name.


@pytest.mark.parametrize("body", [AS_JSON, f"  \n{json.dumps(LOGIN, indent=2)}\n", '{"a": "100%"}', "{}"])
@pytest.mark.parametrize("content_type", [FORM, f"{FORM}; charset=utf-8"])
def test_json_under_the_type_of_a_form_is_told_so(http: Http, content_type: str, body: str) -> None:
    require_refusal(post(http, content_type, body), f"The body is JSON, but Content-Type is {FORM}.")


@pytest.mark.parametrize("body", [AS_FORM, "grant_type=password", "a=", "x%20y=1&z"])
def test_form_under_the_type_of_json_is_told_so(http: Http, body: str) -> None:
    require_refusal(post(http, JSON, body), f"The body is a form, but Content-Type is {JSON}.")


@pytest.mark.parametrize("body", ["{", '{"a": "b=c"', "nonsense", '"a=b', "[a=b]"])
def test_other_broken_json_is_no_form(http: Http, body: str) -> None:
    require_refusal(post(http, JSON, body), "The request body is not valid JSON.")


def test_form_with_braces_in_it_is_a_form(http: Http) -> None:
    assert post(http, FORM, f"{AS_FORM}&%7Bx%7D=%7B%7D&{{y}}={{z}}").status_code == 200


# Codings.


@pytest.mark.parametrize("coding", ["gzip", "br", "deflate", "zstd", "x-gzip", "GZIP", "identity, gzip", "utf-8"])
@pytest.mark.parametrize(("content_type", "body"), BODIES)
def test_encoded_body_is_an_unsupported_media_type(
    http: Http, hashes: Hashes, content_type: str, body: str, coding: str
) -> None:
    response = post(http, content_type, gzip.compress(body.encode()), **{"Content-Encoding": coding})

    require_refusal(response, "Content-Encoding is not supported: send the body as it is.", 415)
    assert response.headers["Accept-Encoding"] == "identity"
    assert hashes.count == 0


@pytest.mark.parametrize("coding", ["identity", "Identity", "", " identity , identity"])
def test_body_that_says_it_is_not_encoded_is_taken(http: Http, coding: str) -> None:
    assert post(http, FORM, AS_FORM, **{"Content-Encoding": coding}).status_code == 200


# The byte order mark.


@pytest.mark.parametrize(("content_type", "body"), BODIES)
def test_byte_order_mark_is_skipped(http: Http, content_type: str, body: str) -> None:
    assert post(http, content_type, b"\xef\xbb\xbf" + body.encode()).status_code == 200


@pytest.mark.parametrize("body", ["\ufeff", "\ufeff\ufeff" + AS_JSON, AS_JSON + "\ufeff"])
def test_second_or_later_mark_is_a_character(http: Http, body: str) -> None:
    response: Any = post(http, JSON, body.encode())

    assert (response.status_code, response.json()["error"]) == (400, "invalid_request")


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32", "utf-16-le"])
def test_other_encodings_stay_invalid(http: Http, encoding: str) -> None:
    assert post(http, JSON, AS_JSON.encode(encoding)).status_code == 400

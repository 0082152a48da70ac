"""Requests that the wire takes, and the form of all answers, through HTTP."""

import json
from base64 import b64encode
from collections.abc import Callable
from typing import Any
from urllib.parse import quote, urlencode

import httpx
import pytest

from app import make_app
from chalicelib.http import log
from chalicelib.http.routes import Services
from infra.gateway.proxy_event import GatewayStage, HttpRequest, proxy_event
from infra.stage.aws import Stage
from tests.support.calls import Calls, calls_of
from tests.support.fixed import Hashes
from tests.support.http import ALICE, BACKEND, PASSWORD_REALM, TIMESHEETS, Http
from tests.support.people import PeopleMaker

TOKEN = "/oauth/token"
CONFIGURATION = "/.well-known/openid-configuration"
SERVER = "/.well-known/oauth-authorization-server"
JWKS = "/.well-known/jwks.json"
FORM = "application/x-www-form-urlencoded"
LIMIT_BYTES = 16 * 1024
# DynamoDB's limit of a partition key; moto lets any pass.
KEY_LIMIT_BYTES = 2048
LOGIN = {"grant_type": "password", "audience": TIMESHEETS, **BACKEND, **ALICE}
# RFC 6749 5.2: error_description is of %x20-21 / %x23-5B / %x5D-7E.
DESCRIBABLE = {*map(chr, range(0x20, 0x7F))} - {'"', "\\"}
CREDENTIALS = [
    "client_id", "client_secret", "client_assertion", "username", "password", "refresh_token", "token", "access_token",
    "mfa_token", "otp", "oob_code", "binding_code", "recovery_code",
]  # fmt: skip
PARAMETERS = [
    *CREDENTIALS, "grant_type", "scope", "audience", "resource", "realm", "client_assertion_type",
]  # fmt: skip
HOSTILE = 'x"\\<script>\r\nSet-Cookie: a=b\x00\x7fé漢😀\u2028'

Send = Callable[[Http], httpx.Response]


def post_form(http: Http, body: bytes | str, content_type: str | None = FORM) -> httpx.Response:
    """Post these very bytes."""
    headers = {} if content_type is None else {"Content-Type": content_type}
    return http.post(TOKEN, content=body, headers=headers)


def post_json(http: Http, body: bytes | str) -> httpx.Response:
    return post_form(http, body, "application/json")


def form_of(size_bytes: int) -> bytes:
    """Return a login's form, padded to this size by a parameter that nobody knows."""
    body = urlencode(LOGIN) + "&padding="
    return body.ljust(size_bytes, "x").encode()


def locked_out(http: Http) -> httpx.Response:
    for _ in range(10):
        http.login(username="somebody locked out", password="guess")
    return http.login(username="somebody locked out", password="guess")


ANSWERS: dict[str, tuple[int, Send]] = {
    "200": (200, Http.login),
    "400 parse": (400, lambda http: post_form(http, "%")),
    "400 grant": (400, lambda http: http.login(password="wrong")),
    "401 post": (401, lambda http: http.login(client_secret="wrong")),
    "401 basic": (401, lambda http: http.token({"grant_type": "password"}, Authorization="Basic Og==")),
    "403": (403, lambda http: http.login(username="blocked")),
    "404": (404, lambda http: http.get("/nowhere")),
    "404 deeper": (404, lambda http: http.post("/oauth/token/more", data=LOGIN)),
    "405": (405, lambda http: http.get(TOKEN)),
    "405 metadata": (405, lambda http: http.post(CONFIGURATION)),
    "413": (413, lambda http: post_form(http, form_of(LIMIT_BYTES + 1))),
    "413 gateway": (413, lambda http: post_form(http, b"x" * (10 * 1024 * 1024 + 1))),
    "429": (429, locked_out),
}
every_answer = pytest.mark.parametrize(("status", "send"), ANSWERS.values(), ids=ANSWERS)
every_error = pytest.mark.parametrize(
    ("status", "send"),
    [ANSWERS[name] for name in ANSWERS if name != "200"],
    ids=[name for name in ANSWERS if name != "200"],
)


def has_null(value: Any) -> bool:
    """Whether a JSON value holds null anywhere."""
    inside = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return value is None or any(map(has_null, inside))


def require_error(response: httpx.Response, status: int, error: str) -> str:
    """Hold a response against the one shape of every error, and return its description. Source: RFC 6749 5.2."""
    assert (response.status_code, response.json()["error"]) == (status, error)
    assert set(response.json()) == {"error", "error_description"}
    assert response.headers["Content-Type"] == "application/json"
    assert response.headers["Cache-Control"] == "no-store"
    description = response.json()["error_description"]
    assert set(description) <= DESCRIBABLE
    return str(description)


def require_invalid(response: httpx.Response) -> None:
    require_error(response, 400, "invalid_request")


# Every response.


@every_answer
def test_every_answer_is_json_that_nobody_stores(http: Http, status: int, send: Send) -> None:
    response = send(http)

    assert response.status_code == status
    assert response.headers["Content-Type"] == "application/json"
    assert response.headers["Cache-Control"] == "no-store"
    assert response.headers["Pragma"] == "no-cache"
    assert response.headers["Strict-Transport-Security"] == "max-age=31536000"
    assert response.headers["X-Content-Type-Options"] == "nosniff"


@every_answer
def test_every_answer_names_the_request_as_api_gateway_does(http: Http, status: int, send: Send) -> None:
    response = send(http)

    assert response.headers["X-Request-Id"] == response.headers["x-amzn-RequestId"] != ""


@every_answer
def test_no_answer_holds_a_null_member(http: Http, status: int, send: Send) -> None:
    assert not has_null(send(http).json())


@pytest.mark.parametrize("path", [CONFIGURATION, SERVER, JWKS])
def test_metadata_and_keys_hold_no_null_member(http: Http, path: str) -> None:
    assert not has_null(http.get(path).json())


@every_error
def test_every_error_has_the_shape_of_rfc6749_5_2(http: Http, status: int, send: Send) -> None:
    response = send(http)

    assert set(response.json()) == {"error", "error_description"}
    assert set(response.json()["error"]) <= set("abcdefghijklmnopqrstuvwxyz_")
    assert response.json()["error_description"] != ""
    assert set(response.json()["error_description"]) <= DESCRIBABLE


@pytest.mark.parametrize(
    "params",
    [
        pytest.param({"grant_type": HOSTILE}, id="grant_type"),
        pytest.param({"audience": HOSTILE}, id="audience"),
        pytest.param({"resource": HOSTILE, "audience": None}, id="resource"),
        pytest.param({"client_id": HOSTILE}, id="client_id"),
        pytest.param({"username": HOSTILE}, id="username"),
        pytest.param({"grant_type": PASSWORD_REALM, "realm": HOSTILE}, id="realm"),
        pytest.param({"grant_type": HOSTILE * 100}, id="long grant_type"),
    ],
)
def test_hostile_values_are_echoed_short_in_printable_ascii(http: Http, params: dict[str, str | None]) -> None:
    response = http.login(**params)

    assert response.status_code in (400, 401)
    description = require_error(response, response.status_code, response.json()["error"])
    assert len(description) <= 300


def test_echoed_values_are_cut(http: Http) -> None:
    description = require_error(http.login(grant_type="g" * 5000), 400, "unsupported_grant_type")

    assert description == "Unsupported grant type: " + "g" * 100


def test_log_line_names_the_same_request(http: Http) -> None:
    response = http.login()

    assert [line["request_id"] for line in http.log] == [response.headers["X-Request-Id"]]


@pytest.mark.parametrize("accept", ["text/html", "image/png", "application/octet-stream", "*/*;q=0", ""])
def test_accept_of_any_kind_is_answered_json(http: Http, accept: str) -> None:
    response = http.token(LOGIN, Accept=accept)

    assert (response.status_code, response.headers["Content-Type"]) == (200, "application/json")


# A crash.


@pytest.fixture
def crashing() -> Http:
    """A client of an application whose services cannot be built."""

    def services() -> Services:
        raise RuntimeError("the secret is hunter2")

    return Http(services, "10.255.0.3")


def test_crash_is_a_bland_server_error(crashing: Http) -> None:
    response = crashing.login()

    assert require_error(response, 500, "server_error") == "The request could not be completed."
    assert response.headers["Pragma"] == "no-cache"
    assert response.headers["X-Request-Id"] == response.headers["x-amzn-RequestId"]


def test_crash_is_logged_by_type_and_place_without_its_message(crashing: Http) -> None:
    crashing.login()

    (line,) = crashing.log
    assert line["reason"].startswith("RuntimeError in _reply:application.py:")
    assert "hunter2" not in json.dumps(line)


def test_event_of_a_path_that_api_gateway_knows_alone_is_not_found() -> None:
    request = HttpRequest("id-1", "GET", "/nowhere", "", (), b"", "10.255.0.3", "https", 443)
    application = make_app(lambda: pytest.fail("no service is needed"))
    answer = application(proxy_event(request, "/nowhere", {}, GatewayStage()), None)

    assert answer["statusCode"] == 404
    assert json.loads(answer["body"]) == {"error": "not_found", "error_description": "No such path."}
    assert answer["headers"]["Cache-Control"] == "no-store"
    assert answer["headers"]["X-Request-Id"] == "id-1"


def test_event_that_is_no_request_is_a_server_error_in_our_form(crashing: Http) -> None:
    application = make_app(lambda: pytest.fail("no service is needed"), crashing.log.append)
    answer = application({"detail-type": "Scheduled Event"}, None)

    assert answer["statusCode"] == 500
    assert json.loads(answer["body"])["error"] == "server_error"
    assert [line["error"] for line in crashing.log] == ["server_error"]


# Methods and paths.


@pytest.mark.parametrize(
    ("path", "method", "allow"),
    [
        *[(TOKEN, method, "POST") for method in ("GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS")],
        *[
            (path, method, "GET, HEAD")
            for path in (CONFIGURATION, SERVER, JWKS)
            for method in ("POST", "PUT", "PATCH", "DELETE", "OPTIONS")
        ],
    ],
)
def test_wrong_method_is_405_and_names_the_right_ones(http: Http, path: str, method: str, allow: str) -> None:
    response = http.request(method, path)

    assert response.status_code == 405
    assert response.headers["Allow"] == allow
    assert response.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("path", [CONFIGURATION, SERVER, JWKS])
def test_head_has_the_headers_of_get(http: Http, path: str) -> None:
    head, get = http.request("HEAD", path), http.get(path)
    varying = {"x-request-id", "x-amzn-requestid"}

    assert head.status_code == 200
    assert {name: value for name, value in head.headers.items() if name not in varying} == {
        name: value for name, value in get.headers.items() if name not in varying
    }


@pytest.mark.parametrize(
    "path", ["/", "/oauth", "/oauth/token/more", "/OAUTH/TOKEN", "/oauth%2Ftoken", "/..%2f", "/%00"]
)
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE", "OPTIONS"])
def test_unknown_path_is_404_in_our_form(http: Http, path: str, method: str) -> None:
    require_error(http.request(method, path), 404, "not_found")


# What a body may be.


@pytest.mark.parametrize("content_type", [FORM, "application/json", "text/plain", None])
def test_no_body_is_invalid(http: Http, content_type: str | None) -> None:
    assert require_error(post_form(http, b"", content_type), 400, "invalid_request").endswith("grant_type")


@pytest.mark.parametrize("grant_type", [None, ""])
def test_missing_grant_type_is_invalid_and_empty_is_missing(http: Http, grant_type: str | None) -> None:
    response = http.login(grant_type=grant_type)

    assert require_error(response, 400, "invalid_request") == "Missing required parameter: grant_type"


def test_unknown_grant_type_is_unsupported(http: Http) -> None:
    response = http.login(grant_type="nothing")

    assert require_error(response, 400, "unsupported_grant_type") == "Unsupported grant type: nothing"


@pytest.mark.parametrize("name", [*PARAMETERS, "unknown"])
def test_repeated_parameter_is_invalid_before_any_hash(http: Http, hashes: Hashes, name: str) -> None:
    body = urlencode([*LOGIN.items(), (name, LOGIN.get(name, "one")), (name, LOGIN.get(name, "one"))])

    require_invalid(post_form(http, body))
    assert hashes.count == 0


@pytest.mark.parametrize("twin", ["user%6Eame=bob", "user%6Eame=alice", "username=%20"])
def test_repetition_is_seen_when_encoded(http: Http, hashes: Hashes, twin: str) -> None:
    require_invalid(post_form(http, f"{urlencode(LOGIN)}&{twin}"))
    assert hashes.count == 0


@pytest.mark.parametrize("extra", ["foo=1", "foo=", "foo", "Username=bob", "username[]=bob", "%20password=x", "&&"])
def test_unknown_parameter_is_ignored(http: Http, extra: str) -> None:
    assert post_form(http, f"{urlencode(LOGIN)}&{extra}").status_code == 200


@pytest.mark.parametrize("name", CREDENTIALS)
def test_credential_in_the_query_is_refused_and_never_logged(http: Http, hashes: Hashes, name: str) -> None:
    response = http.post(f"{TOKEN}?{name}=hunter2&scope=hunter2", data=LOGIN)

    require_invalid(response)
    assert hashes.count == 0
    assert len(http.log) == 1
    assert "hunter2" not in json.dumps(http.log) + response.text


def test_login_by_query_alone_is_refused(http: Http, hashes: Hashes) -> None:
    response = http.post(f"{TOKEN}?{urlencode(LOGIN)}")

    require_invalid(response)
    assert hashes.count == 0
    assert ALICE["password"].split()[0] not in json.dumps(http.log)


@pytest.mark.parametrize("query", ["username", "username=", "user%6Eame=x", "a=1&password=x&password=y"])
def test_credential_in_the_query_is_seen_in_every_spelling(http: Http, query: str) -> None:
    require_invalid(http.post(f"{TOKEN}?{query}", data=LOGIN))


def test_other_query_is_ignored(http: Http) -> None:
    assert http.post(f"{TOKEN}?utm_source=mail&grant_type=nothing", data=LOGIN).status_code == 200


@pytest.mark.parametrize(
    "content_type",
    [
        FORM,
        f"{FORM}; charset=UTF-8",
        f"{FORM};charset=utf-8",
        f'{FORM}; charset="utf-8"',
        FORM.upper(),
        f"{FORM.title()} ; Charset=UTF-8",
    ],
)
def test_form_is_taken_with_and_without_charset(http: Http, content_type: str) -> None:
    assert post_form(http, urlencode(LOGIN), content_type).status_code == 200


@pytest.mark.parametrize(
    "content_type", ["application/json", "application/json; charset=utf-8", "Application/JSON;charset=UTF-8"]
)
def test_json_is_taken_with_and_without_charset(http: Http, content_type: str) -> None:
    assert post_form(http, json.dumps(LOGIN), content_type).status_code == 200


@pytest.mark.parametrize(
    "content_type", [None, "", "text/plain", "application/jsonp", "application/xml", "multipart/form-data", ";", "\xff"]
)
def test_body_of_another_type_is_invalid(http: Http, hashes: Hashes, content_type: str | None) -> None:
    headers = {} if content_type is None else {"Content-Type": content_type.encode("latin-1")}

    require_invalid(http.post(TOKEN, content=urlencode(LOGIN), headers=headers))
    assert hashes.count == 0


@pytest.mark.parametrize("value", ["%", "%4", "%zz", "%u0041", "100%", "%%41"])
@pytest.mark.parametrize("where", ["username={}", "{}=1"])
def test_malformed_percent_encoding_is_invalid(http: Http, where: str, value: str) -> None:
    body = urlencode({name: text for name, text in LOGIN.items() if name != "username"})

    require_invalid(post_form(http, f"{body}&{where.format(value)}"))


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(b"\xff", id="no byte of UTF-8"),
        pytest.param(b"\xc3", id="cut"),
        pytest.param(b"\xc0\xaf", id="overlong"),
        pytest.param(b"\xed\xa0\x80", id="surrogate"),
        pytest.param(b"\xf4\x90\x80\x80", id="past Unicode"),
        pytest.param(b"caf\xe9", id="latin-1"),
    ],
)
@pytest.mark.parametrize("encode", [quote, bytes], ids=["percent-encoded", "raw"])
def test_bad_utf8_is_invalid(http: Http, encode: Callable[[bytes], bytes | str], value: bytes) -> None:
    encoded = encode(value)
    body = urlencode(LOGIN).encode() + b"&x=" + (encoded.encode() if isinstance(encoded, str) else encoded)

    require_invalid(post_form(http, body))


def test_bad_utf8_in_json_is_invalid(http: Http) -> None:
    require_invalid(post_json(http, json.dumps(LOGIN).encode().replace(b"alice", b"\xff")))


def test_hundred_parameters_are_taken_and_one_more_is_not(http: Http, hashes: Hashes) -> None:
    padding = [f"p{number}=" for number in range(100 - len(LOGIN))]

    assert post_form(http, "&".join([urlencode(LOGIN), *padding])).status_code == 200
    assert hashes.count == 1
    require_invalid(post_form(http, "&".join([urlencode(LOGIN), *padding, "more="])))
    assert hashes.count == 1


def test_body_of_16_kib_is_taken_and_one_byte_more_is_too_large(http: Http, hashes: Hashes) -> None:
    assert post_form(http, form_of(LIMIT_BYTES)).status_code == 200
    assert hashes.count == 1
    require_error(post_form(http, form_of(LIMIT_BYTES + 1)), 413, "invalid_request")
    assert hashes.count == 1


def test_megabyte_of_password_is_refused_before_any_hash(http: Http, hashes: Hashes) -> None:
    require_error(http.login(password="p" * 1024 * 1024), 413, "invalid_request")
    assert hashes.count == 0


def test_long_password_within_the_limit_is_hashed_once(http: Http, hashes: Hashes) -> None:
    require_error(http.login(password="p" * 15_000), 400, "invalid_grant")
    assert hashes.count == 1


@pytest.mark.parametrize("char", ["\x00", "\r", "\n", "\r\n", "\t", "\x1b", "\x7f", "\x85"])
@pytest.mark.parametrize("where", ["al{}ice", "{}al{}ice", "{}"])
def test_control_character_in_a_username_is_invalid_and_one_log_line(
    http: Http, hashes: Hashes, capsys: pytest.CaptureFixture[str], char: str, where: str
) -> None:
    require_invalid(http.login(username=where.replace("{}", char)))

    assert hashes.count == 0
    (line,) = http.log
    log.write_line(line)
    written = capsys.readouterr().out
    assert written.isascii()
    assert len(written.splitlines()) == 1


@pytest.mark.parametrize("char", ["\x00", "\r\n", "\u2028"])
@pytest.mark.parametrize("name", ["grant_type", "client_id", "audience", "scope", "password"])
def test_control_character_elsewhere_leaves_one_log_line(
    http: Http, capsys: pytest.CaptureFixture[str], name: str, char: str
) -> None:
    response = http.login(**{name: f"a{char}b"})

    assert response.status_code in (200, 400, 401)
    (line,) = http.log
    log.write_line(line)
    assert len(capsys.readouterr().out.splitlines()) == 1


def partition_keys(calls: Calls) -> list[str]:
    """Return the partition keys that were asked for, alone or in a batch."""
    asked = [params for _, params in calls.parameters]
    alone = [params["Key"] for params in asked if "Key" in params]
    batches = [batch for params in asked for batch in params.get("RequestItems", {}).values()]
    return [key["pk"]["S"] for key in [*alone, *(key for batch in batches for key in batch["Keys"])]]


# NFC takes U+1D160 apart, four bytes into twelve, which no other character outdoes.
@pytest.mark.parametrize(
    ("char", "error", "is_looked_up"), [("😀", "invalid_grant", True), ("\U0001d160", "invalid_request", False)]
)
def test_longest_username_asks_for_no_key_that_dynamodb_refuses(
    http: Http, stage: Stage, char: str, error: str, is_looked_up: bool
) -> None:
    with calls_of(stage) as calls:
        require_error(http.login(username=char * 320), 400, error)

    keys = partition_keys(calls)
    assert any(key.startswith("login#") for key in keys) is is_looked_up
    assert [key for key in keys if len(key.encode()) > KEY_LIMIT_BYTES] == []


# JSON bodies.


def test_null_and_empty_members_count_as_absent(http: Http) -> None:
    absent = dict.fromkeys(["realm", "resource", "client_assertion", "otp"]) | {"scope": "", "refresh_token": ""}

    response = post_json(http, json.dumps(LOGIN | absent))

    assert response.status_code == 200
    assert response.json()["scope"].split(" ")[0] == "read:timesheets"


@pytest.mark.parametrize("value", [None, ""])
@pytest.mark.parametrize("name", ["grant_type", "username", "password"])
def test_null_or_empty_required_member_is_missing(http: Http, name: str, value: str | None) -> None:
    response = post_json(http, json.dumps(LOGIN | {name: value}))

    assert require_error(response, 400, "invalid_request") == f"Missing required parameter: {name}"


def test_empty_form_value_counts_as_absent(http: Http) -> None:
    assert http.login(scope="", realm="", resource="", client_assertion="").status_code == 200


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *[(name, 1) for name in PARAMETERS],
        *[("username", value) for value in (0, 1.5, True, False, [], ["alice"], {}, {"a": "b"})],
        *[("scope", value) for value in (False, [], ["read:timesheets"])],
    ],
    ids=str,
)
def test_known_member_that_is_no_string_is_invalid(http: Http, hashes: Hashes, name: str, value: Any) -> None:
    response = post_json(http, json.dumps(LOGIN | {name: value}))

    assert require_error(response, 400, "invalid_request") == f"{name} must be a string."
    assert hashes.count == 0


@pytest.mark.parametrize("value", [1, 1e400, True, [], [1, [2]], {"a": {"b": None}}, None], ids=str)
def test_unknown_member_of_any_type_is_ignored(http: Http, value: Any) -> None:
    text = json.dumps(LOGIN | {"device": value}).replace("Infinity", "1e400")

    assert post_json(http, text).status_code == 200


@pytest.mark.parametrize("body", ["null", "[]", "1", "true", '"text"', json.dumps([LOGIN]), json.dumps([[*LOGIN]])])
def test_json_that_is_no_object_is_invalid(http: Http, body: str) -> None:
    require_invalid(post_json(http, body))


def added(member: str) -> str:
    """Return a login's JSON with this text as one member more."""
    return f"{json.dumps(LOGIN)[:-1]}, {member}}}"


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(added('"device": NaN'), id="NaN"),
        pytest.param(added('"device": -Infinity'), id="Infinity"),
        pytest.param(added('"username": "bob"'), id="duplicate"),
        pytest.param(added('"user\\u006eame": "alice"'), id="duplicate, escaped"),
        pytest.param(added('"device": {"a": 1, "a": 1}'), id="duplicate inside"),
        pytest.param(added('"device": ' + "[" * 7500 + "]" * 7500), id="deep arrays"),
        pytest.param(added('"device": ' + '{"a":' * 2500 + "1" + "}" * 2500), id="deep objects"),
        pytest.param("[" * LIMIT_BYTES, id="arrays without end"),
        pytest.param(added('"device": ' + "1" * 5000), id="number of 5000 digits"),
        pytest.param(added('"device": "\\ud800"'), id="lone surrogate"),
        pytest.param(added('"\\udfff": 1'), id="lone surrogate in a name"),
        pytest.param(json.dumps(LOGIN)[:-1], id="cut"),
        pytest.param(json.dumps(LOGIN) + "{}", id="two values"),
        pytest.param(json.dumps(LOGIN)[:-1] + ",}", id="trailing comma"),
        pytest.param(added('"device": "\n"'), id="control character in a string"),
        pytest.param(urlencode(LOGIN), id="form"),
    ],
)
def test_json_that_is_broken_or_ambiguous_is_invalid(http: Http, hashes: Hashes, body: str) -> None:
    require_invalid(post_json(http, body))
    assert hashes.count == 0


def test_json_in_utf16_is_invalid(http: Http) -> None:
    require_invalid(post_json(http, json.dumps(LOGIN).encode("utf-16")))


@pytest.mark.parametrize("name", ["username", "password", "client_id", "client_secret", "scope", "audience", "realm"])
def test_lone_surrogate_in_a_known_member_is_invalid(http: Http, hashes: Hashes, name: str) -> None:
    require_invalid(post_json(http, json.dumps(LOGIN | {name: "\ud800"})))
    assert hashes.count == 0


def test_pair_of_surrogates_is_one_character(http: Http, people: PeopleMaker) -> None:
    user = people.make(password="emoji 😀 password")

    body = json.dumps(LOGIN | {"username": user.username, "password": "emoji 😀 password"})

    assert "\\ud83d\\ude00" in body
    assert post_json(http, body).status_code == 200


@pytest.mark.parametrize(("depth", "status"), [(30, 200), (33, 400), (4000, 400)])
def test_unknown_member_may_be_nested_but_not_without_end(http: Http, depth: int, status: int) -> None:
    login = json.dumps({"grant_type": "password", **BACKEND, **ALICE})
    nested = f'{login[:-1]}, "more": {"[" * depth}{"]" * depth}}}'

    response = http.post(TOKEN, content=nested, headers={"Content-Type": "application/json"})
    assert response.status_code == status


def test_binary_body_that_is_no_utf8_is_invalid(http: Http) -> None:
    # API Gateway hands a body on in base64 where an API's binary types say so.
    event = proxy_event(request_of(b""), "/oauth/token", {}, GatewayStage())
    event |= {"body": b64encode(b"username=\xff").decode(), "isBase64Encoded": True}
    answer = http.app(event, None)

    assert answer["statusCode"] == 400
    assert json.loads(answer["body"])["error"] == "invalid_request"


def request_of(body: bytes) -> HttpRequest:
    return HttpRequest(
        request_id="1",
        method="POST",
        path="/oauth/token",
        query="",
        headers=(("content-type", "application/x-www-form-urlencoded"),),
        body=body,
        peer="192.0.2.1",
        scheme="https",
        port=443,
    )

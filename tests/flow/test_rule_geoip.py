"""The place of a request, as rules may read it, and what stops them if it is unknown. Through HTTP."""

import copy
import json
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from chalicelib import wiring
from infra.stage.aws import Stage
from tests.support.http import BACKEND, Http
from tests.support.people import PASSWORD, PeopleMaker
from tests.support.rules import client_with_rules

HOME = "203.0.113.9"
ELSEWHERE = "198.51.100.77"
COUNTRY = {"CloudFront-Viewer-Country": "DE"}
PLACE = COUNTRY | {
    "CloudFront-Viewer-Country-Name": "Germany",
    "CloudFront-Viewer-Country-Region": "BY",
    "CloudFront-Viewer-Country-Region-Name": "Bavaria",
    "CloudFront-Viewer-City": "M%C3%BCnchen",
    "CloudFront-Viewer-Postal-Code": "80331",
    "CloudFront-Viewer-Time-Zone": "Europe/Berlin",
    "CloudFront-Viewer-Latitude": "48.13740",
    "CloudFront-Viewer-Longitude": "-11.57550",
}


@pytest.fixture
def username(people: PeopleMaker) -> str:
    return str(people.make().username)


def login(http: Http, username: str, **headers: str) -> Any:
    """Log in through demo-backend, behind a proxy that says where the person is."""
    form = {**BACKEND, "grant_type": "password", "username": username, "password": PASSWORD}
    return http.token(form, **{"X-Forwarded-For": HOME} | headers)


def require_closed(http: Http, answer: Any, words: str) -> None:
    """Assert that the login ended with the contract's 500, and that the log says why."""
    assert (answer.status_code, answer.json()) == (
        500,
        {"error": "server_error", "error_description": "The login could not be completed."},
    )
    assert f"raised GeoipUnknown: context.request.geoip {words}" in http.log[-1]["reason"]


def blocklist(_: Any, context: Any) -> None:
    """Deny a country, as ported rules do."""
    if context.request.geoip.get("country_code") in ("KP", "DE"):
        context.deny("Not from your country.")


def test_place_that_a_trusted_proxy_tells_has_auth0s_names(
    stage: Stage, externals: wiring.Externals, username: str
) -> None:
    seen: list[Any] = []
    with client_with_rules(stage, externals, lambda _, context: seen.append(context.request.geoip), proxies=1) as http:
        assert login(http, username, **PLACE).status_code == 200

    assert isinstance(seen[0], dict)
    assert seen == [
        {
            "country_code": "DE",
            "country_name": "Germany",
            "subdivision_code": "BY",
            "subdivision_name": "Bavaria",
            "city_name": "München",
            "time_zone": "Europe/Berlin",
            "latitude": 48.1374,
            "longitude": -11.5755,
        }
    ]


def test_blocklist_denies_the_listed_country_alone(stage: Stage, externals: wiring.Externals, username: str) -> None:
    with client_with_rules(stage, externals, blocklist, proxies=1) as http:
        listed = login(http, username, **COUNTRY)
        other = login(http, username, **{"CloudFront-Viewer-Country": "FR"})

    assert (listed.status_code, listed.json()["error"]) == (403, "access_denied")
    assert other.status_code == 200


def test_header_that_anybody_can_write_is_no_place(stage: Stage, externals: wiring.Externals, username: str) -> None:
    """Nobody stands in front of API Gateway, so whoever calls has written the header."""
    with client_with_rules(stage, externals, blocklist) as http:
        require_closed(http, login(http, username, **{"CloudFront-Viewer-Country": "FR"}), "is unknown")


@pytest.mark.parametrize("forwarded_for", ["", "unknown", "  "], ids=["none", "no-address", "blank"])
def test_request_that_did_not_come_by_the_proxies_is_from_nowhere(
    stage: Stage, externals: wiring.Externals, username: str, forwarded_for: str
) -> None:
    headers = {**BACKEND, "grant_type": "password", "username": username, "password": PASSWORD}
    sent = {"X-Forwarded-For": forwarded_for} if forwarded_for else {}
    with client_with_rules(stage, externals, blocklist, proxies=1) as http:
        require_closed(http, http.token(headers, **sent, **{"CloudFront-Viewer-Country": "FR"}), "is unknown")


@pytest.mark.parametrize("proxies", [0, 1])
def test_place_is_unknown_if_no_header_tells_it(
    stage: Stage, externals: wiring.Externals, username: str, proxies: int
) -> None:
    with client_with_rules(stage, externals, blocklist, proxies=proxies) as http:
        require_closed(http, login(http, username), "is unknown: no trusted proxy told the country")


READS: dict[str, Callable[[Any], object]] = {
    "get": lambda request: request.geoip.get("country_code"),
    "get with a default": lambda request: request.geoip.get("country_code", ""),
    "item": lambda request: request.geoip["country_code"],
    "in": lambda request: "country_code" in request.geoip,
    "iteration": lambda request: list(request.geoip),
    "len": lambda request: len(request.geoip),
    "bool": lambda request: bool(request.geoip),
    "or": lambda request: request.geoip or {},
    "is None": lambda request: request.geoip is None,
    "repr": lambda request: repr(request.geoip),
    "equality": lambda request: request.geoip == {},
    "copy": lambda request: copy.deepcopy(request.geoip),
    "dict": lambda request: dict(request.geoip),
    "json": lambda request: json.dumps(request.geoip),
    "isinstance": lambda request: isinstance(request.geoip, dict),
    "getattr with a default": lambda request: getattr(request, "geoip", {}),
    "hasattr": lambda request: hasattr(request, "geoip"),
    "of a copied request": lambda request: copy.deepcopy(request).geoip,
}


@pytest.mark.parametrize("read", READS.values(), ids=READS)
def test_any_way_to_read_an_unknown_place_stops_the_rule(
    stage: Stage, externals: wiring.Externals, username: str, read: Callable[[Any], object]
) -> None:
    with client_with_rules(stage, externals, lambda _, context: read(context.request)) as http:
        require_closed(http, login(http, username), "is unknown")


def test_lookup_error_handler_of_a_rule_lets_nobody_in(
    stage: Stage, externals: wiring.Externals, username: str
) -> None:
    def forgiving(_: Any, context: Any) -> None:
        try:
            country = context.request.geoip["country_code"]
        except (LookupError, AttributeError, TypeError, ValueError):
            country = ""
        if country == "KP":
            context.deny("Not from your country.")

    with client_with_rules(stage, externals, forgiving) as http:
        require_closed(http, login(http, username), "is unknown")


def test_rule_that_says_what_holds_for_an_unknown_place_decides(
    stage: Stage, externals: wiring.Externals, username: str
) -> None:
    def strict(_: Any, context: Any) -> None:
        try:
            country = context.request.geoip["country_code"]
        except RuntimeError:
            country = ""
        if country != "DE":
            context.deny("Only from Germany.")

    with client_with_rules(stage, externals, strict, proxies=1) as http:
        assert login(http, username).status_code == 403
        assert login(http, username, **COUNTRY).status_code == 200


def test_rule_that_does_not_read_the_place_is_not_stopped(
    stage: Stage, externals: wiring.Externals, username: str
) -> None:
    with client_with_rules(stage, externals, lambda _, context: [repr(context), vars(context.request)]) as http:
        assert login(http, username).status_code == 200


def test_place_that_a_rule_found_itself_is_read_by_the_next(
    stage: Stage, externals: wiring.Externals, username: str
) -> None:
    def locate(_: Any, context: Any) -> None:
        context.request.geoip = {"country_code": "DE"}

    with client_with_rules(stage, externals, locate, blocklist) as http:
        assert login(http, username).status_code == 403


@pytest.mark.parametrize(
    ("read", "words"),
    [
        (lambda geoip: geoip.get("city_name"), "has no city_name"),
        (lambda geoip: geoip.get("city_name", ""), "has no city_name"),
        (lambda geoip: geoip["continent_code"], "has no continent_code"),
        (lambda geoip: geoip.get("countryCode"), "has no such member: did you mean country_code?"),
        (lambda geoip: geoip["cityName"], "has no such member: did you mean city_name?"),
        (lambda geoip: geoip.get("a typed value"), "has no such member"),
        (lambda geoip: copy.deepcopy(geoip).get("city_name"), "has no city_name"),
    ],
)
def test_member_that_is_not_known_stops_the_rule(
    stage: Stage, externals: wiring.Externals, username: str, read: Callable[[Any], object], words: str
) -> None:
    with client_with_rules(stage, externals, lambda _, context: read(context.request.geoip), proxies=1) as http:
        require_closed(http, login(http, username, **COUNTRY), words)


def test_member_can_be_asked_for_before_it_is_read(stage: Stage, externals: wiring.Externals, username: str) -> None:
    seen: list[object] = []

    def careful(_: Any, context: Any) -> None:
        seen.append(["city_name" in context.request.geoip, *context.request.geoip])
        context.access_token["https://example.com/place"] = context.request.geoip

    with client_with_rules(stage, externals, careful, proxies=1) as http:
        assert login(http, username, **COUNTRY).status_code == 200

    assert seen == [[False, "country_code"]]


@pytest.mark.parametrize("country", ["", "de", "DEU", "D", "DE, FR", "%44E", "Germany", "DE" * 200])
def test_country_that_is_no_code_is_unknown(
    stage: Stage, externals: wiring.Externals, username: str, country: str
) -> None:
    with client_with_rules(stage, externals, blocklist, proxies=1) as http:
        headers = PLACE | {"CloudFront-Viewer-Country": country}
        require_closed(http, login(http, username, **headers), "is unknown")


@pytest.mark.parametrize(
    ("header", "value"),
    [
        ("City", "x" * 201),
        ("City", "%FF"),
        ("City", "a%0Ab"),
        ("City", " "),
        ("Latitude", "north"),
        ("Latitude", "nan"),
        ("Latitude", "90.1"),
        ("Longitude", "-181"),
        ("Longitude", "inf"),
    ],
)
def test_malformed_member_is_left_out(
    stage: Stage, externals: wiring.Externals, username: str, header: str, value: str
) -> None:
    seen: list[Any] = []
    with client_with_rules(
        stage, externals, lambda _, context: seen.append(set(context.request.geoip)), proxies=1
    ) as http:
        assert login(http, username, **PLACE).status_code == 200
        assert login(http, username, **PLACE | {f"CloudFront-Viewer-{header}": value}).status_code == 200

    assert seen[0] - seen[1] == {{"City": "city_name"}.get(header, header.lower())}


@pytest.mark.parametrize(
    ("forwarded", "is_known"),
    [(ELSEWHERE, False), ("nonsense", False), (HOME, True), ("", True)],
    ids=["another", "not-understood", "the-same", "none"],
)
def test_backend_that_speaks_for_a_person_does_not_lend_its_own_place(
    stage: Stage, externals: wiring.Externals, username: str, forwarded: str, is_known: bool
) -> None:
    headers = {"auth0-forwarded-for": forwarded} if forwarded else {}
    with client_with_rules(stage, externals, blocklist, proxies=1) as http:
        answer = login(http, username, **COUNTRY | headers)
        if is_known:
            assert answer.status_code == 403
        else:
            require_closed(http, answer, "is unknown")


def test_refresh_reads_the_place_of_its_own_request(stage: Stage, externals: wiring.Externals, username: str) -> None:
    seen: list[Any] = []
    with client_with_rules(
        stage, externals, lambda _, context: seen.append(dict(context.request.geoip)), proxies=1
    ) as http:
        form = {"scope": "offline_access", "username": username, "password": PASSWORD, "grant_type": "password"}
        api = {"audience": "https://api.example.com/timesheets"}
        first = http.token({**BACKEND, **form, **api}, **{"X-Forwarded-For": HOME} | COUNTRY)
        refresh = {**BACKEND, "grant_type": "refresh_token", "refresh_token": first.json()["refresh_token"]}
        france = {"X-Forwarded-For": HOME, "CloudFront-Viewer-Country": "FR"}
        assert http.token(refresh, **france).status_code == 200

    assert seen == [{"country_code": "DE"}, {"country_code": "FR"}]


def test_place_is_not_in_the_log(stage: Stage, externals: wiring.Externals, username: str) -> None:
    with client_with_rules(stage, externals, lambda *_: None, proxies=1) as http:
        login(http, username, **PLACE)

    assert "Bavaria" not in json.dumps(http.log)


def test_what_a_rule_writes_on_the_place_is_not_in_the_next_request(
    stage: Stage, externals: wiring.Externals, username: str
) -> None:
    seen: list[object] = []

    def hostile(_: Any, context: Any) -> None:
        geoip, request = context.request.geoip, context.request
        seen.append([geoip, getattr(type(geoip), "mark", None), getattr(type(request), "mark", None)])
        geoip["country_code"] = "XX"
        type(geoip).mark = "mark"
        if type(request) is not SimpleNamespace:
            type(request).mark = "mark"

    with client_with_rules(stage, externals, hostile, proxies=1) as http:
        login(http, username, **COUNTRY)
        login(http, username, **COUNTRY)

    assert seen == [[{"country_code": "XX"}, None, None]] * 2

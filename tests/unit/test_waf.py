"""The rules of the web ACL, read off the template: what each counts of real requests, and what it answers."""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote_to_bytes

import pytest
from cfnlint.decode import cfn_yaml  # type: ignore[import-untyped]  # has no types
from chalice.app import Request as ChaliceRequest

from chalicelib.http.body import FORM, JSON, MAX_BODY_BYTES, parameters
from infra.gateway.responses import load_gateway_responses
from infra.stage.cloudformation.web_acl import WebAcl

TEMPLATE = cfn_yaml.load(str(Path(__file__).parents[2] / "infra" / "stage" / "waf.yaml"))
ACL = TEMPLATE["Resources"]["WebAcl"]["Properties"]
# What AWS WAF sees of a body of API Gateway's, unless more is paid for.
SEEN_BYTES = 16 * 1024
REALM_GRANT = "http://auth0.com/oauth/grant-type/password-realm"
ALLOWED = "192.0.2.7"


@dataclass(frozen=True, slots=True)
class Sent:
    """A request, as AWS WAF gets it."""

    body: str = ""
    path: str = "/dev/oauth/token"
    method: str = "POST"
    address: str = "203.0.113.9"


def rules(takeover: str = "none") -> dict[str, Any]:
    """Return the rules by name, as they are with this setting."""
    found = [rule["Fn::If"][1 if takeover != "none" else 2] if "Fn::If" in rule else rule for rule in ACL["Rules"]]
    return {rule["Name"]: rule for rule in found if "Name" in rule}


def scope_of(rule: dict[str, Any]) -> Any:
    (statement,) = rule["Statement"].values()
    return statement["ScopeDownStatement"]


def counts(name: str, sent: Sent) -> bool:
    """Return whether a rule counts a request."""
    return matches(scope_of(rules("form")[name]), sent)


def matches(statement: dict[str, Any], sent: Sent) -> bool:
    ((kind, of),) = statement.items()
    match kind:
        case "AndStatement":
            return all(matches(one, sent) for one in of["Statements"])
        case "OrStatement":
            return any(matches(one, sent) for one in of["Statements"])
        case "NotStatement":
            return not matches(of["Statement"], sent)
        case "IPSetReferenceStatement":
            return sent.address == ALLOWED
    assert kind == "ByteMatchStatement"
    ((field, options),) = of["FieldToMatch"].items()
    raw = {"Method": sent.method, "UriPath": sent.path, "Body": sent.body}[field].encode()
    if field == "Body" and len(raw) > SEEN_BYTES:
        return bool(options["OversizeHandling"] == "MATCH")
    for step in sorted(of["TextTransformations"], key=lambda one: int(one["Priority"])):
        raw = transform(step["Type"], raw)
    wanted = of["SearchString"].encode()
    return raw == wanted if of["PositionalConstraint"] == "EXACTLY" else wanted in raw


def transform(kind: str, raw: bytes) -> bytes:
    """Return what a text transformation of AWS WAF makes of bytes, as its developer guide has it."""
    match kind:
        case "URL_DECODE":
            return unquote_to_bytes(raw.replace(b"+", b" "))
        case "LOWERCASE":
            return raw.lower()
        case "JS_DECODE":
            escape = rb"\\u(?:[0-9a-fA-F]{2})([0-9a-fA-F]{2})"
            decoded = re.sub(escape, lambda found: bytes([int(found[1], 16)]), raw)
            return re.sub(rb"\\(.)", rb"\1", decoded, flags=re.DOTALL)
    assert kind == "NONE"
    return raw


def grant_of(media_type: str, body: str) -> str:
    """Return the grant type that the function reads in a body."""
    event = {
        "multiValueQueryStringParameters": None,
        "headers": {"content-type": media_type},
        "pathParameters": {},
        "requestContext": {"httpMethod": "POST", "resourcePath": "/oauth/token"},
        "body": body,
        "stageVariables": {},
        "isBase64Encoded": False,
    }
    return str(parameters(ChaliceRequest(event))["grant_type"])


PASSWORD_GRANTS = [
    (FORM, "grant_type=password&username=a&password=b"),
    (FORM, "username=a&grant_type=%70assword&p%61ssword=b"),
    (FORM, "grant%5Ftype=passw%6Frd&username=a&%70%61%73%73%77%6F%72%64=b"),
    (FORM, "grant_type=http%3A%2F%2Fauth0.com%2Foauth%2Fgrant-type%2Fpassword-realm&realm=r&username=a&password=b"),
    (FORM, f"grant_type={REALM_GRANT}&realm=r&username=a&password=b"),
    (FORM, "grant_type=http%3a//auth0.com/oauth/grant-type/%70%61ssword-realm&username=a&%70assword=b"),
    (FORM, "x=%5Cu00&grant_type=password&username=a&password=b"),
    (JSON, '{"grant_type":"password","username":"a","password":"b"}'),
    (JSON, '{\n\t"grant_type" \r\n :\t "password", "username": "a", "password": "b"}'),
    (JSON, '{"gr\\u0061nt_type":"\\u0070assword","username":"a","p\\u0061ssword":"b"}'),
    (JSON, '{"grant_type":"\\u0070\\u0061\\u0073\\u0073\\u0077\\u006F\\u0072\\u0064","username":"a"}'),
    (JSON, json.dumps({"grant_type": REALM_GRANT, "realm": "r", "username": "a", "password": "b"})),
    (JSON, '{"grant_type":"http:\\/\\/auth0.com\\/oauth\\/grant-type\\/password-realm","username":"a"}'),
    (JSON, '{"username":"100%","scope":"%7","grant_type":"password","password":"b"}'),
    (JSON, '{"scope":"\\\\","grant_type":"password","password":"\\"b"}'),
]
OTHER_GRANTS = [
    (FORM, "grant_type=refresh_token&refresh_token=abc&client_id=app&client_secret=s"),
    (JSON, '{"grant_type":"refresh_token","refresh_token":"abc"}'),
    (FORM, "grant_type=client_credentials&audience=https%3A%2F%2Fapi.example.com"),
    (FORM, "grant_type=http%3A%2F%2Fauth0.com%2Foauth%2Fgrant-type%2Fmfa-otp&mfa_token=t&otp=123456"),
]


@pytest.mark.parametrize(("media_type", "body"), PASSWORD_GRANTS)
def test_each_form_of_a_password_grant_that_the_function_takes_is_counted(media_type: str, body: str) -> None:
    assert grant_of(media_type, body) in ("password", REALM_GRANT)
    assert counts("logins-by-address", Sent(body))
    assert counts("requests-by-address", Sent(body))
    assert counts("account-takeover", Sent(body))


@pytest.mark.parametrize(("media_type", "body"), OTHER_GRANTS)
def test_another_grant_counts_as_a_request_alone(media_type: str, body: str) -> None:
    assert grant_of(media_type, body)
    assert not counts("logins-by-address", Sent(body))
    assert not counts("account-takeover", Sent(body))
    assert counts("requests-by-address", Sent(body))


def test_body_that_is_padded_beyond_what_the_firewall_sees_counts_as_a_password() -> None:
    padded = f'{{{" " * MAX_BODY_BYTES}"grant_type":"password"}}'

    assert MAX_BODY_BYTES <= SEEN_BYTES
    assert counts("logins-by-address", Sent(padded))
    # The function refuses it, so AWS's rules need not look at it for a price.
    assert not counts("account-takeover", Sent(padded))


def test_password_at_the_end_of_the_largest_body_is_seen() -> None:
    tail = "&grant_type=password"
    body = f"x={'y' * (MAX_BODY_BYTES - len(tail) - 2)}{tail}"

    assert len(body) == MAX_BODY_BYTES
    assert counts("logins-by-address", Sent(body))


@pytest.mark.parametrize(
    "path", ["/dev/oauth/token", "/oauth/token", "/oauth/token/", "/base/oauth/token", "/dev/oauth%2Ftoken"]
)
@pytest.mark.parametrize("name", ["requests-by-address", "logins-by-address", "account-takeover"])
def test_token_endpoint_is_counted_under_each_of_its_paths(name: str, path: str) -> None:
    assert counts(name, Sent("grant_type=password", path))


@pytest.mark.parametrize(
    "sent",
    [
        Sent("grant_type=password", path="/dev/oauth/revoke"),
        Sent("password=x", path="/dev/dbconnections/signup"),
        Sent("grant_type=password", method="GET"),
        Sent("grant_type=password", address=ALLOWED),
    ],
)
@pytest.mark.parametrize("name", ["requests-by-address", "logins-by-address", "account-takeover"])
def test_other_path_method_or_an_allowlisted_address_is_not_counted(name: str, sent: Sent) -> None:
    assert not counts(name, sent)


def test_refused_request_gets_the_answer_of_a_throttled_one() -> None:
    wanted = load_gateway_responses()["THROTTLED"]
    body = ACL["CustomResponseBodies"]["TooManyRequests"]
    rate_rules = [rule for rule in rules().values() if "RateBasedStatement" in rule["Statement"]]

    assert (body["ContentType"], body["Content"]) == ("APPLICATION_JSON", wanted.body)
    assert [rule["Name"] for rule in rate_rules] == ["requests-by-address", "logins-by-address"]
    for rule in rate_rules:
        response = rule["Action"]["Block"]["CustomResponse"]
        headers = {one["Name"]: one["Value"] for one in response["ResponseHeaders"]}
        assert (response["ResponseCode"], response["CustomResponseBodyKey"]) == (429, "TooManyRequests")
        # AWS WAF knows no ID of the request. Its window decides how long to wait.
        window = str(rule["Statement"]["RateBasedStatement"]["EvaluationWindowSec"])
        assert {**headers, "X-Request-Id": "context.requestId"} == {**wanted.headers, "Retry-After": window}


def test_each_rate_rule_has_a_limit_of_its_own_by_address() -> None:
    rates = {name: rule["Statement"]["RateBasedStatement"] for name, rule in rules().items()}

    assert {name: (rate["AggregateKeyType"], rate["Limit"]["Ref"]) for name, rate in rates.items()} == {
        "requests-by-address": ("IP", "RequestLimit"),
        "logins-by-address": ("IP", "LoginLimit"),
    }


def test_no_request_is_sampled_or_logged_because_its_headers_hold_secrets() -> None:
    shown = [ACL["VisibilityConfig"], *(rule["VisibilityConfig"] for rule in rules("form").values())]

    assert [one["SampledRequestsEnabled"] for one in shown] == [False] * 4
    assert "LoggingConfiguration" not in str(TEMPLATE)


def test_defaults_of_the_command_are_those_of_the_template() -> None:
    parameters_of = WebAcl().stack("dev").parameters
    defaults = {name: str(one.get("Default", "dev")) for name, one in TEMPLATE["Parameters"].items()}

    assert parameters_of == defaults


@pytest.mark.parametrize(
    ("takeover", "first"),
    [
        ("none", "price: $7.00 a month, and $0.60 a million requests"),
        ("json", "price: $18.00 a month, and $0.60 a million requests, $1.00 a thousand logins"),
    ],
)
def test_price_counts_each_rule_of_the_template(takeover: Any, first: str) -> None:
    line, parts, *_ = WebAcl(account_takeover=takeover).price()

    assert line == first
    assert f"$1 each of {len(rules(takeover))} rules" in parts

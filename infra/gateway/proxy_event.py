"""Translate HTTP to API Gateway's Lambda proxy format, payload 1.0, and the function's answer back to HTTP.

Routing is in app.py.
Source: AWS's API Gateway developer guide, "Lambda proxy integrations" and "Important notes" for REST APIs.
"""

import re
import secrets
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl

Values = dict[str, list[str]]

# Request headers that API Gateway drops.
DROPPED = frozenset(
    {
        "connection", "content-length", "content-md5", "expect", "max-forwards", "proxy-authenticate",
        "server", "te", "trailer", "transfer-encoding", "upgrade", "www-authenticate",
    }
)  # fmt: skip
# Response headers that API Gateway sets itself; it renames a function's own.
RENAMED = frozenset({"connection", "content-length", "date", "server"})
RENAMED_PREFIX = "x-amzn-Remapped-"
UNSENT = "transfer-encoding"

HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
HEADER_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*")
STATUSES = range(200, 600)
BODILESS = (204, 304)

# The identity of a caller that is no AWS user.
NOBODY = {
    "accessKey": None,
    "accountId": None,
    "caller": None,
    "cognitoAuthenticationProvider": None,
    "cognitoAuthenticationType": None,
    "cognitoIdentityId": None,
    "cognitoIdentityPoolId": None,
    "principalOrgId": None,
    "user": None,
    "userArn": None,
}


class MalformedAnswer(ValueError):
    """The function's answer is not a Lambda proxy response."""


@dataclass(frozen=True, slots=True)
class GatewayStage:
    """API Gateway's stage, as events name it.

    base_path: the beginning of each path in the URL, such as /dev, or "" if the URL has none.
    domain_name: the host of the API's URL; "" takes the request's Host header, port included.
    """

    name: str = "local"
    base_path: str = ""
    domain_name: str = ""
    api_id: str = "local"
    account_id: str = "000000000000"


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """One whole HTTP request. headers: in order, names in lower case. path: still percent-encoded, without query."""

    request_id: str
    method: str
    path: str
    query: str
    headers: tuple[tuple[str, str], ...]
    body: bytes = field(repr=False)
    peer: str
    scheme: str
    port: int
    protocol: str = "HTTP/1.1"


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """One HTTP answer. headers: without Content-Length, which the body decides."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes = field(repr=False)


def proxy_event(
    request: HttpRequest, resource: str, parameters: Mapping[str, str], stage: GatewayStage
) -> dict[str, Any]:
    """Return the event for a request to a resource. parameters: the decoded path parameters."""
    headers, query = _headers(request), _query(request)
    return {
        "resource": resource,
        "path": request.path,
        "httpMethod": request.method,
        "headers": _last(headers),
        "multiValueHeaders": headers,
        "queryStringParameters": _last(query) or None,
        "multiValueQueryStringParameters": query or None,
        "pathParameters": dict(parameters) or None,
        "stageVariables": None,
        "requestContext": _request_context(request, resource, stage, headers),
        "body": request.body.decode("utf-8", "replace") or None,
        "isBase64Encoded": False,
    }


def http_answer(result: object) -> HttpAnswer:
    """Return the HTTP answer that the function's result describes. Raises MalformedAnswer if it describes none."""
    if not isinstance(result, Mapping):
        raise MalformedAnswer("no object")
    status, body = result.get("statusCode"), result.get("body") or ""
    if type(status) is not int or status not in STATUSES:
        raise MalformedAnswer("no statusCode from 200 to 599")
    if not isinstance(body, str):
        raise MalformedAnswer("the body is no string")
    headers = tuple(_answer_headers(result))
    if all(name.lower() != "content-type" for name, _ in headers):
        headers = (*headers, ("Content-Type", "application/json"))
    try:
        return HttpAnswer(status, headers, b"" if status in BODILESS else body.encode())
    except UnicodeEncodeError as cause:
        raise MalformedAnswer("the body is no UTF-8") from cause


def _answer_headers(result: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return both kinds of headers as one list. If both have a name, multiValueHeaders wins."""
    multi, single = result.get("multiValueHeaders") or {}, result.get("headers") or {}
    if not isinstance(multi, Mapping) or not isinstance(single, Mapping):
        raise MalformedAnswer("the headers are no object")
    given = {str(name).lower() for name in multi}
    pairs = [(name, value) for name, values in multi.items() for value in _as_list(values)]
    pairs += [(name, value) for name, value in single.items() if str(name).lower() not in given]
    return [_answer_header(name, value) for name, value in pairs if str(name).lower() != UNSENT]


def _as_list(values: object) -> list[object]:
    if not isinstance(values, list):
        raise MalformedAnswer("multiValueHeaders holds no list")
    return values


def _answer_header(name: object, value: object) -> tuple[str, str]:
    if not isinstance(name, str) or not HEADER_NAME.fullmatch(name):
        raise MalformedAnswer("a header's name is malformed")
    text = str(value).strip() if isinstance(value, str | int) else "\0"
    if not HEADER_VALUE.fullmatch(text):
        raise MalformedAnswer(f"the value of {name} is malformed")
    return (RENAMED_PREFIX + name if name.lower() in RENAMED else name), text


def _headers(request: HttpRequest) -> Values:
    """Return the headers as API Gateway passes them on: with its own added, each part of a name capitalized."""
    values: Values = {}
    for name, value in request.headers:
        if name not in DROPPED:
            values.setdefault("-".join(map(str.capitalize, name.split("-"))), []).append(value)
    values["X-Forwarded-For"] = [", ".join([*values.get("X-Forwarded-For", []), request.peer])]
    values["X-Forwarded-Port"] = [str(request.port)]
    values["X-Forwarded-Proto"] = [request.scheme]
    values["X-Amzn-Trace-Id"] = [f"Root=1-{int(datetime.now(UTC).timestamp()):08x}-{secrets.token_hex(12)}"]
    return values


def _query(request: HttpRequest) -> Values:
    values: Values = {}
    for name, value in parse_qsl(request.query, keep_blank_values=True, errors="replace"):
        values.setdefault(name, []).append(value)
    return values


def _last(values: Values) -> dict[str, str]:
    return {name: given[-1] for name, given in values.items()}


def _request_context(request: HttpRequest, resource: str, stage: GatewayStage, headers: Values) -> dict[str, Any]:
    now = datetime.now(UTC)
    return {
        "accountId": stage.account_id,
        "apiId": stage.api_id,
        "domainName": stage.domain_name or headers.get("Host", [""])[-1],
        "domainPrefix": stage.api_id,
        "extendedRequestId": secrets.token_urlsafe(11) + "=",
        "httpMethod": request.method,
        "identity": {**NOBODY, "sourceIp": request.peer, "userAgent": headers.get("User-Agent", [None])[-1]},
        "path": stage.base_path + request.path,
        "protocol": request.protocol,
        "requestId": request.request_id,
        "requestTime": now.strftime("%d/%b/%Y:%H:%M:%S +0000"),
        "requestTimeEpoch": int(now.timestamp() * 1000),
        "resourceId": uuid.uuid5(uuid.NAMESPACE_URL, resource).hex[:6],
        "resourcePath": resource,
        "stage": stage.name,
    }

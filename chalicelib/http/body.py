"""The parameters of a request body: a form or JSON, read strictly."""

import json
import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import parse_qsl

from chalice.app import Request as ChaliceRequest

from chalicelib.errors import InvalidRequest, RequestTooLarge, UnsupportedMediaType, echo
from chalicelib.model.redaction import SECRET_PARAMETERS

KIBIBYTE = 1024
MAX_BODY_BYTES = 16 * KIBIBYTE
# A person's metadata is larger than the parameters of a login.
MAX_OBJECT_BYTES = 64 * KIBIBYTE
MAX_PARAMETERS = 100
MAX_JSON_DEPTH = 32
FORM = "application/x-www-form-urlencoded"
JSON = "application/json"
# These must be strings, and are refused in a URL, which logs and proxies keep.
CREDENTIALS = SECRET_PARAMETERS | {"client_id", "username"}
PARAMETERS = CREDENTIALS | {
    "grant_type",
    "scope",
    "audience",
    "resource",
    "realm",
    "client_assertion_type",
    "token_type_hint",
}
# How JSON and a form begin, to name them if Content-Type says the other.
_LIKE_JSON = re.compile(r"\s*\{\s*[\"}]")
_LIKE_FORM = re.compile(r"[^\s{}\[\]\",:=&]+=")
BYTE_ORDER_MARK = "\ufeff"
NOT_ENCODED = ("", "identity")
_BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")


def parameters(chalice_request: ChaliceRequest) -> dict[str, Any]:
    """Return the body's parameters without empty ones; raises InvalidRequest."""
    text, media_type = _text(chalice_request, MAX_BODY_BYTES), _media_type(chalice_request)
    if media_type == JSON:
        return _from_json(text)
    if media_type == FORM or not text:
        return _from_form(text)
    raise InvalidRequest(f"Content-Type must be {FORM} or {JSON}.")


def json_object(chalice_request: ChaliceRequest) -> dict[str, Any]:
    """Return the members of a body that is a JSON object, null and empty ones too; raises InvalidRequest."""
    text = _text(chalice_request, MAX_OBJECT_BYTES)
    if text and _media_type(chalice_request) != JSON:
        raise InvalidRequest(f"Content-Type must be {JSON}.")
    return _members(text)


def _media_type(chalice_request: ChaliceRequest) -> str:
    content_type: str = chalice_request.headers.get("content-type", "")
    return content_type.partition(";")[0].strip().lower()


def _body(chalice_request: ChaliceRequest) -> bytes:
    body = chalice_request.raw_body
    return body.encode() if isinstance(body, str) else body


def _text(chalice_request: ChaliceRequest, most: int) -> str:
    codings = chalice_request.headers.get("content-encoding", "").lower().split(",")
    if any(coding.strip() not in NOT_ENCODED for coding in codings):
        raise UnsupportedMediaType("Content-Encoding is not supported: send the body as it is.")
    body = _body(chalice_request)
    if len(body) > most:
        raise RequestTooLarge(f"The request body is over {most // KIBIBYTE} KiB.")
    try:
        text = body.decode()
    except UnicodeDecodeError:
        text = "\ufffd"
    # API Gateway replaces bytes that are not UTF-8 by U+FFFD, which no client sends itself.
    if "\ufffd" in text:
        raise InvalidRequest("The request body is not valid UTF-8.")
    return text.removeprefix(BYTE_ORDER_MARK)


def _from_form(text: str) -> dict[str, str]:
    if _LIKE_JSON.match(text):
        raise InvalidRequest(f"The body is JSON, but Content-Type is {FORM}.")
    if _BAD_ESCAPE.search(text):
        raise InvalidRequest("The form holds a malformed percent-encoding.")
    try:
        pairs = parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=MAX_PARAMETERS)
    except UnicodeDecodeError:
        raise InvalidRequest("The form is not valid UTF-8.") from None
    except ValueError:
        raise InvalidRequest("The form holds too many parameters.") from None
    return {name: value for name, value in _unique(pairs).items() if value}


def _from_json(text: str) -> dict[str, Any]:
    members = _members(text)
    for name in PARAMETERS & set(members):
        if not isinstance(members[name], str | None):
            raise InvalidRequest(f"{name} must be a string.")
    return {name: value for name, value in members.items() if not _is_empty(value)}


def _members(text: str) -> dict[str, Any]:
    """Return the members of a JSON object; raises InvalidRequest."""
    try:
        members = json.loads(text or "{}", object_pairs_hook=_unique, parse_constant=_no_constant)
        # An escaped lone surrogate is valid JSON, but it cannot be hashed or stored.
        json.dumps(members, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        form = f"The body is a form, but Content-Type is {JSON}." if _LIKE_FORM.match(text) else ""
        raise InvalidRequest(form or "The request body is not valid JSON.") from None
    if not _is_shallow(members):
        raise InvalidRequest("The request body is nested too deep.")
    if not isinstance(members, dict):
        raise InvalidRequest("The request body must be a JSON object.")
    return members


def _is_shallow(value: Any) -> bool:
    """Return whether JSON is nested no deeper than MAX_JSON_DEPTH; the parser's own depth depends on the Python."""
    level = [value]
    for _ in range(MAX_JSON_DEPTH):
        containers = [item for item in level if isinstance(item, dict | list)]
        level = [inner for item in containers for inner in (item.values() if isinstance(item, dict) else item)]
    return not level


def _unique(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """Return the members; raises InvalidRequest if one has two values. An empty value is none (RFC 6749 3.1)."""
    members: dict[str, Any] = {}
    for name, value in pairs:
        if _is_empty(value):
            members.setdefault(name, value)
        elif _is_empty(members.get(name)):
            members[name] = value
        else:
            # A password that a client did not encode is split into names, so the log never gets an unknown name.
            reason = "" if name in PARAMETERS else "an unknown parameter is given twice"
            raise InvalidRequest(f"Parameter given twice: {echo(name)}", reason=reason)
    return members


def _is_empty(value: Any) -> bool:
    return value is None or value == ""


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")

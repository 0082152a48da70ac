"""Hooks of schemathesis: add valid requests, put in live tokens, and count the answers.

schemathesis.toml names this module, which runs inside schemathesis's process.
"""

import atexit
import json
import os
import re
from collections import Counter, defaultdict, deque
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import jwt
import schemathesis
from hypothesis import strategies as st
from pyotp import TOTP

from tests.fuzz.known import COUNTS_FILE, EVERYWHERE_ELSE, LOGINS, NAMES, ODD, REQUESTS, SOURCES, Known, Source

Case = schemathesis.Case[Any]
Cases = st.SearchStrategy[Case]
# Any: a request may hold any value, and schemathesis's own types do not help.
Operation = Any

KINDS = ("id_token", "refresh_token", "mfa_token", "oob_code", "recovery_code")
# Kinds that are requested anew each time.
CHANGING = ("authenticator",)
# The one client of the demo tenant that has the MFA grants.
MFA_CLIENT = "demo-backend"
KEPT = 8
FORM = "application/x-www-form-urlencoded"
# The text in place of a live value that the server did not give.
NONE = "none"

_MARK = re.compile(r"live:(\w+):([\w-]+):(\d)")
# By kind and client, the newest last.
_tokens: defaultdict[tuple[str, str], deque[str]] = defaultdict(lambda: deque(maxlen=KEPT))
_counts: Counter[str] = Counter()


@schemathesis.hook
def before_add_examples(context: schemathesis.HookContext, examples: list[Case]) -> None:
    """Send each known request once, unchanged."""
    operation: Operation = context.operation
    # hypothesis tries the last one first.
    for known in reversed(_known_requests(operation)):
        form = {"media_type": FORM, "body": {}} if known.body is not None else {}
        examples.append(_with_known(operation.Case(**form), known))


@schemathesis.hook
def before_generate_case(context: schemathesis.HookContext, strategy: Cases) -> Cases:
    """Make each second request a known one, mostly with one odd parameter."""
    known = st.sampled_from(_known_requests(context.operation))
    oddities = st.dictionaries(st.sampled_from(NAMES), st.sampled_from(ODD), max_size=1)
    return strategy | st.builds(_with_known, strategy, st.builds(_with_oddities, known, oddities))


@schemathesis.hook
def before_call(context: schemathesis.HookContext, case: Case, kwargs: dict[str, Any]) -> None:
    """Replace marks by live tokens."""
    url = case.operation.base_url
    if isinstance(case.body, dict):
        case.body = {name: _with_live(value, url) for name, value in case.body.items()}
    for part in (case.headers, case.path_parameters):
        for name, value in list(part.items()):
            part[name] = _with_live(value, url)


@schemathesis.hook
def after_call(context: schemathesis.HookContext, case: Case, response: schemathesis.Response) -> None:
    """Keep the live values of the answer for later requests, and count the answer."""
    body = _keep(response.content)
    if response.request.method == case.operation.method.upper():
        _counts[f"{_operation_id(case.operation)} {response.status_code} {_kind(body, case)}".rstrip()] += 1


@atexit.register
def write_counts() -> None:
    """Write the counts, by operation, status and kind, to the file that tests/fuzz/__main__.py reads."""
    if COUNTS_FILE in os.environ:
        Path(os.environ[COUNTS_FILE]).write_text(json.dumps(_counts), "utf-8")


def _known_requests(operation: Operation) -> list[Known]:
    return REQUESTS.get(_operation_id(operation), EVERYWHERE_ELSE)


def _with_oddities(known: Known, oddities: dict[str, str]) -> Known:
    return known if known.body is None else replace(known, body=known.body | oddities)


def _operation_id(operation: Operation) -> str:
    return str(operation.definition.raw["operationId"])


def _with_known(case: Case, known: Known) -> Case:
    if known.body is not None:
        case.body = dict(known.body)
    # A generated header would be a second method of client authentication.
    case.headers.pop("Authorization", None)
    case.headers.update(known.headers)
    case.query.update(known.query)
    case.path_parameters.update(known.path)
    return case


def _with_live(value: Any, url: str) -> Any:
    return _MARK.sub(lambda mark: _live(mark, url), value) if isinstance(value, str) else value


def _live(mark: re.Match[str], url: str) -> str:
    """Return a live value of a client; request one if there is none yet."""
    kind, client_id, age = mark.groups()
    if kind == "issuer":
        return f"{url}/"
    if kind in CHANGING:
        _tokens[kind, client_id].clear()
    if not _tokens[kind, client_id]:
        source = SOURCES.get(kind) or Source(LOGINS[client_id])
        form, headers = ({name: _with_live(value, url) for name, value in (part or {}).items()} for part in _of(source))
        _keep(httpx.request(source.method, f"{url}{source.path}", data=form, headers=headers).content)
    tokens = _tokens[kind, client_id] or [NONE]
    found = tokens[-1 - int(age) % len(tokens)]
    return TOTP(found).now() if kind == "otp_secret" and found != NONE else found


def _of(source: Source) -> tuple[Mapping[str, str] | None, Mapping[str, str]]:
    return source.request.body, source.request.headers


def _keep(content: bytes) -> Mapping[str, Any]:
    """Keep the live values of an answer, and return its members."""
    body: dict[str, Any] | list[dict[str, str]] = _json(content)
    if isinstance(body, list):
        _tokens["authenticator", MFA_CLIENT].extend(one["id"] for one in body if "authenticator_type" in one)
        return {}
    client_id = MFA_CLIENT
    if "access_token" in body:
        claims = jwt.decode(body["access_token"], options={"verify_signature": False})
        client_id = claims["client_id"]
        _tokens[_access_kind(claims), client_id].append(body["access_token"])
    for kind in KINDS:
        # The next association ends the code of this one.
        if kind in body and "authenticator_type" not in body:
            _tokens[kind, client_id].append(body[kind])
    for code in body.get("recovery_codes", []):
        _tokens["recovery_code", MFA_CLIENT].append(code)
    if "secret" in body:
        _tokens["otp_secret", MFA_CLIENT].append(body["secret"])
    return body


def _access_kind(claims: Mapping[str, Any]) -> str:
    aud = claims["aud"] if isinstance(claims["aud"], list) else [claims["aud"]]
    if aud[0].endswith("/api/v2/"):
        return "management_token"
    if not aud[0].endswith("/mfa/"):
        return "access_token"
    verbs = {"read:authenticators": "read", "remove:authenticators": "remove"}
    return "mfa_api_" + verbs.get(claims["scope"], "token")


def _kind(body: Mapping[str, Any], case: Case) -> str:
    """Return the error; of a success, the grant or the introspected token's type."""
    if "access_token" in body:
        sent: Any = case.body
        return str(sent["grant_type"])
    return str(body.get("error") or body.get("token_type", ""))


def _json(content: bytes) -> Any:
    try:
        return json.loads(content)
    except ValueError:
        return {}

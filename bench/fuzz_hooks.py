"""What schemathesis calls while it fuzzes: right requests among the made-up ones, live tokens, a tally of the answers.

The module is named in schemathesis.toml, and runs inside schemathesis's process.
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

from bench.fuzz_known import EVERYWHERE_ELSE, LOGINS, NAMES, ODD, REQUESTS, TALLY, Known

Case = schemathesis.Case[Any]
Cases = st.SearchStrategy[Case]
# Its own types are of no help here: what stands in a request may be anything.
Operation = Any

KINDS = ("access_token", "id_token", "refresh_token")
KEPT = 8
FORM = "application/x-www-form-urlencoded"
OK = 200

_MARK = re.compile(r"live:(\w+):([\w-]+):(\d)")
# By kind and client, the newest last.
_tokens: defaultdict[tuple[str, str], deque[str]] = defaultdict(lambda: deque(maxlen=KEPT))
_tally: Counter[str] = Counter()


@schemathesis.hook
def before_add_examples(context: schemathesis.HookContext, examples: list[Case]) -> None:
    """Send every request that gets far once, as it is."""
    operation: Operation = context.operation
    # hypothesis tries the last one first.
    for known in reversed(_known(operation)):
        form = {"media_type": FORM, "body": {}} if known.body is not None else {}
        examples.append(_with_known(operation.Case(**form), known))


@schemathesis.hook
def before_generate_case(context: schemathesis.HookContext, strategy: Cases) -> Cases:
    """Mix requests that get far under those that are made up: every second one, most with an odd parameter."""
    known = st.sampled_from(_known(context.operation))
    oddities = st.dictionaries(st.sampled_from(NAMES), st.sampled_from(ODD), max_size=1)
    return strategy | st.builds(_with_known, strategy, st.builds(_changed, known, oddities))


@schemathesis.hook
def before_call(context: schemathesis.HookContext, case: Case, kwargs: dict[str, Any]) -> None:
    """Put live tokens in place of their marks."""
    url = case.operation.base_url
    if isinstance(case.body, dict):
        case.body = {name: _with_live(value, url) for name, value in case.body.items()}
    for name, value in list(case.headers.items()):
        case.headers[name] = _with_live(value, url)


@schemathesis.hook
def after_call(context: schemathesis.HookContext, case: Case, response: schemathesis.Response) -> None:
    """Keep the tokens of the answer for later requests, and count it."""
    body = _members(response.content)
    if response.status_code == OK:
        _keep(body)
    if response.request.method == case.operation.method.upper():
        _tally[f"{_operation_id(case.operation)} {response.status_code} {_kind(body, case)}".rstrip()] += 1


@atexit.register
def write_tally() -> None:
    """Leave what was answered, by operation, status and kind, where bench/fuzz.py looks for it."""
    if TALLY in os.environ:
        Path(os.environ[TALLY]).write_text(json.dumps(_tally), "utf-8")


def _known(operation: Operation) -> list[Known]:
    return REQUESTS.get(_operation_id(operation), EVERYWHERE_ELSE)


def _changed(known: Known, oddities: dict[str, str]) -> Known:
    return known if known.body is None else replace(known, body=known.body | oddities)


def _operation_id(operation: Operation) -> str:
    return str(operation.definition.raw["operationId"])


def _with_known(case: Case, known: Known) -> Case:
    if known.body is not None:
        case.body = dict(known.body)
    # A made-up one would be a second method of client authentication.
    case.headers.pop("Authorization", None)
    case.headers.update(known.headers)
    case.query.update(known.query)
    return case


def _with_live(value: Any, url: str) -> Any:
    return _MARK.sub(lambda mark: _live(mark, url), value) if isinstance(value, str) else value


def _live(mark: re.Match[str], url: str) -> str:
    """Return a token that the client was given; where it has none yet, it logs in."""
    kind, client_id, age = mark.groups()
    tokens = _tokens[kind, client_id]
    if not tokens:
        login = LOGINS[client_id]
        _keep(httpx.post(f"{url}/oauth/token", data=login.body, headers=login.headers).raise_for_status().json())
    return tokens[-1 - int(age) % len(tokens)]


def _keep(body: Mapping[str, Any]) -> None:
    if "access_token" in body:
        client_id = jwt.decode(body["access_token"], options={"verify_signature": False})["client_id"]
        for kind in KINDS:
            if kind in body:
                _tokens[kind, client_id].append(body[kind])


def _kind(body: Mapping[str, Any], case: Case) -> str:
    """Return the error; of a success the grant, or what an introspected token was."""
    if "access_token" in body:
        sent: Any = case.body
        return str(sent["grant_type"])
    return str(body.get("error") or body.get("token_type", ""))


def _members(content: bytes) -> Mapping[str, Any]:
    try:
        body = json.loads(content)
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}

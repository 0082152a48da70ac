"""Secret parameters, each name of the one list: refused in URLs, strings alone, gone once the proof is done."""

import json
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from chalicelib.flows.token import TokenFlow
from chalicelib.http.routes import Services
from chalicelib.model.login import Access, Login
from chalicelib.model.redaction import SECRET_PARAMETERS
from chalicelib.model.request import Request
from chalicelib.model.tenant import Client
from chalicelib.rules.runner import Decision, Rules
from infra.stage.aws import Stage
from tests.support.fixed import ISSUER
from tests.support.http import ALICE, BACKEND, TIMESHEETS, Http
from tests.support.people import PASSWORD, PeopleMaker

TOKEN = "/oauth/token"
CANARY = "canary-7d1f0c"
SECRET_NAMES = sorted(SECRET_PARAMETERS)


@dataclass(slots=True, eq=False, repr=False)
class WatchedRules(Rules):
    """Rules that keep each request that they are given."""

    requests: list[Request] = field(default_factory=list)

    def decide(self, request: Request, client: Client, login: Login, access: Access) -> Decision:
        self.requests.append(request)
        return Rules.decide(self, request, client, login, access)


def texts_of(request: Request) -> str:
    """Return all that a request holds of what the client sent, its repr aside."""
    return json.dumps([request.params, request.body, request.query, request.authorization], default=dict)


@pytest.mark.parametrize("name", SECRET_NAMES)
def test_secret_in_the_query_is_refused_and_never_logged(http: Http, name: str) -> None:
    response = http.post(f"{TOKEN}?{name}={CANARY}", data=ALICE | BACKEND | {"grant_type": "password"})

    assert (response.status_code, response.json()["error"]) == (400, "invalid_request")
    assert CANARY not in response.text + json.dumps(http.log)


@pytest.mark.parametrize("name", SECRET_NAMES)
def test_secret_that_is_no_string_is_refused_and_never_logged(http: Http, name: str) -> None:
    body: dict[str, Any] = {"grant_type": "password", **ALICE, **BACKEND, name: [CANARY]}

    response = http.post(TOKEN, json=body)

    assert response.json()["error_description"] == f"{name} must be a string."
    assert CANARY not in response.text + json.dumps(http.log)


@pytest.mark.parametrize("spelling", [str, str.upper])
@pytest.mark.parametrize("name", SECRET_NAMES)
def test_secret_is_in_no_repr_and_goes_with_all_that_repeats_it(name: str, spelling: Any) -> None:
    request = Request(
        ISSUER,
        "192.0.2.1",
        params={spelling(name): CANARY, "hint": CANARY, "audience": TIMESHEETS},
        body={spelling(name): CANARY, "hint": CANARY, "device": {"pins": [CANARY, 1]}, "audience": TIMESHEETS},
        query={"state": CANARY, "ui_locales": "de"},
        authorization=f"Bearer {CANARY}",
    )

    rest = request.without_secrets()

    assert CANARY not in repr(request)
    assert CANARY not in texts_of(rest)
    assert rest.body == {"device": {"pins": [1]}, "audience": TIMESHEETS}
    assert (rest.params, rest.query) == ({"audience": TIMESHEETS}, {"ui_locales": "de"})


def test_request_holds_no_secret_once_the_login_is_proved(
    services: Services, stage: Stage, people: PeopleMaker
) -> None:
    user = people.make()
    watched = WatchedRules(**{name: getattr(services[TokenFlow].rules, name) for name in Rules.__dataclass_fields__})
    sent = {
        "grant_type": "password",
        "username": user.username,
        "password": PASSWORD,
        "audience": TIMESHEETS,
        **BACKEND,
    }
    body = {**sent, "hint": PASSWORD, "device": {"pins": [PASSWORD, 1]}}
    flow = replace(services[TokenFlow], rules=watched)

    tokens = flow.answer(Request(ISSUER, "192.0.2.1", params=sent, body=body, query={"state": PASSWORD}))

    (request,) = watched.requests
    assert tokens["token_type"] == "Bearer"
    assert [one for one in (PASSWORD, BACKEND["client_secret"]) if one in texts_of(request)] == []
    assert request.body["username"] == user.username

"""Canaries down every path: no password, secret, assertion or token is in a log line, an answer or a repr."""

import json
import time
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

from chalicelib.model.login import Access, Login
from chalicelib.model.request import Request
from chalicelib.rules.context import RuleContext, make_arguments
from chalicelib.rules.runner import Run
from infra.stage.aws import Stage
from tests.support.clients import make_client
from tests.support.faults import aws_error, failing
from tests.support.fixed import ISSUER
from tests.support.http import BACKEND, Http
from tests.support.people import PeopleMaker
from tests.support.tables import table_names

CANARY = "canary-6f1d0c2e"
KEY = rsa.generate_private_key(65537, 2048)
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


def assert_unseen(http: Http, captured: pytest.CaptureFixture[str], *secrets: str) -> None:
    """Hunt in the log and in all that was printed."""
    assert http.log, "there is something to hunt in"
    printed = captured.readouterr()
    haystack = json.dumps(http.log) + printed.out + printed.err
    for secret in (CANARY, *secrets):
        assert secret not in haystack


def test_password_is_in_no_log_whatever_comes_of_it(
    http: Http, people: PeopleMaker, stage: Stage, capfd: pytest.CaptureFixture[str]
) -> None:
    user, blocked = people.make(password=CANARY), people.make(password=CANARY, blocked=True)
    right = {"username": user.username, "password": CANARY}
    tokens = [http.login(**right).json()["access_token"]]
    answers = [
        http.login(username=user.username, password=CANARY + "x"),
        http.login(username="nobody", password=CANARY),
        http.login(username=blocked.username, password=CANARY),
        http.realm_login("no-such-realm", **right),
        http.login(**right, audience="https://nobody.example"),
        http.login(**right, client_id="nobody"),
        http.login(**right, grant_type="nothing"),
        http.login(**right | {"username": "a\0b"}),
        http.post("/oauth/token", json={"username": ["a"], "password": CANARY}),
        http.post("/oauth/token", content=f"password={CANARY}&password={CANARY}"),
        http.post(f"/oauth/token?password={CANARY}"),
        http.post("/oauth/token", content=CANARY * 2000),
        http.post("/oauth/token", content=b"{" + CANARY.encode(), headers={"Content-Type": "application/json"}),
        *(http.login(**right | {"password": CANARY + "y"}) for _ in range(11)),
    ]
    for operation in ("BatchGetItem", "GetItem", "UpdateItem", "Sign"):
        for failure in (aws_error("InternalServerError"), RuntimeError(CANARY)):
            fresh = people.make(password=CANARY)
            with failing(stage, operation, failure):
                answers.append(http.login(**right | {"username": fresh.username}))

    assert {answer.status_code for answer in answers} == {400, 401, 403, 413, 429, 500, 503}
    assert not [answer for answer in answers if CANARY in answer.text]
    assert_unseen(http, capfd, *tokens)


def test_client_secrets_are_in_no_log(http: Http, stage: Stage, capfd: pytest.CaptureFixture[str]) -> None:
    client_id = make_client(stage, secret=CANARY)

    assert http.login(client_id=client_id, client_secret=CANARY).status_code == 200
    answers = [
        http.login(client_id=client_id, client_secret=CANARY + "x"),
        http.login(client_id="nobody", client_secret=CANARY),
        http.token({"grant_type": "password"}, Authorization=f"Bearer {CANARY}"),
        http.token({"grant_type": "password"}, Authorization=f"Basic {CANARY}"),
    ]
    assert {answer.status_code for answer in answers} == {401}
    assert_unseen(http, capfd)


def test_assertions_are_in_no_log(http: Http, stage: Stage, capfd: pytest.CaptureFixture[str]) -> None:
    keys = [RSAAlgorithm.to_jwk(KEY.public_key(), as_dict=True)]
    client_id = make_client(stage, token_endpoint_auth_method="private_key_jwt", jwks=keys)
    claims = {"iss": client_id, "sub": client_id, "aud": ISSUER, "exp": int(time.time()) + 60, "jti": CANARY}
    signed = jwt.encode(claims, KEY, "RS256")
    shown = {"client_id": None, "client_secret": None, "client_assertion_type": ASSERTION_TYPE}

    assert http.login(**shown, client_assertion=signed).status_code == 200
    assert http.login(**shown, client_assertion=signed).status_code == 401
    assert http.login(**shown, client_assertion=signed[:-9]).status_code == 401
    assert_unseen(http, capfd, signed, signed.rsplit(".")[2])


def test_crash_says_where_and_never_what(http: Http, stage: Stage) -> None:
    with failing(stage, "Sign", RuntimeError(CANARY)):
        response = http.login()

    assert (response.status_code, response.json()) == (
        500,
        {"error": "server_error", "error_description": "The request could not be completed."},
    )
    assert http.log[-1]["reason"].startswith("RuntimeError in ")
    assert "jws.py" in http.log[-1]["reason"]


def test_reprs_hold_no_secret(http: Http, people: PeopleMaker, stage: Stage) -> None:
    user = people.make(password=CANARY)
    stored = stage.config().client("demo-backend")

    assert stored is not None
    assert user.password_hash not in repr(user)
    assert stored.secrets[0].sha256 not in repr(stored) + repr(stored.secrets)


def test_reprs_hold_no_setting_of_rules(people: PeopleMaker, stage: Stage) -> None:
    user, client = people.make(), stage.config().client("demo-backend")
    assert client is not None
    login = Login(user.user_id, client.client_id, ("password",), user=user)
    request, access = Request(ISSUER, "192.0.2.1"), Access(None, ())
    context = RuleContext(request, client, login, user, access, "Acme", {"API_KEY": CANARY})

    arguments = make_arguments(context)

    assert arguments.context.configuration == {"API_KEY": CANARY}
    assert CANARY not in repr([context, arguments, Run(arguments)])


def test_nothing_readable_is_stored(http: Http, people: PeopleMaker, stage: Stage) -> None:
    user = people.make(password=CANARY)
    client_id = make_client(stage, secret=CANARY)
    http.login(username=user.username, password=CANARY, client_id=client_id, client_secret=CANARY)
    http.login(username="nobody" + CANARY, password=CANARY)

    dynamodb = stage.clients.dynamodb
    tables = table_names(dynamodb)
    items = [item for table in tables for item in dynamodb.scan(TableName=table)["Items"]]
    assert len(items) > 10
    assert CANARY not in json.dumps(items)


def test_event_of_no_api_gets_an_answer_of_ours(http: Http) -> None:
    events: list[dict[str, Any]] = [{}, {"requestContext": {}}, {"requestContext": {"resourcePath": "/oauth/token"}}]
    for event in events:
        answer = http.app(event, None)

        assert answer["statusCode"] == 500
        assert json.loads(answer["body"])["error"] == "server_error"
        assert answer["headers"]["Cache-Control"] == "no-store"


def test_refresh_tokens_are_in_no_log(
    http: Http, people: PeopleMaker, stage: Stage, capfd: pytest.CaptureFixture[str]
) -> None:
    user = people.make(password=CANARY)
    body = http.login(username=user.username, password=CANARY, scope="openid offline_access").json()
    first, access_token = body["refresh_token"], body["access_token"]
    refresh = {**BACKEND, "grant_type": "refresh_token"}
    second = http.token(refresh | {"refresh_token": first}).json()["refresh_token"]
    for token in (first, second, first[:-1], second + "x"):
        for path in ("/oauth/revoke", "/oauth/introspect"):
            http.post(path, data={**BACKEND, "token": token})
        http.token(refresh | {"refresh_token": token})
        http.get("/userinfo", headers={"Authorization": f"Bearer {token}"})
    with failing(stage, "BatchGetItem", RuntimeError(second)):
        http.token(refresh | {"refresh_token": second})
    http.get("/userinfo", headers={"Authorization": f"Bearer {access_token}"})

    assert_unseen(http, capfd, first, second, first[:40], second[:40], access_token, body["id_token"])

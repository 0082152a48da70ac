"""The functions of examples/lazy_migration, through a login, against Auth0 and Cognito as they answer on the wire."""

import itertools
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import pytest

from chalicelib import wiring
from chalicelib.model.user import User
from examples.lazy_migration import find_at_auth0, find_in_pool, wire
from infra.stage.aws import Stage
from tests.support import old_services
from tests.support.http import Http
from tests.support.legacy import client_with_legacy
from tests.support.old_services import AUTH0_SECRET, COGNITO_CLIENT, COGNITO_SECRET, OldService, cognito_error, serve
from tests.support.people import PASSWORD, PeopleMaker

WRONG = {"error": "invalid_grant", "error_description": "Wrong email or password."}
SETTINGS = {
    "AUTH0_CONNECTION": "Username-Password-Authentication",
    "AUTH0_CLIENT_ID": "old-app",
    "AUTH0_CLIENT_SECRET": AUTH0_SECRET,
    "COGNITO_CLIENT_ID": COGNITO_CLIENT,
    "COGNITO_CLIENT_SECRET": COGNITO_SECRET,
}
FUNCTIONS: dict[str, tuple[Callable[..., object], Callable[..., Any]]] = {
    "auth0": (find_at_auth0, old_services.auth0),
    "cognito": (find_in_pool, old_services.cognito),
}
_numbers = itertools.count(1)


@contextmanager
def moving_from(
    kind: str, stage: Stage, externals: wiring.Externals, **settings: str
) -> Iterator[tuple[Http, OldService]]:
    """Yield a client of an application that asks an old service, and the service. settings: some that differ."""
    function, answer = FUNCTIONS[kind]
    number = next(_numbers)
    sub = f"auth0|of{number}" if kind == "auth0" else f"pool-{number}"
    service = OldService(f"{kind}{number}@old.example", f"{kind}{number}", sub)

    def find(username: str, password: str, context: SimpleNamespace) -> object:
        urls = {"AUTH0_URL": service.url, "COGNITO_URL": service.url}
        context.configuration.update(SETTINGS | urls | settings)
        return function(username, password, context)

    with serve(service, answer), client_with_legacy(stage, externals, find) as http:
        yield http, service


def found(people: PeopleMaker, name: str) -> User | None:
    users = people.of("employees").users
    return people.of("employees").find(name) if users.locate(name, ("username", "email")) else None


def assert_no_secret(http: Http) -> None:
    log = str(http.log)
    assert not any(secret in log for secret in (PASSWORD, "c4nary"))


@pytest.mark.parametrize("kind", FUNCTIONS)
def test_right_password_moves_the_person_who_needs_the_old_service_no_more(
    kind: str, stage: Stage, externals: wiring.Externals, people: PeopleMaker
) -> None:
    with moving_from(kind, stage, externals) as (http, service):
        assert http.login(username=service.email).status_code == 200
        asked = len(service.asked)
        assert http.login(username=service.email).status_code == 200
        assert len(service.asked) == asked == 2

    user = found(people, service.email)
    assert user
    assert user.user_id == (service.sub if kind == "auth0" else f"auth0|{service.sub}")
    assert (user.email, user.email_verified, user.name, user.picture) == (service.email, True, "Ann Old", "")
    assert user.password_hash.startswith("$2b$")


@pytest.mark.parametrize("kind", FUNCTIONS)
def test_username_moves_the_person_too(
    kind: str, stage: Stage, externals: wiring.Externals, people: PeopleMaker
) -> None:
    with moving_from(kind, stage, externals) as (http, service):
        assert http.login(username=service.username).status_code == 200

    user = found(people, service.username)
    assert user
    assert (user.username, user.email) == (service.username, service.email)


@pytest.mark.parametrize("kind", FUNCTIONS)
def test_wrong_password_and_unknown_name_are_the_same_no(
    kind: str, stage: Stage, externals: wiring.Externals, people: PeopleMaker
) -> None:
    with moving_from(kind, stage, externals) as (http, service):
        assert http.login(username=service.email, password="wrong").json() == WRONG
        assert http.login(username="nobody@old.example").json() == WRONG
    assert found(people, service.email) is None


NOS = [
    ("auth0", (401, {"error": "unauthorized", "error_description": "user is blocked"})),
    ("auth0", (403, {"error": "unauthorized", "error_description": "a rule of the team"})),
    ("cognito", cognito_error("NotAuthorizedException", "User is disabled.")),
    ("cognito", cognito_error("com.amazonaws.cognito#UserNotFoundException", "User does not exist.")),
    ("cognito", cognito_error("UserNotConfirmedException", "User is not confirmed.")),
    ("cognito", cognito_error("PasswordResetRequiredException", "Password reset required for the user")),
    ("cognito", (200, {"ChallengeName": "NEW_PASSWORD_REQUIRED", "Session": "c4nary", "ChallengeParameters": {}})),
]


@pytest.mark.parametrize(("kind", "answer"), NOS)
def test_person_who_cannot_log_in_there_does_not_move(
    kind: str, answer: Any, stage: Stage, externals: wiring.Externals, people: PeopleMaker
) -> None:
    with moving_from(kind, stage, externals) as (http, service):
        service.instead = answer
        assert http.login(username=service.email).json() == WRONG
    assert found(people, service.email) is None


FAILURES = [
    ("auth0", (403, {"error": "mfa_required", "mfa_token": "c4nary"}), "SecondFactorAsked"),
    ("auth0", (429, {"error": "too_many_attempts", "error_description": "c4nary"}), "RateLimited"),
    ("auth0", (500, {"error": "server_error"}), "Unreachable"),
    ("auth0", (503, {"error": "temporarily_unavailable"}), "Unreachable"),
    ("auth0", (401, {"error": "password_leaked"}), "Misconfigured"),
    ("auth0", (401, {"error": "requires_verification"}), "Misconfigured"),
    ("auth0", (403, {"error": "unauthorized_client"}), "Misconfigured"),
    ("auth0", (307, {"error": "c4nary"}), "Misconfigured"),
    ("auth0", b"<html>c4nary", "Unreachable"),
    ("auth0", b"[" * 100_000, "Unreachable"),
    ("auth0", (200, ["c4nary"]), "Unreachable"),
    ("auth0", (200, {"access_token": 7}), "Unreachable"),
    ("auth0", (200, {"access_token": "c4nary of somebody else"}), "Unreachable"),
    ("cognito", (200, {"ChallengeName": "SOFTWARE_TOKEN_MFA", "Session": "c4nary"}), "SecondFactorAsked"),
    ("cognito", (200, {"ChallengeName": "MFA_SETUP", "Session": "c4nary"}), "SecondFactorAsked"),
    ("cognito", cognito_error("TooManyRequestsException", "Too many requests"), "RateLimited"),
    ("cognito", cognito_error("NotAuthorizedException", "Password attempts exceeded"), "RateLimited"),
    ("cognito", cognito_error("InternalErrorException", "c4nary", 500), "Unreachable"),
    ("cognito", cognito_error("ResourceNotFoundException", "User pool client does not exist."), "Misconfigured"),
    ("cognito", (200, {}), "Unreachable"),
    ("cognito", b"c4nary", "Unreachable"),
]


@pytest.mark.parametrize("case", FAILURES, ids=lambda case: f"{case[0]}-{case[2]}")
def test_service_that_says_neither_yes_nor_no_is_503_and_the_log_names_the_reason(
    case: tuple[str, Any, str], stage: Stage, externals: wiring.Externals, people: PeopleMaker
) -> None:
    kind, answer, raised = case
    with moving_from(kind, stage, externals) as (http, service):
        service.instead = answer
        assert http.login(username=service.email).status_code == 503
        assert http.login().status_code == 200
        assert f"raised {raised} in " in http.log[0]["reason"]
        assert "/elsewhere" not in [path for path, _, _ in service.asked]
        assert_no_secret(http)
    assert found(people, service.email) is None


@pytest.mark.parametrize(
    ("kind", "settings"),
    [
        ("auth0", {"AUTH0_CLIENT_SECRET": "c4nary-other"}),
        ("auth0", {"AUTH0_CLIENT_ID": ""}),
        ("auth0", {"AUTH0_URL": "http://old.example/"}),
        ("auth0", {"AUTH0_URL": "file:///etc/passwd"}),
        ("cognito", {"COGNITO_CLIENT_SECRET": "c4nary-other"}),
        ("cognito", {"COGNITO_CLIENT_SECRET": ""}),
        ("cognito", {"COGNITO_URL": ""}),
    ],
)
def test_wrong_setting_is_503_and_never_a_wrong_password(
    kind: str, settings: dict[str, str], stage: Stage, externals: wiring.Externals
) -> None:
    with moving_from(kind, stage, externals, **settings) as (http, service):
        assert http.login(username=service.email).status_code == 503
        assert "raised Misconfigured in " in http.log[0]["reason"]
        assert_no_secret(http)


@pytest.mark.parametrize("kind", FUNCTIONS)
def test_service_that_is_slow_or_gone_is_503(
    kind: str, stage: Stage, externals: wiring.Externals, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wire, "TIMEOUT_S", 0.1)
    with moving_from(kind, stage, externals) as (http, service):
        service.slow = threading.Event()
        assert http.login(username=service.email).status_code == 503
        service.slow.set()
        gone = {"AUTH0_URL": "http://127.0.0.1:9/", "COGNITO_URL": "http://127.0.0.1:9/"}
        assert all("raised Unreachable in send:wire.py" in line["reason"] for line in http.log)
    with moving_from(kind, stage, externals, **gone) as (http, service):
        assert http.login(username=service.email).status_code == 503
        assert "raised Unreachable in send:wire.py" in http.log[0]["reason"]
        assert_no_secret(http)


def test_auth0_hears_whose_address_it_is(stage: Stage, externals: wiring.Externals) -> None:
    with moving_from("auth0", stage, externals) as (http, service):
        http.login(username=service.email, password="wrong")

    ((path, headers, body),) = service.asked
    assert (path, headers["auth0-forwarded-for"]) == ("/oauth/token", http.source_ip)
    assert (body["realm"], body["username"]) == ("Username-Password-Authentication", service.email)

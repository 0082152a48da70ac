"""Authenticators beside the first: the MFA API's token, and what it can do, through HTTP."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from typing import Any

import pytest

from chalicelib import wiring
from infra.stage.aws import Stage
from tests.support.clients import make_client
from tests.support.faults import before
from tests.support.fixed import Clock
from tests.support.http import Http
from tests.support.mfa import (
    MFA_AUDIENCE,
    MFA_SCOPE,
    App,
    EnrolledUser,
    associate,
    authenticators,
    code_in,
    emails_to,
    mfa_api_login,
    mfa_token_of,
    remove,
    sms_to,
    with_oob,
    with_otp,
    with_recovery_code,
)
from tests.support.people import PeopleMaker
from tests.support.rules import client_with_rules
from tests.support.tokens import claims_of

NUMBERS = count(2_025_560_100)
BY_SMS = {"authenticator_types": ["oob"], "oob_channels": ["sms"]}
BY_EMAIL = {"authenticator_types": ["oob"], "oob_channels": ["email"]}


def number() -> str:
    """Return a phone number that no other test has."""
    return f"+1{next(NUMBERS)}"


@pytest.fixture
def clock() -> Clock:
    """A clock that is behind: tests move it on, and PyJWT takes no token from the future."""
    return Clock(time.time() - 300)


@dataclass
class Member(EnrolledUser):
    """Somebody who enrolled an app by an access token of the MFA API, with a token from after that."""

    def mfa_api_token(self, http: Http, scope: str | None = MFA_SCOPE) -> str:
        """Log in with both factors, and return an access token of the MFA API."""
        mfa_token = mfa_token_of(mfa_api_login(http, self.username, scope))
        return str(with_otp(http, mfa_token, self.app.code()).json()["access_token"])


@pytest.fixture
def ada(http: Http, clock: Clock, people: PeopleMaker) -> Member:
    """Somebody with an authenticator app, who used a code of it a minute ago."""
    username = people.make().username
    token = mfa_api_login(http, username).json()["access_token"]
    made = associate(http, token).json()
    app = App(made["secret"], clock)
    answer = with_otp(http, token, app.code())
    assert answer.status_code == 200, answer.text
    clock.advance(60)
    return Member(username, app, made["recovery_codes"][0], answer)


def test_token_of_the_mfa_api_lasts_ten_minutes_and_has_its_scopes(http: Http, people: PeopleMaker) -> None:
    answer = mfa_api_login(http, people.make().username)

    claims = claims_of(answer)
    assert answer.json()["expires_in"] == claims["exp"] - claims["iat"] == 600
    assert claims["aud"] == MFA_AUDIENCE
    assert answer.json()["scope"] == claims["scope"] == MFA_SCOPE
    assert claims["amr"] == ["pwd"]
    assert "refresh_token" not in answer.json()


@pytest.mark.parametrize(
    ("asked", "granted"), [(None, MFA_SCOPE), ("enroll", "enroll"), ("enroll offline_access read:all", "enroll")]
)
def test_token_of_the_mfa_api_has_the_scopes_that_were_asked(
    http: Http, people: PeopleMaker, asked: str | None, granted: str
) -> None:
    assert mfa_api_login(http, people.make().username, asked).json()["scope"] == granted


def test_request_for_a_token_of_the_mfa_api_asks_an_enrolled_user_for_the_second_factor(
    http: Http, ada: Member
) -> None:
    answer = with_otp(http, mfa_token_of(mfa_api_login(http, ada.username)), ada.app.code())

    assert claims_of(answer)["aud"] == MFA_AUDIENCE
    assert claims_of(answer)["amr"] == ["pwd", "otp", "mfa"]
    assert (answer.json()["expires_in"], answer.json()["scope"]) == (600, MFA_SCOPE)


def test_access_token_confirms_the_first_authenticator_and_yields_one_of_its_kind(
    http: Http, ada: Member, people: PeopleMaker
) -> None:
    claims = claims_of(ada.answer)

    assert (claims["aud"], claims["scope"], claims["amr"]) == (MFA_AUDIENCE, MFA_SCOPE, ["pwd", "otp", "mfa"])
    assert ada.answer.json()["expires_in"] == 600
    assert people.of("employees").find(ada.username).multifactor == "otp,recovery-code"
    assert http.login(username=ada.username).json()["error"] == "mfa_required"
    assert with_recovery_code(http, ada.login(http), ada.recovery_code).status_code == 200


def test_second_authenticator_is_confirmed_by_an_access_token(http: Http, ada: Member) -> None:
    token, phone = ada.mfa_api_token(http), number()
    made = associate(http, token, **BY_SMS, phone_number=phone)
    answer = with_oob(http, token, made.json()["oob_code"], code_in(sms_to(phone)[-1]))

    assert "recovery_codes" not in made.json()
    assert claims_of(answer)["amr"] == ["pwd", "sms", "mfa"]
    requirements = http.login(username=ada.username).json()["mfa_requirements"]
    assert requirements == {"challenge": [{"type": "otp"}, {"type": "recovery-code"}, {"type": "phone"}]}


def test_second_authenticator_is_confirmed_by_a_fresh_mfa_token(http: Http, ada: Member, clock: Clock) -> None:
    made = associate(http, ada.mfa_api_token(http)).json()
    second = App(made["secret"], clock)
    answer = with_otp(http, ada.login(http), second.code())
    clock.advance(60)

    assert answer.status_code == 200, answer.text
    for app in (ada.app, second):
        assert with_otp(http, ada.login(http), app.code()).status_code == 200


def test_email_is_enrolled_by_what_is_given_or_by_the_users_own(http: Http, ada: Member, people: PeopleMaker) -> None:
    token, own = ada.mfa_api_token(http), people.of("employees").find(ada.username).email
    for body, address in (({"email": "other.one+x@example.org"}, "other.one+x@example.org"), ({}, own)):
        made = associate(http, token, **BY_EMAIL, **body)
        answer = with_oob(http, token, made.json()["oob_code"], code_in(emails_to(address)[-1]))

        assert made.json()["oob_channel"] == "email"
        assert claims_of(answer)["amr"] == ["pwd", "mfa"]


def test_listed_names_tell_the_owner_alone_which_one_it_is(http: Http, ada: Member) -> None:
    token, phone = ada.mfa_api_token(http), number()
    associate(http, token, **BY_SMS, phone_number=phone)
    associate(http, token, **BY_EMAIL, email="someone@example.org")
    listed = {one["id"].partition("|")[0]: one for one in authenticators(http, token).json()}

    assert set(listed) == {"totp", "recovery-code", "sms", "email"}
    assert listed["sms"]["name"] == "XXXXXXXX" + phone[-4:]
    assert listed["email"]["name"] == "****@exam*******"
    assert (listed["sms"]["oob_channel"], listed["email"]["oob_channel"]) == ("sms", "email")
    assert [one["active"] for one in listed.values()] == [True, False, False, True]


def test_challenge_of_an_authenticator_that_is_not_confirmed_is_refused(http: Http, ada: Member) -> None:
    token = ada.mfa_api_token(http)
    associate(http, token, **BY_SMS, phone_number=number())
    (waiting,) = [one["id"] for one in authenticators(http, token).json() if not one["active"]]
    answer = http.post(
        "/mfa/challenge",
        json={
            "mfa_token": ada.login(http),
            "authenticator_id": waiting,
            "client_id": "demo-backend",
            "client_secret": "demo-backend-secret",
        },
    )

    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_authenticator")


# What an access token as mfa_token must not do.


def test_access_token_is_no_way_round_the_password(http: Http, ada: Member, clock: Clock) -> None:
    token = ada.mfa_api_token(http)
    clock.advance(60)
    by_app = with_otp(http, token, ada.app.code())
    by_recovery_code = with_recovery_code(http, token, ada.recovery_code)

    assert (by_app.status_code, by_app.json()["error_description"]) == (400, "Invalid otp_code.")
    assert (by_recovery_code.status_code, by_recovery_code.json()["error"]) == (400, "invalid_grant")


@pytest.mark.parametrize(
    "spoilt", ["other audience", "no enroll", "other client", "over", "broken", "blocked", "password alone"]
)
def test_access_token_that_may_not_confirm_is_a_malformed_mfa_token(
    http: Http, stage: Stage, people: PeopleMaker, clock: Clock, spoilt: str
) -> None:
    user, client = people.make(), {"client_id": make_client(stage, secret="s"), "client_secret": "s"}
    first = mfa_api_login(http, user.username).json()["access_token"]
    app = App(associate(http, first).json()["secret"], clock)
    shown = {
        "other audience": lambda: http.login(username=user.username, scope="enroll").json()["access_token"],
        "no enroll": lambda: mfa_api_login(http, user.username, "read:authenticators").json()["access_token"],
        "other client": lambda: mfa_api_login(http, user.username, **client).json()["access_token"],
        "broken": lambda: first[:-2],
    }.get(spoilt, lambda: first)()
    if spoilt == "over":
        clock.advance(600)
    if spoilt == "blocked":
        people.of("employees").set_blocked(user, True)
    if spoilt == "password alone":
        own = App(associate(http, first).json()["secret"], clock)
        assert with_otp(http, first, own.code()).status_code == 200
    answer = with_otp(http, shown, app.code())

    assert answer.status_code == 400
    assert answer.json() == {"error": "invalid_grant", "error_description": "Malformed mfa_token"}


def test_confirmation_by_access_token_happens_once(http: Http, ada: Member) -> None:
    token, phone = ada.mfa_api_token(http), number()
    oob_code = associate(http, token, **BY_SMS, phone_number=phone).json()["oob_code"]
    code = code_in(sms_to(phone)[-1])

    assert with_oob(http, token, oob_code, code).status_code == 200
    assert with_oob(http, token, oob_code, code).json()["error_description"] == "Malformed oob_code."


# What a password alone must not do.


def test_token_from_before_the_enrolment_can_do_nothing_after_it(http: Http, people: PeopleMaker, clock: Clock) -> None:
    """Whoever had the password alone may hold such a token for ten minutes."""
    username = people.make().username
    thiefs, owners = (str(mfa_api_login(http, username).json()["access_token"]) for _ in range(2))
    app = App(associate(http, owners).json()["secret"], clock)
    confirmed = with_otp(http, owners, app.code())
    (own, _) = authenticators(http, confirmed.json()["access_token"]).json()

    answers = [authenticators(http, thiefs), associate(http, thiefs), remove(http, thiefs, own["id"])]
    assert [answer.status_code for answer in answers] == [401, 401, 401]
    assert {answer.json()["error"] for answer in answers} == {"invalid_token"}
    assert http.login(username=username).json()["error"] == "mfa_required"


def test_authenticator_that_was_enrolled_by_a_password_alone_is_never_confirmed_beside_the_owners(
    http: Http, people: PeopleMaker, clock: Clock
) -> None:
    username = people.make().username
    thiefs = mfa_api_login(http, username).json()["access_token"]
    phone = number()
    sent = associate(http, thiefs, **BY_SMS, phone_number=phone).json()["oob_code"]
    token = mfa_api_login(http, username).json()["access_token"]
    app = App(associate(http, token).json()["secret"], clock)
    assert with_otp(http, token, app.code()).status_code == 200

    for shown in (mfa_token_of(http.login(username=username)), thiefs):
        answer = with_oob(http, shown, sent, code_in(sms_to(phone)[-1]))
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")


def test_recovery_code_in_force_is_the_one_that_was_shown_with_the_confirmed_authenticator(
    http: Http, people: PeopleMaker, clock: Clock
) -> None:
    """Else whoever has the password alone could ask for the last one, and have it confirmed by the owner."""
    username = people.make().username
    owners, thiefs = (mfa_api_login(http, username).json()["access_token"] for _ in range(2))
    owner = associate(http, owners).json()
    thief = associate(http, thiefs, **BY_SMS, phone_number=number()).json()
    assert with_otp(http, owners, App(owner["secret"], clock).code()).status_code == 200

    mfa_token = mfa_token_of(http.login(username=username))
    assert with_recovery_code(http, mfa_token, thief["recovery_codes"][0]).status_code == 400
    assert with_recovery_code(http, mfa_token, owner["recovery_codes"][0]).status_code == 200


def test_recovery_code_is_made_anew_while_nothing_is_confirmed(http: Http, people: PeopleMaker, clock: Clock) -> None:
    username = people.make().username
    token = mfa_api_login(http, username).json()["access_token"]
    lost, last = (associate(http, token).json() for _ in range(2))
    assert with_otp(http, token, App(last["secret"], clock).code()).status_code == 200

    mfa_token = mfa_token_of(http.login(username=username))
    assert with_recovery_code(http, mfa_token, lost["recovery_codes"][0]).status_code == 400
    assert with_recovery_code(http, mfa_token, last["recovery_codes"][0]).status_code == 200


def test_token_that_a_rule_let_through_without_a_second_factor_manages_nothing(
    stage: Stage, externals: wiring.Externals, ada: Member
) -> None:
    def never(_: Any, context: Any) -> None:
        context.multifactor = {"provider": "none"}

    with client_with_rules(stage, externals, never) as http:
        token = mfa_api_login(http, ada.username).json()["access_token"]
        assert authenticators(http, token).status_code == 401


# GET and DELETE, status by status.


def test_reading_and_removing_ask_for_a_token_of_the_mfa_api_with_the_scope(http: Http, ada: Member) -> None:
    ordinary = with_otp(http, ada.login(http), ada.app.code()).json()["access_token"]
    own = ada.answer.json()["access_token"]
    (otp, _) = authenticators(http, own).json()
    path = f"/mfa/authenticators/{otp['id'].replace('|', '%7C')}"

    for method, target in (("GET", "/mfa/authenticators"), ("DELETE", path)):
        assert http.request(method, target).status_code == 401
        for token in (ordinary, "a.b.c", own[:-1], "nothing"):
            answer = http.request(method, target, headers={"Authorization": f"Bearer {token}"})
            assert (answer.status_code, answer.json()["error"]) == (401, "invalid_token")
            assert answer.headers["WWW-Authenticate"].startswith("Bearer ")


def test_missing_scope_is_insufficient_scope(http: Http, ada: Member, clock: Clock) -> None:
    tokens = {}
    for scope in MFA_SCOPE.split():
        tokens[scope] = ada.mfa_api_token(http, scope)
        clock.advance(60)
    (otp, _) = authenticators(http, tokens["read:authenticators"]).json()

    answers = {
        "enroll": associate(http, tokens["read:authenticators"]),
        "read:authenticators": authenticators(http, tokens["enroll"]),
        "remove:authenticators": remove(http, tokens["enroll"], otp["id"]),
    }
    for scope, answer in answers.items():
        assert (answer.status_code, answer.json()["error"]) == (403, "insufficient_scope")
        assert f'scope="{scope}"' in answer.headers["WWW-Authenticate"]
    assert associate(http, tokens["enroll"]).status_code == 200
    assert remove(http, tokens["remove:authenticators"], otp["id"]).status_code == 204


def test_mfa_token_removes_nothing(http: Http, ada: Member) -> None:
    mfa_token = ada.login(http)
    (otp, _) = authenticators(http, mfa_token).json()
    answer = remove(http, mfa_token, otp["id"])

    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_token")
    assert http.login(username=ada.username).json()["error"] == "mfa_required"


@pytest.mark.parametrize(
    "unknown", ["totp|dev_nobody", "email|dev_own", "recovery-code|dev_own", "%", "ü|x", "x" * 900]
)
def test_unknown_authenticator_is_not_found(http: Http, ada: Member, unknown: str) -> None:
    answer = remove(http, ada.answer.json()["access_token"], unknown)

    assert (answer.status_code, answer.json()["error"]) == (404, "not_found")


def test_authenticator_of_somebody_else_is_not_found(http: Http, ada: Member, people: PeopleMaker) -> None:
    (otp, _) = authenticators(http, ada.answer.json()["access_token"]).json()
    other = mfa_api_login(http, people.make().username).json()["access_token"]

    assert remove(http, other, otp["id"]).status_code == 404
    assert http.login(username=ada.username).json()["error"] == "mfa_required"


def test_removing_the_last_one_takes_the_recovery_code_along_and_nothing_is_owed(
    http: Http, ada: Member, people: PeopleMaker
) -> None:
    token = ada.answer.json()["access_token"]
    mfa_token = ada.login(http)
    (otp, _) = authenticators(http, token).json()
    answer = remove(http, token, otp["id"])

    assert (answer.status_code, answer.content) == (204, b"")
    assert authenticators(http, token).json() == []
    assert http.login(username=ada.username).status_code == 200
    assert people.of("employees").find(ada.username).multifactor == ""
    assert with_recovery_code(http, mfa_token, ada.recovery_code).json()["error"] == "unsupported_challenge_type"
    assert with_otp(http, mfa_token, ada.app.code()).status_code == 400


def test_removing_one_of_two_leaves_the_other_and_the_recovery_code(http: Http, ada: Member, clock: Clock) -> None:
    token = ada.mfa_api_token(http)
    clock.advance(60)
    second = App(associate(http, token).json()["secret"], clock)
    assert with_otp(http, token, second.code()).status_code == 200
    clock.advance(60)
    (first, *_) = authenticators(http, token).json()
    assert remove(http, token, first["id"]).status_code == 204

    assert with_otp(http, ada.login(http), ada.app.code()).status_code == 400
    assert with_otp(http, ada.login(http), second.code()).status_code == 200
    assert with_recovery_code(http, ada.login(http), ada.recovery_code).status_code == 200


def test_authenticators_that_change_meanwhile_are_not_overwritten(http: Http, stage: Stage, ada: Member) -> None:
    token = ada.answer.json()["access_token"]
    (otp, _) = authenticators(http, token).json()
    with before(stage, "TransactWriteItems", lambda: remove(http, token, otp["id"])):
        answer = associate(http, token)

    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")
    assert authenticators(http, token).json() == []


def test_eleventh_authenticator_is_refused(http: Http, ada: Member, clock: Clock) -> None:
    token = ada.answer.json()["access_token"]
    for _ in range(9):
        app = App(associate(http, token).json()["secret"], clock)
        assert with_otp(http, token, app.code()).status_code == 200
    answer = associate(http, token)

    assert (answer.status_code, answer.json()["error"]) == (403, "access_denied")


@pytest.fixture
def phone_owner(http: Http, people: PeopleMaker) -> Iterator[str]:
    """The access token of somebody who has no second factor yet."""
    yield mfa_api_login(http, people.make().username).json()["access_token"]


@pytest.mark.parametrize(
    "email",
    [
        "a@example.com\r\nBcc: b@example.com",
        "a@example.com,b@example.com",
        "x <a@example.com>",
        "a\x00@example.com",
        "ü@example.com",
        "a@exämple.com",
        "a@" + "x" * 300,
        "a@@example.com",
        "a@example.com.",
        "a@.example.com",
        "a@example..com",
        ["a@example.com"],
        7,
    ],
)
def test_what_is_no_one_address_is_an_invalid_request(http: Http, phone_owner: str, email: Any) -> None:
    answer = associate(http, phone_owner, **BY_EMAIL, email=email)

    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


@pytest.mark.parametrize("phone_number", ["+1" * 4000, "+1202555010a", "+12025550100\n", ["+12025550100"], 12025550100])
def test_what_is_no_one_number_is_an_invalid_request(http: Http, phone_owner: str, phone_number: Any) -> None:
    answer = associate(http, phone_owner, **BY_SMS, phone_number=phone_number)

    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


@pytest.mark.parametrize("name", ["challenge_type", "oob_channel", "authenticator_id"])
def test_challenge_by_what_is_no_string_is_an_invalid_request(http: Http, ada: Member, name: str) -> None:
    body = {"mfa_token": ada.login(http), "client_id": "demo-backend", "client_secret": "demo-backend-secret"}
    answer = http.post("/mfa/challenge", json=body | {name: ["otp"]})

    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")

"""Access tokens of the MFA API: on which credentials they stand, and how long they last. Through HTTP."""

import json
import time
from typing import Any

import jwt
import pytest

from chalicelib.store.aws.kms import Kms
from chalicelib.tokens.jws import sign_token, write_unsigned
from infra.stage.aws import Stage
from tests.support.config import document_of
from tests.support.fixed import Clock
from tests.support.http import BACKEND, Http
from tests.support.mfa import (
    MFA_AUDIENCE,
    MFA_SCOPE,
    App,
    EnrolledUser,
    associate,
    authenticators,
    code_in,
    mfa_api_login,
    mfa_token_of,
    remove,
    sms_to,
    with_oob,
    with_otp,
)
from tests.support.people import PeopleMaker
from tests.support.tokens import claims_of

MALFORMED = {"error": "invalid_grant", "error_description": "Malformed mfa_token"}
BY_SMS = {"authenticator_types": ["oob"], "oob_channels": ["sms"]}


@pytest.fixture
def clock() -> Clock:
    return Clock(int(time.time()) - 3600)


@pytest.fixture
def ada(http: Http, clock: Clock, people: PeopleMaker) -> EnrolledUser:
    """Somebody with an authenticator app, who used a code of it a minute ago."""
    username = people.make().username
    token = mfa_api_login(http, username).json()["access_token"]
    made = associate(http, token).json()
    answer = with_otp(http, token, App(made["secret"], clock).code())
    clock.advance(60)
    return EnrolledUser(username, App(made["secret"], clock), made["recovery_codes"][0], answer)


def signed_by_us(stage: Stage, claims: dict[str, Any]) -> str:
    """Sign with the stage's key, as the issuer does."""
    key: Any = stage.config().keys().current("RS256")
    headers = {"kid": key.kid, "typ": "at+jwt"}
    return sign_token(write_unsigned("token", json.dumps(claims).encode(), key, headers), Kms(stage.aws).sign)


def test_token_of_the_mfa_api_alone_carries_the_persons_credential_version(
    http: Http, people: PeopleMaker, stage: Stage
) -> None:
    user = people.make()
    own, other = mfa_api_login(http, user.username), http.login(username=user.username, scope="openid")

    assert claims_of(own)["credential_version"] == people.of("employees").find(user.username).credential_version
    assert "credential_version" not in claims_of(other)
    assert "credential_version" not in claims_of(other, "id_token")


@pytest.mark.parametrize("version", [None, 0, 2, "1"])
def test_token_with_another_version_or_without_one_is_refused(
    http: Http, stage: Stage, people: PeopleMaker, version: object
) -> None:
    claims = claims_of(mfa_api_login(http, people.make().username))
    own = signed_by_us(stage, claims)
    del claims["credential_version"]
    spoilt = signed_by_us(stage, claims | ({} if version is None else {"credential_version": version}))

    assert authenticators(http, own).status_code == 200
    answer = authenticators(http, spoilt)
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_token")


# A confirmation renews nothing.


def test_confirmation_by_app_never_ends_later_than_the_token_that_was_shown(
    http: Http, ada: EnrolledUser, clock: Clock
) -> None:
    token, shown = ada.answer.json()["access_token"], claims_of(ada.answer)
    for _ in range(4):
        made = App(associate(http, token).json()["secret"], clock)
        answer = with_otp(http, token, made.code())
        claims, token = claims_of(answer), answer.json()["access_token"]

        assert claims["exp"] == shown["exp"] == clock() + answer.json()["expires_in"]
        assert claims["auth_time"] == shown["auth_time"]
        clock.advance(100)
    clock.advance(200)
    assert authenticators(http, token).status_code == 401


def test_confirmation_by_message_never_ends_later_than_the_token_that_was_shown(
    http: Http, ada: EnrolledUser, clock: Clock
) -> None:
    token = ada.answer.json()["access_token"]
    clock.advance(200)
    oob_code = associate(http, token, **BY_SMS, phone_number="+12025620100").json()["oob_code"]
    answer = with_oob(http, token, oob_code, code_in(sms_to("+12025620100")[-1]))

    assert claims_of(answer)["exp"] == claims_of(ada.answer)["exp"]
    assert answer.json()["expires_in"] == 600 - 260


def test_id_token_of_a_confirmation_ends_with_the_token_that_was_shown(
    http: Http, people: PeopleMaker, clock: Clock
) -> None:
    first = mfa_api_login(http, people.make().username, f"openid {MFA_SCOPE}")
    token = first.json()["access_token"]
    clock.advance(90)
    answer = with_otp(http, token, App(associate(http, token).json()["secret"], clock).code())

    assert claims_of(answer, "id_token")["exp"] == claims_of(first)["exp"]


def test_no_refresh_token_leads_to_the_mfa_api(http: Http, people: PeopleMaker) -> None:
    user = people.make()
    asked = mfa_api_login(http, user.username, f"offline_access {MFA_SCOPE}").json()
    family = http.login(username=user.username, scope="offline_access").json()["refresh_token"]
    refreshed = http.token(
        {"grant_type": "refresh_token", "refresh_token": family, "audience": MFA_AUDIENCE, **BACKEND}
    )

    assert "refresh_token" not in asked
    assert (refreshed.status_code, refreshed.json()["error"]) == (400, "invalid_target")


# A login that is too long ago manages nothing.


def late_token(http: Http, ada: EnrolledUser, clock: Clock) -> str:
    """Return a token of a login whose second step was nine minutes after the password."""
    mfa_token = mfa_token_of(mfa_api_login(http, ada.username))
    clock.advance(540)
    return str(with_otp(http, mfa_token, ada.app.code()).json()["access_token"])


def test_token_is_refused_fifteen_minutes_after_the_password_was_typed(
    http: Http, ada: EnrolledUser, clock: Clock
) -> None:
    token = late_token(http, ada, clock)
    app = App(associate(http, token).json()["secret"], clock)
    (own, *_) = authenticators(http, token).json()
    clock.advance(360)
    assert authenticators(http, token).status_code == 200
    clock.advance(1)

    assert jwt.decode(token, options={"verify_signature": False})["exp"] > clock()
    for answer in (associate(http, token), authenticators(http, token), remove(http, token, own["id"])):
        assert (answer.status_code, answer.json()["error"]) == (401, "invalid_token")
    confirmed = with_otp(http, token, app.code())
    assert (confirmed.status_code, confirmed.json()) == (400, MALFORMED)


def test_tenant_says_how_long_after_the_password(http: Http, stage: Stage, people: PeopleMaker, clock: Clock) -> None:
    tenant = document_of(stage, "tenant")
    stage.config().put("tenant", tenant | {"mfa": tenant["mfa"] | {"manage_max_age": 120}})
    try:
        token = str(mfa_api_login(http, people.make().username).json()["access_token"])
        clock.advance(120)
        in_time = associate(http, token)
        clock.advance(1)
        too_late = associate(http, token)
    finally:
        stage.config().put("tenant", tenant)

    assert (in_time.status_code, too_late.status_code) == (200, 401)


def test_tenant_that_was_stored_before_has_fifteen_minutes(stage: Stage) -> None:
    tenant = document_of(stage, "tenant")
    without = {name: value for name, value in tenant["mfa"].items() if name != "manage_max_age"}
    stage.config().put("tenant", tenant | {"mfa": without})
    try:
        assert stage.config().tenant().mfa.manage_max_age_s == 900
    finally:
        stage.config().put("tenant", tenant)

"""A verified email of one's own comes before the first enrolment (NIST SP 800-63B-4 4.1.2.1), through HTTP."""

import itertools
from collections.abc import Iterator
from typing import Any

import pytest

from chalicelib import wiring
from chalicelib.model.user import User
from infra.stage.aws import Stage
from infra.tenant.schema import TenantFile
from tests.support.config import document_of
from tests.support.fixed import BCRYPT_COST, Clock
from tests.support.http import Http
from tests.support.mfa import (
    App,
    associate,
    authenticators,
    challenge,
    code_in,
    emails_to,
    enrol,
    mfa_api_login,
    mfa_token_of,
    remove,
    with_oob,
    with_otp,
)
from tests.support.people import PeopleMaker
from tests.support.rules import client_with_rules
from tests.support.stages import provision_stage
from tests.support.tokens import claims_of

CHALLENGE = {"challenge": [{"type": "email"}]}
ENROLL = {"enroll": [{"type": "otp"}, {"type": "phone"}, {"type": "email"}]}
BY_SMS = {"authenticator_types": ["oob"], "oob_channels": ["sms"]}
_numbers = itertools.count(2_025_640_100)


@pytest.fixture(scope="module")
def always(stage: Stage, demo: TenantFile) -> Stage:
    """A stage whose tenant has the policy `always`."""
    return provision_stage(
        "ownemail", demo.model_copy(update={"mfa": demo.mfa.model_copy(update={"policy": "always"})})
    )


@pytest.fixture
def people(always: Stage) -> PeopleMaker:
    return PeopleMaker(always, BCRYPT_COST)


@pytest.fixture
def http(always: Stage, externals: wiring.Externals) -> Iterator[Http]:
    with client_with_rules(always, externals) as client:
        yield client


@pytest.fixture
def user(people: PeopleMaker) -> User:
    return people.make(email_verified=True)


def by_email(http: Http, user: User, mfa_token: str) -> Any:
    """Complete a login by the code of the person's own email."""
    oob_code = challenge(http, mfa_token).json()["oob_code"]
    return with_oob(http, mfa_token, oob_code, code_in(emails_to(user.email)[-1]))


def refused(answer: Any) -> bool:
    return (answer.status_code, answer.json()["error"]) == (403, "access_denied")


@pytest.mark.parametrize(
    "body",
    [
        {"authenticator_types": ["otp"]},
        {**BY_SMS, "phone_number": "+12025640001"},
        {"authenticator_types": ["oob"], "oob_channels": ["email"]},
        {"authenticator_types": ["oob"], "oob_channels": ["email"], "email": "another@example.com"},
    ],
)
def test_password_alone_enrols_nothing_beside_a_verified_email(http: Http, user: User, body: dict[str, Any]) -> None:
    owed = http.login(username=user.username)
    mfa_token = mfa_token_of(owed)

    assert owed.json()["mfa_requirements"] == CHALLENGE
    assert refused(associate(http, mfa_token, **body))
    assert [one["id"] for one in authenticators(http, mfa_token).json()] == ["email|dev_own"]
    assert by_email(http, user, mfa_token).status_code == 200, "the login goes on"


def test_token_of_a_login_by_the_emails_code_enrols(http: Http, user: User, clock: Clock) -> None:
    first = by_email(http, user, mfa_token_of(mfa_api_login(http, user.username)))
    token = first.json()["access_token"]
    made = associate(http, token)
    app = App(made.json()["secret"], clock)
    confirmed = with_otp(http, token, app.code())
    clock.advance(60)

    assert claims_of(first)["amr"] == ["pwd", "mfa"]
    assert (made.status_code, confirmed.status_code) == (200, 200)
    assert with_otp(http, mfa_token_of(http.login(username=user.username)), app.code()).status_code == 200


@pytest.mark.parametrize("rule", ["any", "none"])
def test_rule_changes_nothing_of_it(
    always: Stage, externals: wiring.Externals, user: User, people: PeopleMaker, rule: str
) -> None:
    """Under `never` with a rule that asks, and under `always` with one that waives, a password alone enrols nothing."""

    def says(_: Any, context: Any) -> None:
        context.multifactor = {"provider": rule}

    with client_with_rules(always, externals, says) as http:
        answer = mfa_api_login(http, user.username)
        if rule == "any":
            assert refused(associate(http, mfa_token_of(answer)))
            return
        token = answer.json()["access_token"]
        for used in (associate(http, token), authenticators(http, token), remove(http, token, "email|dev_own")):
            assert (used.status_code, used.json()["error"]) == (401, "invalid_token")
        unverified = mfa_api_login(http, people.make().username).json()["access_token"]
        assert associate(http, unverified).status_code == 200


def test_policy_that_became_always_ends_what_a_password_alone_got(
    always: Stage, externals: wiring.Externals, user: User
) -> None:
    tenant = document_of(always, "tenant")
    always.config().put("tenant", tenant | {"mfa": tenant["mfa"] | {"policy": "never"}})
    try:
        with client_with_rules(always, externals) as http:
            token = mfa_api_login(http, user.username).json()["access_token"]
            assert associate(http, token).status_code == 200
    finally:
        always.config().put("tenant", tenant)
    with client_with_rules(always, externals) as http:
        assert associate(http, token).status_code == 401


def test_email_that_is_verified_meanwhile_keeps_what_waits_from_being_confirmed(
    http: Http, always: Stage, people: PeopleMaker, clock: Clock
) -> None:
    user = people.make()
    mfa_token = mfa_token_of(http.login(username=user.username))
    app = App(associate(http, mfa_token).json()["secret"], clock)
    always.clients.dynamodb.update_item(
        TableName=people.of("employees").realm.users_table,
        Key={"pk": {"S": f"user#{user.user_id}"}},
        UpdateExpression="SET email_verified = :true",
        ExpressionAttributeValues={":true": {"BOOL": True}},
    )

    assert with_otp(http, mfa_token, app.code()).json()["error_description"] == "Invalid otp_code."
    assert by_email(http, user, mfa_token).status_code == 200


def test_unverified_email_enrols_by_the_password_as_ever(http: Http, people: PeopleMaker, clock: Clock) -> None:
    username = people.make().username
    owed = http.login(username=username)

    assert owed.json()["mfa_requirements"] == ENROLL
    assert enrol(http, clock, username, mfa_token_of(owed)).answer.status_code == 200


def test_verified_email_without_the_factor_enrols_by_the_password_as_ever(
    always: Stage, externals: wiring.Externals, user: User, clock: Clock
) -> None:
    tenant = document_of(always, "tenant")
    always.config().put("tenant", tenant | {"mfa": {"policy": "always", "factors": ["otp", "sms"]}})
    try:
        with client_with_rules(always, externals) as http:
            owed = http.login(username=user.username)
            assert owed.json()["mfa_requirements"] == {"enroll": [{"type": "otp"}, {"type": "phone"}]}
            assert enrol(http, clock, user.username, mfa_token_of(owed)).answer.status_code == 200
    finally:
        always.config().put("tenant", tenant)


def test_refusal_names_what_to_do(http: Http, user: User) -> None:
    answer = associate(http, mfa_token_of(http.login(username=user.username)))

    assert "verified email" in answer.json()["error_description"]
    assert "access token of the MFA API" in answer.json()["error_description"]

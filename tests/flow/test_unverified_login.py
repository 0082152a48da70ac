"""Logins of people whose email is not verified, in a realm that asks for a verified one."""

from collections import Counter

import pytest

from infra.stage.aws import Stage
from tests.support.accounts import OPEN, PASSWORD, VERIFIED, code_of, log_in, mails, open_demo, verify
from tests.support.calls import rounds_of
from tests.support.faults import aws_error, failing
from tests.support.http import Http
from tests.support.people import PeopleMaker
from tests.support.stages import provision_stage

UNVERIFIED = {"error": "unauthorized", "error_description": "Please verify your email before logging in."}


@pytest.fixture(scope="module")
def stage(stage: Stage) -> Stage:
    """A stage of these tests' own, one of whose realms asks for verified email."""
    return provision_stage("unverified", open_demo())


@pytest.fixture
def http(http: Http) -> Http:
    """A client that no throttle counts."""
    return http.at("127.0.0.1")


def test_right_password_of_an_unverified_email_is_refused_and_a_mail_lets_them_in(
    http: Http, people: PeopleMaker
) -> None:
    user = people.make(VERIFIED, password=PASSWORD)
    refused = log_in(http, VERIFIED, user.email)
    (mail,) = mails(http, user.email)

    assert (refused.status_code, refused.json()) == (403, UNVERIFIED)
    assert (http.log[0]["event"], http.log[0]["user"]) == ("f", user.user_id)
    assert verify(http, VERIFIED, email=user.email, code=code_of(mail)).status_code == 200
    assert log_in(http, VERIFIED, user.email).status_code == 200


def test_wrong_password_tells_nothing_and_mails_nobody(http: Http, people: PeopleMaker, stage: Stage) -> None:
    user = people.make(VERIFIED, password=PASSWORD)
    log_in(http, VERIFIED, "warm@example.com")
    answers, calls = [], []
    for name in (user.email, "nobody@example.com"):
        with rounds_of(stage) as made:
            answers.append(log_in(http, VERIFIED, name, "wrong"))
        calls.append((made.rounds, Counter(made.made)))

    assert answers[0].content == answers[1].content
    assert calls[0] == calls[1]
    assert mails(http, user.email) == []


def test_mails_of_refused_logins_are_bounded(http: Http, people: PeopleMaker) -> None:
    user = people.make(VERIFIED, password=PASSWORD)
    statuses = {log_in(http, VERIFIED, user.email).status_code for _ in range(12)}

    assert statuses == {403}, "the right password is no guess"
    assert len(mails(http, user.email)) == 10


def test_blocked_person_is_told_of_the_block_alone(http: Http, people: PeopleMaker) -> None:
    user = people.make(VERIFIED, password=PASSWORD, blocked=True)

    assert log_in(http, VERIFIED, user.email).json()["error_description"] == "user is blocked"
    assert mails(http, user.email) == []


def test_other_realms_and_verified_people_are_let_in(http: Http, people: PeopleMaker) -> None:
    unverified, verified = people.make(OPEN), people.make(VERIFIED, password=PASSWORD, email_verified=True)

    assert log_in(http, OPEN, unverified.username, "correct horse battery staple").status_code == 200
    assert log_in(http, VERIFIED, verified.email).status_code == 200


def test_lost_mail_does_not_change_the_answer(http: Http, people: PeopleMaker, stage: Stage) -> None:
    user = people.make(VERIFIED, password=PASSWORD)
    log_in(http, VERIFIED, "nobody@example.com", "wrong")
    with failing(stage, "UpdateItem", aws_error("InternalServerError"), range(1, 2)):
        refused = log_in(http, VERIFIED, user.email)

    assert (refused.status_code, refused.json()) == (403, UNVERIFIED)
    assert mails(http, user.email) == []
    log_in(http, VERIFIED, user.email)
    assert len(mails(http, user.email)) == 1

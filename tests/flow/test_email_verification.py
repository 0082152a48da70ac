"""The verification of an email, through HTTP: /accounts/send_verification and /accounts/verify_email."""

import pytest

from infra.stage.aws import Stage
from tests.support.accounts import (
    OPEN,
    VERIFIED,
    ask_verification,
    code_of,
    log_in,
    mails,
    new_email,
    open_demo,
    reset,
    run_schedule,
    sign_up,
    ticket_of,
    verify,
    wrong,
)
from tests.support.calls import calls_of
from tests.support.config import document_of
from tests.support.faults import aws_error, failing
from tests.support.fixed import Clock
from tests.support.http import Http
from tests.support.people import PASSWORD, PeopleMaker
from tests.support.stages import provision_stage


@pytest.fixture(scope="module")
def stage(stage: Stage) -> Stage:
    """A stage of these tests' own, where a run of the schedule finds no emails of others."""
    return provision_stage("verification", open_demo())


@pytest.fixture
def http(http: Http) -> Http:
    """A client that no throttle counts."""
    return http.at("127.0.0.1")


@pytest.mark.parametrize("by", ["code", "ticket"])
def test_person_verifies_an_email(http: Http, people: PeopleMaker, by: str) -> None:
    user = people.make()
    answer = ask_verification(http, OPEN, user.email)
    (mail,) = mails(http, user.email)
    proof = {"email": user.email, "code": code_of(mail)} if by == "code" else {"ticket": ticket_of(mail)}
    done = verify(http, OPEN, **proof)

    assert [(one.status_code, one.json()) for one in (answer, done)] == [(200, {})] * 2
    assert people.of(OPEN).find(user.user_id).email_verified
    assert [line["event"] for line in http.log] == ["svr", "sv"]
    assert log_in(http, OPEN, user.username, PASSWORD).status_code == 200


def test_answer_is_the_same_whoever_has_the_email(http: Http, people: PeopleMaker, stage: Stage) -> None:
    waiting, verified = new_email(), people.make(VERIFIED, email_verified=True).email
    sign_up(http, VERIFIED, waiting)
    mails(http, waiting)
    answers, calls = [], []
    for email in (waiting, verified, people.make(VERIFIED).email, new_email()):
        with calls_of(stage) as made:
            answers.append(ask_verification(http, VERIFIED, email))
        calls.append(made.made)

    assert {(answer.status_code, answer.text) for answer in answers} == {(200, "{}")}
    assert calls[0] == calls[1] == calls[2] == calls[3]
    assert mails(http, verified) == []


def test_verified_person_and_nobody_are_mailed_nothing(http: Http, people: PeopleMaker) -> None:
    user, nobody = people.make(email_verified=True), new_email()
    for email in (user.email, nobody):
        ask_verification(http, OPEN, email)

    assert mails(http, user.email) == mails(http, nobody) == []


def test_waiting_sign_up_is_mailed_again_and_the_earlier_mail_ends(http: Http) -> None:
    email = new_email()
    sign_up(http, VERIFIED, email)
    (first,) = mails(http, email)
    ask_verification(http, VERIFIED, email.upper())
    second = mails(http, email)[-1]

    assert verify(http, VERIFIED, ticket=ticket_of(first)).status_code == 400
    assert verify(http, VERIFIED, email=email, code=code_of(second)).status_code == 200
    assert log_in(http, VERIFIED, email, "quiet words at 753").status_code == 200


def test_wrong_code_is_refused_in_both_shapes_and_the_right_one_still_works(http: Http, people: PeopleMaker) -> None:
    user = people.make()
    ask_verification(http, OPEN, user.email)
    (mail,) = mails(http, user.email)
    answer = verify(http, OPEN, email=user.email, code=wrong(code_of(mail)))

    assert answer.json() == {
        "error": "invalid_grant",
        "error_description": "Invalid or expired code.",
        "name": "BadRequestError",
        "code": "invalid_grant",
        "description": "Invalid or expired code.",
        "statusCode": 400,
    }
    assert http.log[-1]["event"] == "fv"
    assert not people.of(OPEN).find(user.user_id).email_verified
    assert verify(http, OPEN, email=user.email, code=code_of(mail)).status_code == 200


def test_code_of_a_verification_sets_no_password(http: Http, people: PeopleMaker) -> None:
    user = people.make()
    ask_verification(http, OPEN, user.email)
    (mail,) = mails(http, user.email)

    assert reset(http, OPEN, email=user.email, code=code_of(mail)).status_code == 400
    assert reset(http, OPEN, ticket=ticket_of(mail)).status_code == 400
    assert log_in(http, OPEN, user.username, PASSWORD).status_code == 200


def test_code_is_over_after_ten_minutes_and_the_ticket_after_a_day(
    http: Http, people: PeopleMaker, clock: Clock
) -> None:
    user = people.make()
    ask_verification(http, OPEN, user.email)
    (mail,) = mails(http, user.email)
    clock.advance(600)
    assert verify(http, OPEN, email=user.email, code=code_of(mail)).status_code == 400
    clock.advance(86_400 - 600)
    assert verify(http, OPEN, ticket=ticket_of(mail)).status_code == 400


def test_verification_stays_open_where_aws_failed(http: Http, people: PeopleMaker, stage: Stage) -> None:
    user, email = people.make(), new_email()
    ask_verification(http, OPEN, user.email)
    sign_up(http, VERIFIED, email)
    tickets = [(OPEN, ticket_of(mails(http, user.email)[-1])), (VERIFIED, ticket_of(mails(http, email)[-1]))]
    with failing(stage, "TransactWriteItems", aws_error("InternalServerError")):
        failed = [verify(http, realm, ticket=ticket).status_code for realm, ticket in tickets]

    assert failed == [503, 503]
    assert [verify(http, realm, ticket=ticket).status_code for realm, ticket in tickets] == [200, 200]


def test_mail_whose_person_could_not_be_read_is_sent_by_the_next_run(
    http: Http, people: PeopleMaker, stage: Stage
) -> None:
    user = people.make()
    ask_verification(http, OPEN, user.email)
    with failing(stage, "GetItem", aws_error("InternalServerError")), pytest.raises(Exception, match="unavailable"):
        mails(http, user.email)

    assert len(mails(http, user.email)) == 1


def test_run_whose_mail_fails_sends_it_never_twice(http: Http, people: PeopleMaker, stage: Stage) -> None:
    user, other = people.make(), people.make()
    # Other tests may have left emails in the queue.
    run_schedule(http)
    ask_verification(http, OPEN, user.email)
    with failing(stage, "SendEmail", aws_error("InternalServerError")):
        assert mails(http, user.email) == []
    failures = [line for line in http.log if line.get("event") == "fn"]
    ask_verification(http, OPEN, other.email)

    assert [(line["user"], line["realm"]) for line in failures] == [(user.user_id, OPEN)]
    assert mails(http, user.email) == []
    assert len(mails(http, other.email)) == 1


def test_emails_over_the_stages_limit_wait_for_their_turn(
    http: Http, people: PeopleMaker, stage: Stage, clock: Clock
) -> None:
    users, config, tenant = [people.make() for _ in range(4)], stage.config(), document_of(stage, "tenant")
    config.put("tenant", tenant | {"mfa": tenant["mfa"] | {"max_emails_per_hour": 2}})
    try:
        for user in users:
            ask_verification(http, OPEN, user.email)
        sent = [sum(len(mails(http, user.email)) for user in users)]
        clock.advance(1800)
        sent.append(sum(len(mails(http, user.email)) for user in users))
    finally:
        config.put("tenant", tenant)

    assert sent == [2, 3]

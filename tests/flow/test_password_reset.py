"""Forgotten passwords, through HTTP: /dbconnections/change_password and /accounts/reset_password."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from infra.stage.aws import Stage
from tests.support.accounts import (
    CLOSED,
    NEW_PASSWORD,
    OPEN,
    PASSWORD,
    VERIFIED,
    ask_reset,
    call,
    code_of,
    log_in,
    mails,
    new_email,
    open_demo,
    reset,
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
from tests.support.mfa import bearer, enrol, mfa_api_login, mfa_token_of
from tests.support.people import PeopleMaker
from tests.support.stages import provision_stage

SENT = "We've just sent you an email to reset your password."
INVALID = {
    "error": "invalid_grant",
    "error_description": "Invalid or expired code.",
    "name": "BadRequestError",
    "code": "invalid_grant",
    "description": "Invalid or expired code.",
    "statusCode": 400,
}


@pytest.fixture(scope="module")
def stage(stage: Stage) -> Stage:
    """A stage of these tests' own, where a run of the schedule finds no emails of others."""
    return provision_stage("resets", open_demo())


@pytest.fixture
def http(http: Http) -> Http:
    """A client that no throttle counts."""
    return http.at("127.0.0.1")


def asked(http: Http, realm: str, email: str) -> str:
    """Have a reset's email sent, and return it."""
    assert ask_reset(http, realm, email).status_code == 200
    return mails(http, email)[-1]


def test_person_resets_the_password_by_the_code(http: Http, people: PeopleMaker) -> None:
    user = people.make(password=PASSWORD)
    answer = ask_reset(http, OPEN, user.email)
    mail = mails(http, user.email)[-1]
    done = reset(http, OPEN, email=user.email, code=f" {code_of(mail)[:3]}-{code_of(mail)[3:]} ")

    assert (answer.status_code, answer.text) == (200, SENT)
    assert answer.headers["Content-Type"].startswith("text/html")
    assert (done.status_code, done.json()) == (200, {})
    assert log_in(http, OPEN, user.username).status_code == 400
    assert log_in(http, OPEN, user.username, NEW_PASSWORD).status_code == 200
    assert [line["event"] for line in http.log[:2]] == ["scpr", "scp"]
    assert (http.log[1]["user"], http.log[1]["realm"]) == (user.user_id, OPEN)


def test_person_resets_the_password_by_the_ticket(http: Http, people: PeopleMaker) -> None:
    user = people.make()

    assert reset(http, OPEN, ticket=ticket_of(asked(http, OPEN, user.email))).json() == {}
    assert log_in(http, OPEN, user.email, NEW_PASSWORD).status_code == 200


def test_reset_verifies_the_email(http: Http, people: PeopleMaker) -> None:
    user = people.make(email_verified=False)
    reset(http, OPEN, ticket=ticket_of(asked(http, OPEN, user.email)))

    assert people.of(OPEN).find(user.user_id).email_verified


def test_answer_is_the_same_for_nobody_and_by_the_same_calls(http: Http, people: PeopleMaker, stage: Stage) -> None:
    ask_reset(http, OPEN, new_email())
    answers, calls = [], []
    for email in (people.make().email, people.make(blocked=True).email, new_email(), "no address at all"):
        with calls_of(stage) as made:
            answers.append(ask_reset(http, OPEN, email))
        calls.append(made.made)

    assert {(answer.status_code, answer.text) for answer in answers} == {(200, SENT)}
    assert calls[0] == calls[1] == calls[2] == calls[3]
    assert calls[0] == ["BatchGetItem", *["UpdateItem"] * 3], "nobody is looked up, but what was mailed before"


def test_wrong_code_costs_the_same_for_nobody(http: Http, people: PeopleMaker, stage: Stage, hashes: Any) -> None:
    user = people.make()
    code = code_of(asked(http, OPEN, user.email))
    hashes.count, answers, calls = 0, [], []
    for email in (user.email, new_email()):
        with calls_of(stage) as made:
            answers.append(reset(http, OPEN, email=email, code=wrong(code)))
        calls.append(made.made)

    assert answers[0].content == answers[1].content
    assert (calls[0], hashes.count) == (calls[1], 0)


@pytest.mark.parametrize("email", ["nobody@example.com", "nobody"])
def test_nobody_is_mailed(http: Http, email: str) -> None:
    ask_reset(http, OPEN, email)

    assert mails(http, email) == []


def test_mail_goes_to_the_stored_address(http: Http, people: PeopleMaker) -> None:
    user = people.make()
    ask_reset(http, OPEN, user.email.upper())

    assert mails(http, user.email.upper()) == []
    assert len(mails(http, user.email)) == 1


def test_wrong_used_and_expired_codes_are_refused_alike(http: Http, people: PeopleMaker, clock: Clock) -> None:
    user, late = people.make(), people.make()
    mail = asked(http, OPEN, user.email)
    answers = [reset(http, OPEN, email=user.email, code=wrong(code_of(mail)))]
    reset(http, OPEN, email=user.email, code=code_of(mail))
    answers += [reset(http, OPEN, email=user.email, code=code_of(mail)), reset(http, OPEN, ticket=ticket_of(mail))]
    mail = asked(http, OPEN, late.email)
    clock.advance(600)
    answers.append(reset(http, OPEN, email=late.email, code=code_of(mail)))
    answers += [reset(http, OPEN, ticket=text) for text in ("nope", "", f"et1_{'0' * 32}{'x' * 43}") if text]

    assert [(one.status_code, one.json()) for one in answers] == [(400, INVALID)] * len(answers)
    assert {line["event"] for line in http.log if line.get("error") == "invalid_grant"} == {"fcp"}
    assert reset(http, OPEN, ticket=ticket_of(mail)).status_code == 200, "the ticket lives for a day"


def test_sixth_try_is_refused_whatever_its_code(http: Http, people: PeopleMaker) -> None:
    user = people.make()
    mail = asked(http, OPEN, user.email)
    tries = [reset(http, OPEN, email=user.email, code=wrong(code_of(mail))).status_code for _ in range(5)]

    assert tries == [400] * 5
    assert reset(http, OPEN, email=user.email, code=code_of(mail)).json() == INVALID


def test_right_code_with_a_weak_password_is_not_spent_but_counted(http: Http, people: PeopleMaker) -> None:
    user = people.make(password=PASSWORD)
    mail = asked(http, OPEN, user.email)
    weak = [reset(http, OPEN, "short", email=user.email, code=code_of(mail)) for _ in range(4)]

    assert {(one.status_code, one.json()["code"]) for one in weak} == {(400, "invalid_password")}
    assert log_in(http, OPEN, user.username).status_code == 200
    other = people.make()
    mail = asked(http, OPEN, other.email)
    for _ in range(4):
        reset(http, OPEN, "short", email=other.email, code=code_of(mail))
    assert reset(http, OPEN, email=other.email, code=code_of(mail)).status_code == 200
    third = people.make()
    mail = asked(http, OPEN, third.email)
    for _ in range(5):
        reset(http, OPEN, "short", email=third.email, code=code_of(mail))
    assert reset(http, OPEN, email=third.email, code=code_of(mail)).json() == INVALID


def test_newer_mail_ends_the_earlier_one(http: Http, people: PeopleMaker) -> None:
    user = people.make()
    first, second = asked(http, OPEN, user.email), asked(http, OPEN, user.email)

    assert reset(http, OPEN, ticket=ticket_of(first)).json() == INVALID
    assert reset(http, OPEN, ticket=ticket_of(second)).status_code == 200


def test_parallel_resets_with_one_ticket_set_one_password(http: Http, people: PeopleMaker) -> None:
    user = people.make()
    ticket = ticket_of(asked(http, OPEN, user.email))
    words = [f"some quiet words {number}" for number in range(8)]
    with ThreadPoolExecutor(8) as pool:
        statuses = list(pool.map(lambda one: reset(http.at("127.0.0.1"), OPEN, one, ticket=ticket).status_code, words))

    assert sorted(statuses) == [200] + [400] * 7
    (set_by,) = [word for word, status in zip(words, statuses, strict=True) if status == 200]
    assert log_in(http, OPEN, user.username, set_by).status_code == 200


@pytest.mark.parametrize("change", ["password", "block", "delete", "email"])
def test_ticket_of_before_a_change_is_void(http: Http, people: PeopleMaker, change: str, stage: Stage) -> None:
    user = people.make()
    ticket = ticket_of(asked(http, OPEN, user.email))
    staff = people.of(OPEN)
    if change == "password":
        staff.set_password(user, NEW_PASSWORD)
    elif change == "block":
        staff.set_blocked(user, True)
    else:
        staff.delete(user)
    if change == "email":
        people.make(user_id=user.user_id, email=new_email())

    assert reset(http, OPEN, "a third quiet word", ticket=ticket).json() == INVALID


def test_ticket_of_one_purpose_or_realm_is_no_other_one(http: Http, people: PeopleMaker) -> None:
    user = people.make()
    mail = asked(http, OPEN, user.email)

    assert verify(http, OPEN, ticket=ticket_of(mail)).status_code == 400
    assert verify(http, OPEN, email=user.email, code=code_of(mail)).status_code == 400
    assert reset(http, VERIFIED, ticket=ticket_of(mail)).json() == INVALID
    assert reset(http, VERIFIED, email=user.email, code=code_of(mail)).json() == INVALID
    assert reset(http, OPEN, ticket=ticket_of(mail)).status_code == 200


def test_new_password_ends_what_stood_on_the_old_one_and_keeps_factors(
    http: Http, people: PeopleMaker, clock: Clock
) -> None:
    clock.advance(-300)
    user = people.make(password=PASSWORD)
    own = mfa_api_login(http, user.username, password=PASSWORD).json()["access_token"]
    enrolled = enrol(http, clock, user.username, own)
    clock.advance(60)
    access_token = enrolled.answer.json()["access_token"]
    waiting = mfa_token_of(log_in(http, OPEN, user.username))
    for _ in range(9):
        log_in(http, OPEN, user.username, "wrong")
    reset(http, OPEN, ticket=ticket_of(asked(http, OPEN, user.email)))

    assert http.get("/mfa/authenticators", headers=bearer(access_token)).status_code == 401
    after = http.post("/mfa/challenge", json={"mfa_token": waiting, "client_id": "demo-backend",
                                              "client_secret": "demo-backend-secret"})  # fmt: skip
    assert after.json()["error"] == "invalid_grant"
    again = [log_in(http, OPEN, user.username, "wrong").status_code for _ in range(9)]
    assert again == [400] * 9, "the counters were cleared"
    assert mfa_token_of(log_in(http, OPEN, user.username, NEW_PASSWORD))


@pytest.mark.parametrize("revokes", [True, False])
def test_refresh_tokens_end_as_the_tenant_says(
    http: Http, people: PeopleMaker, stage: Stage, revokes: bool, services: Any
) -> None:
    user, config, tenant = people.make(password=PASSWORD), stage.config(), document_of(stage, "tenant")
    token = log_in(http, OPEN, user.username, scope="offline_access read:timesheets").json()["refresh_token"]
    ticket = ticket_of(asked(http, OPEN, user.email))
    config.put("tenant", tenant | {"revoke_refresh_tokens_on_password_change": revokes})
    try:
        services.by_class[
            next(kind for kind in services.by_class if kind.__name__ == "Discovery")
        ].config._cache.entries.clear()
        assert reset(http, OPEN, ticket=ticket).status_code == 200
        assert http.refresh(token).status_code == (400 if revokes else 200)
    finally:
        config.put("tenant", tenant)


def test_person_is_told_of_the_new_password(http: Http, people: PeopleMaker) -> None:
    user = people.make(email_verified=True)
    reset(http, OPEN, ticket=ticket_of(asked(http, OPEN, user.email)))

    assert len(mails(http, user.email)) == 2


def test_blocked_person_stays_blocked(http: Http, people: PeopleMaker) -> None:
    user = people.make(blocked=True)
    reset(http, OPEN, ticket=ticket_of(asked(http, OPEN, user.email)))

    assert log_in(http, OPEN, user.username, NEW_PASSWORD).json()["error"] == "unauthorized"


def test_person_without_a_password_gets_one(http: Http, people: PeopleMaker) -> None:
    user = people.make(password=None)
    reset(http, OPEN, ticket=ticket_of(asked(http, OPEN, user.email)))

    assert log_in(http, OPEN, user.username, NEW_PASSWORD).status_code == 200


@pytest.mark.parametrize("by", ["code", "ticket", "page"])
def test_reset_of_a_waiting_sign_up_makes_the_account_with_the_readers_password(
    http: Http, people: PeopleMaker, by: str
) -> None:
    email = new_email()
    sign_up(http, VERIFIED, email, "words of a stranger")
    (of_sign_up,) = mails(http, email)
    mail = asked(http, VERIFIED, email)
    proof = {"email": email, "code": code_of(mail)} if by == "code" else {"ticket": ticket_of(mail)}
    weak = reset(http, VERIFIED, "short", **proof)
    if by == "page":
        form = {**proof, "password": NEW_PASSWORD, "password_repeat": NEW_PASSWORD}
        done = http.post("/u/reset", data=form)
    else:
        done = reset(http, VERIFIED, **proof)

    assert (weak.json()["error"], done.status_code) == ("invalid_password", 200)
    assert people.of(VERIFIED).find(email).email_verified
    assert log_in(http, VERIFIED, email, NEW_PASSWORD).status_code == 200
    assert log_in(http, VERIFIED, email, "words of a stranger").status_code == 400
    assert verify(http, VERIFIED, ticket=ticket_of(of_sign_up)).json() == INVALID
    assert reset(http, VERIFIED, "a third quiet word", **proof).json() == INVALID


def test_reset_of_a_waiting_sign_up_is_no_verification_of_its_password(http: Http) -> None:
    email = new_email()
    sign_up(http, VERIFIED, email)
    mails(http, email)
    mail = asked(http, VERIFIED, email)

    assert verify(http, VERIFIED, ticket=ticket_of(mail)).json() == INVALID
    assert log_in(http, VERIFIED, email).status_code == 400


def test_own_password_of_a_waiting_sign_up_may_be_set_by_a_reset(http: Http) -> None:
    email = new_email()
    sign_up(http, VERIFIED, email, PASSWORD)
    mails(http, email)

    assert reset(http, VERIFIED, PASSWORD, ticket=ticket_of(asked(http, VERIFIED, email))).status_code == 200
    assert log_in(http, VERIFIED, email).status_code == 200


REFUSED = {
    "short": ("a1!x", "PasswordStrengthError", "lengthAtLeast", "The password has fewer than 12 characters."),
    "breached": ("iloveyou1234", "PasswordDictionaryError", "breached", "The password was disclosed in a data breach."),
    "personal": ("zelda lives here", "PasswordNoUserInfoError", "noPersonalInfo", "The password holds your name"),
    "reused": (PASSWORD, "PasswordHistoryError", "history", "The password is one of your last 5."),
    "long": ("x y" * 400, "PasswordStrengthError", "lengthAtMost", "The password has more than 1024 characters."),
}


@pytest.mark.parametrize("case", REFUSED.values(), ids=REFUSED)
def test_weak_password_is_refused_with_the_rules(
    http: Http, people: PeopleMaker, case: tuple[str, str, str, str]
) -> None:
    password, name, code, sentence = case
    user = people.make(VERIFIED, password=PASSWORD, name="Zelda Fitz")
    answer = reset(http, VERIFIED, password, ticket=ticket_of(asked(http, VERIFIED, user.email)))
    body = answer.json()

    assert (answer.status_code, body["statusCode"]) == (400, 400)
    assert (body["error"], body["code"], body["name"]) == ("invalid_password", "invalid_password", name)
    assert body["error_description"].startswith(sentence)
    failed = [rule for rule in body["description"]["rules"] if not rule["verified"]]
    assert [(rule["name"], rule["code"]) for rule in failed] == [(name, code)]
    assert body["description"]["verified"] is False
    assert "At least 12 characters in length" in body["policy"]
    assert http.log[-1]["event"] == "fcp"


def test_sign_up_with_a_weak_password_is_refused_with_every_rule_that_failed(http: Http) -> None:
    answer = sign_up(http, VERIFIED, f"zorblax.{new_email()}", "zorblax")
    failed = [rule["name"] for rule in answer.json()["description"]["rules"] if not rule["verified"]]

    assert answer.status_code == 400
    assert failed == ["PasswordStrengthError", "PasswordNoUserInfoError"]
    assert answer.json()["description"]["rules"][0]["format"] == [12]


def test_realm_without_resets_answers_as_ever_and_mails_nobody(http: Http, people: PeopleMaker, stage: Stage) -> None:
    user, config = people.make(CLOSED), stage.config()
    document = document_of(stage, f"realm#{CLOSED}")
    config.put(f"realm#{CLOSED}", document | {"password_reset": {"enabled": False, "url": None}})
    try:
        answer = ask_reset(http, CLOSED, user.email)
    finally:
        config.put(f"realm#{CLOSED}", document)

    assert (answer.status_code, answer.text) == (200, SENT)
    assert mails(http, user.email) == []


def test_link_leads_to_the_teams_own_page(http: Http, people: PeopleMaker, stage: Stage) -> None:
    user, config = people.make(CLOSED), stage.config()
    document = document_of(stage, f"realm#{CLOSED}")
    own = "https://app.example.com/reset#{ticket}"
    config.put(f"realm#{CLOSED}", document | {"password_reset": {"enabled": True, "url": own}})
    try:
        mail = asked(http, CLOSED, user.email)
    finally:
        config.put(f"realm#{CLOSED}", document)

    assert f"https://app.example.com/reset#{ticket_of(mail)}" in mail


def test_person_is_mailed_ten_times_and_then_one_each_six_minutes(
    http: Http, people: PeopleMaker, clock: Clock
) -> None:
    user = people.make()
    answers = {ask_reset(http, OPEN, user.email).text for _ in range(15)}

    assert answers == {SENT}
    assert len(mails(http, user.email)) == 10
    clock.advance(360)
    ask_reset(http, OPEN, user.email)
    ask_reset(http, OPEN, user.email)
    assert len(mails(http, user.email)) == 11


def test_destination_is_mailed_forty_times_over_all_accounts(http: Http, people: PeopleMaker) -> None:
    email = people.make().email
    people.make(VERIFIED, email=email)
    people.make(CLOSED, email=email)
    for realm in (OPEN, VERIFIED, CLOSED):
        for _ in range(10):
            ask_reset(http, realm, email)
            call(http, "/accounts/send_verification", realm, email=email)

    assert len(mails(http, email)) == 40


@pytest.mark.parametrize("path", ["/dbconnections/change_password", "/accounts/send_verification"])
def test_mails_of_an_address_are_throttled(http: Http, clock: Clock, path: str) -> None:
    here = http.at("198.51.100.91" if "change" in path else "198.51.100.92")
    sent = [call(here, path, OPEN, email=new_email()).status_code for _ in range(11)]
    refused = call(here, path, OPEN, email=new_email())
    clock.advance(6)

    assert sent == [200] * 10 + [429]
    assert (refused.json()["code"], refused.json()["error"]) == ("too_many_attempts", "too_many_attempts")
    assert refused.headers["Retry-After"] == "6"
    assert call(here, path, OPEN, email=new_email()).status_code == 200


def test_codes_of_an_address_are_throttled(http: Http) -> None:
    here = http.at("198.51.100.93")
    answers = [reset(here, OPEN, email=new_email(), code="123456").status_code for _ in range(9)]
    answers += [verify(here, OPEN, ticket="nope").status_code for _ in range(2)]

    assert answers == [400] * 10 + [429]


def test_network_of_many_addresses_has_sixteen_times_the_bounds_of_one(http: Http) -> None:
    answers = [ask_reset(http.at(f"2001:db8:77:{number:x}::1"), OPEN, new_email()).status_code for number in range(161)]

    assert answers == [200] * 160 + [429]


MALFORMED = {
    "no password": ({"password": None, "ticket": "x"}, "Missing required parameter: password"),
    "nothing": ({}, "Missing required parameter: email"),
    "no code": ({"email": "a@example.com"}, "Missing required parameter: code"),
    "both": ({"email": "a@example.com", "code": "123456", "ticket": "x"}, "Use a ticket or a code, not both."),
    "blank email": ({"email": " ", "code": "123456"}, "email is too long or holds control characters."),
    "number": ({"ticket": 5}, "ticket must be a string."),
    "number as code": ({"email": "a@example.com", "code": 123456}, "code must be a string."),
}


@pytest.mark.parametrize(("params", "words"), MALFORMED.values(), ids=MALFORMED)
def test_malformed_reset_is_refused(http: Http, params: dict[str, Any], words: str) -> None:
    answer = reset(http, OPEN, **{"password": NEW_PASSWORD} | params)

    assert (answer.status_code, answer.json()["description"]) == (400, words)


def test_ticket_works_again_where_aws_failed(http: Http, people: PeopleMaker, stage: Stage) -> None:
    user = people.make()
    ticket = ticket_of(asked(http, OPEN, user.email))
    with failing(stage, "TransactWriteItems", aws_error("InternalServerError")):
        failed = reset(http, OPEN, ticket=ticket)

    assert failed.status_code == 503
    assert reset(http, OPEN, ticket=ticket).status_code == 200


def test_mail_that_could_not_be_queued_is_not_counted(http: Http, people: PeopleMaker, stage: Stage) -> None:
    user = people.make()
    with failing(stage, "UpdateItem", aws_error("InternalServerError"), range(2, 100)):
        failed = [ask_reset(http, OPEN, user.email).status_code for _ in range(1)]
    assert failed == [503]
    for _ in range(10):
        ask_reset(http, OPEN, user.email)

    assert len(mails(http, user.email)) == 10

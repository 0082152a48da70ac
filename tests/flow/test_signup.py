"""POST /dbconnections/signup, through HTTP: docs/use/accounts.md and contract "Accounts"."""

import re
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
    code_of,
    log_in,
    mails,
    new_email,
    open_demo,
    sign_up,
    ticket_of,
    verify,
    wrong,
)
from tests.support.calls import calls_of
from tests.support.faults import aws_error, failing
from tests.support.fixed import Clock
from tests.support.http import Http
from tests.support.people import PeopleMaker
from tests.support.stages import provision_stage

HEX_ID = re.compile("[0-9a-f]{24}")
PROFILE: dict[str, Any] = {
    "given_name": "Nora", "family_name": "Ng", "name": "Nora Ng", "nickname": "nn",
    "picture": "https://example.com/n.png", "phone_number": "+14155550100", "user_metadata": {"plan": "free"},
}  # fmt: skip


@pytest.fixture(scope="module")
def stage(stage: Stage) -> Stage:
    """A stage of these tests' own, whose realms take sign-ups."""
    return provision_stage("signup", open_demo())


@pytest.fixture
def http(http: Http) -> Http:
    """A client that no throttle counts."""
    return http.at("127.0.0.1")


def count_of(people: PeopleMaker, realm: str, email: str) -> int:
    return sum(user.email == email for user in people.of(realm).records.all())


def test_person_signs_up_and_logs_in(http: Http, people: PeopleMaker) -> None:
    email = new_email()
    answer = sign_up(http, OPEN, email, username=email.partition("@")[0])
    body = answer.json()

    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "application/json")
    assert HEX_ID.fullmatch(body.pop("_id"))
    assert body == {"email": email, "email_verified": False, "username": email.partition("@")[0]}
    assert log_in(http, OPEN, email).status_code == log_in(http, OPEN, email.partition("@")[0]).status_code == 200
    assert people.of(OPEN).find(email).user_id == f"{OPEN}|{answer.json()['_id']}"
    assert http.log[0]["event"] == "ss"


@pytest.mark.parametrize("realm", [OPEN, VERIFIED])
def test_profile_is_kept_and_told(http: Http, people: PeopleMaker, realm: str) -> None:
    email = new_email()
    body = sign_up(http, realm, email, **PROFILE, unknown="x", app_metadata={"admin": True}).json()
    verify(http, realm, ticket=ticket_of(mails(http, email)[-1]))
    made = people.of(realm).find(email)

    assert {name: body[name] for name in PROFILE} == PROFILE
    assert {name: getattr(made, name) for name in PROFILE} == PROFILE
    assert (made.app_metadata, made.blocked, made.email_verified, made.phone_verified) == ({}, False, True, False)


def test_form_is_taken_too(http: Http) -> None:
    form = {"client_id": "demo-native", "connection": OPEN, "email": new_email(), "password": PASSWORD}

    assert http.post("/dbconnections/signup", data=form).status_code == 200


def test_alias_of_a_realm_and_a_confidential_client_without_its_secret_are_taken(http: Http) -> None:
    assert sign_up(http, OPEN, new_email(), client_id="demo-backend").status_code == 200


@pytest.mark.parametrize("realm", [OPEN, VERIFIED])
def test_sign_up_mails_a_verification_whose_code_works_once(http: Http, people: PeopleMaker, realm: str) -> None:
    email = new_email()
    sign_up(http, realm, email)
    (mail,) = mails(http, email)

    assert verify(http, realm, email=email, code=code_of(mail)).json() == {}
    assert people.of(realm).find(email).email_verified
    again = verify(http, realm, email=email, code=code_of(mail))
    assert (again.status_code, again.json()["error"]) == (400, "invalid_grant")
    assert log_in(http, realm, email).status_code == 200


def test_sign_up_where_none_is_taken_is_refused_in_both_shapes(http: Http) -> None:
    answer = sign_up(http, CLOSED, new_email())

    assert answer.status_code == 403
    assert answer.json() == {
        "error": "signup_disabled",
        "error_description": "public signup is disabled",
        "name": "ForbiddenError",
        "code": "signup_disabled",
        "description": "public signup is disabled",
        "statusCode": 403,
    }
    assert http.log[-1]["event"] == "fs"


def test_known_email_of_an_open_realm_is_told(http: Http, people: PeopleMaker) -> None:
    user = people.make()
    answer = sign_up(http, OPEN, user.email.upper())

    assert answer.status_code == 400
    assert answer.json() == {
        "error": "invalid_signup",
        "error_description": "Invalid sign up",
        "name": "BadRequestError",
        "code": "invalid_signup",
        "description": "Invalid sign up",
        "statusCode": 400,
    }


def test_known_username_of_an_open_realm_is_told(http: Http, people: PeopleMaker) -> None:
    user = people.make()
    answer = sign_up(http, OPEN, new_email(), username=user.username)

    assert (answer.status_code, answer.json()["error"]) == (400, "username_exists")


def test_retry_after_a_lost_reply_finds_the_account(http: Http, people: PeopleMaker) -> None:
    email = new_email()
    first = sign_up(http, OPEN, email, name="Nora").json()

    assert sign_up(http, OPEN, email, name="Nora").json() == first
    assert count_of(people, OPEN, email) == 1
    for other in ({"password": NEW_PASSWORD, "name": "Nora"}, {"name": "Other"}):
        assert sign_up(http, OPEN, email, **other).json()["error"] == "invalid_signup"


def test_retry_finds_nothing_once_the_account_is_in_use_or_old(http: Http, clock: Clock) -> None:
    used, old = new_email(), new_email()
    for email in (used, old):
        assert sign_up(http, OPEN, email).status_code == 200
    assert log_in(http, OPEN, used).status_code == 200
    clock.advance(601)

    assert [sign_up(http, OPEN, email).status_code for email in (used, old)] == [400, 400]


def test_sign_up_is_no_way_to_guess_a_password_often(http: Http, hashes: Any) -> None:
    email = new_email()
    sign_up(http, OPEN, email)
    before = hashes.count
    guesses = [sign_up(http, OPEN, email, f"wrong words of {number}").status_code for number in range(20)]

    assert guesses == [400] * 20
    assert hashes.count - before == 5
    assert sign_up(http, OPEN, email).status_code == 400


@pytest.mark.parametrize("name", ["email", "username"])
def test_two_hundred_parallel_sign_ups_make_one_account(http: Http, people: PeopleMaker, name: str) -> None:
    email = new_email()
    username = email.partition("@")[0]

    def send(number: int) -> tuple[int, str]:
        to = email if name == "email" else f"n{number}{email}"
        answer = sign_up(http.at("127.0.0.1"), OPEN, to, username=username if name == "username" else None)
        return answer.status_code, answer.json().get("_id", answer.json().get("code"))

    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(send, range(200)))

    assert {status for status, _ in answers} == {200, 400}
    assert len({told for status, told in answers if status == 200}) == 1
    made = [user for user in people.of(OPEN).records.all() if username in (user.username, user.email.partition("@")[0])]
    assert len(made) == 1


def test_two_hundred_parallel_sign_ups_with_verification_make_one_account(http: Http, people: PeopleMaker) -> None:
    email = new_email()
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda _: sign_up(http.at("127.0.0.1"), VERIFIED, email).status_code, range(200)))
    sent = mails(http, email)
    verified = [verify(http, VERIFIED, ticket=ticket_of(mail)).status_code for mail in sent]

    assert set(answers) == {200}
    assert len(sent) == 10, "the person's bound is silent"
    assert sorted(verified) == [200] + [400] * 9
    assert count_of(people, VERIFIED, email) == 1


def test_unverified_sign_up_makes_no_password_that_counts(http: Http, people: PeopleMaker) -> None:
    email = new_email()
    sign_up(http, VERIFIED, email)
    before = log_in(http, VERIFIED, email)
    mail = mails(http, email)[-1]
    still = log_in(http, VERIFIED, email)
    verify(http, VERIFIED, email=email, code=code_of(mail))

    assert [one.json()["error"] for one in (before, still)] == ["invalid_grant"] * 2
    assert before.content == log_in(http, VERIFIED, new_email()).content
    assert log_in(http, VERIFIED, email).status_code == 200


def test_account_gets_the_password_of_the_sign_up_whose_code_was_used(http: Http, people: PeopleMaker) -> None:
    email = new_email()
    sign_up(http, VERIFIED, email, "words of somebody else", name="Stranger")
    (strangers,) = mails(http, email)
    own = sign_up(http, VERIFIED, email, PASSWORD, name="Nora").json()
    mail = mails(http, email)[-1]

    assert verify(http, VERIFIED, email=email, code=code_of(mail)).status_code == 200
    assert verify(http, VERIFIED, ticket=ticket_of(strangers)).status_code == 400
    assert log_in(http, VERIFIED, email).status_code == 200
    assert log_in(http, VERIFIED, email, "words of somebody else").status_code == 400
    made = people.of(VERIFIED).find(email)
    assert (made.name, made.user_id) == ("Nora", f"{VERIFIED}|{own['_id']}")


def test_known_and_unknown_emails_are_answered_alike_by_the_same_work(
    http: Http, people: PeopleMaker, stage: Stage
) -> None:
    known, unknown = people.make(VERIFIED, email_verified=True).email, new_email()
    answers, calls = [], []
    sign_up(http, VERIFIED, new_email())
    for email in (known, unknown, known, unknown):
        with calls_of(stage) as made:
            answers.append(sign_up(http, VERIFIED, email))
        calls.append(made.made)
    ids = [answer.json()["_id"] for answer in answers]
    texts = [re.sub("[a-z0-9]+@", "x@", HEX_ID.sub("ID", answer.text)) for answer in answers]

    assert len(set(texts)) == 1
    assert len(set(ids)) == 4, "a retry shows no stored id either"
    assert (calls[0], calls[2]) == (calls[1], calls[3])
    assert {one.status_code for one in answers} == {200}


def test_known_person_is_mailed_that_somebody_tried_and_keeps_the_account(http: Http, people: PeopleMaker) -> None:
    user = people.make(VERIFIED, email_verified=True, password=PASSWORD)
    sign_up(http, VERIFIED, user.email, NEW_PASSWORD)
    (mail,) = mails(http, user.email)

    assert not re.search(r"\b[0-9]{6}\b", mail)
    assert log_in(http, VERIFIED, user.email).status_code == 200
    assert log_in(http, VERIFIED, user.email, NEW_PASSWORD).status_code == 400


def test_identifier_that_is_taken_meanwhile_is_not_taken_twice(http: Http, people: PeopleMaker) -> None:
    email = new_email()
    sign_up(http, VERIFIED, email)
    mail = mails(http, email)[-1]
    people.make(VERIFIED, email=email)
    answer = verify(http, VERIFIED, email=email, code=code_of(mail))

    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")
    assert count_of(people, VERIFIED, email) == 1


def test_sign_up_of_another_realm_is_not_verified_here(http: Http) -> None:
    email = new_email()
    sign_up(http, VERIFIED, email)
    mail = mails(http, email)[-1]

    assert verify(http, OPEN, email=email, code=code_of(mail)).status_code == 400
    assert verify(http, OPEN, ticket=ticket_of(mail)).status_code == 400
    assert verify(http, VERIFIED, email=email, code=wrong(code_of(mail))).status_code == 400
    assert verify(http, VERIFIED, email=email, code=code_of(mail)).status_code == 200


BAD = {
    "no email": ({"email": None}, "Missing required parameter: email"),
    "no password": ({"password": None}, "Missing required parameter: password"),
    "no connection": ({"connection": None}, "Missing required parameter: connection"),
    "no client": ({"client_id": None}, "Missing required parameter: client_id"),
    "unknown realm": ({"connection": "nowhere"}, "Unknown realm."),
    "no address": ({"email": "nobody"}, "email must be an email address."),
    "two addresses": ({"email": "a@example.com,b@example.com"}, "email must be an email address."),
    "header in an address": ({"email": "a@example.com\r\nBcc: b@example.com"}, "email is too long or holds control"),
    "long address": ({"email": f"{'a' * 65}@example.com"}, "email must be an email address."),
    "text as metadata": ({"user_metadata": "x"}, "user_metadata must be an object"),
    "much metadata": ({"user_metadata": {str(n): "x" for n in range(11)}}, "user_metadata must be an object"),
    "long metadata": ({"user_metadata": {"a": "x" * 501}}, "user_metadata holds texts of at most 500"),
    "long name of metadata": ({"user_metadata": {"a" * 101: "x"}}, "user_metadata holds texts of at most 500"),
    "number in metadata": ({"user_metadata": {"a": 1}}, "user_metadata holds texts of at most 500"),
    "long name": ({"name": "x" * 301}, "name must have at most 300 characters"),
    "control in a name": ({"nickname": "a\u0007b"}, "nickname must have at most 300 characters"),
    "number as a name": ({"name": 5}, "name must be a string."),
    "script as picture": ({"picture": "javascript:1"}, "picture must be an https URL."),
    "no phone": ({"phone_number": "12345"}, "phone_number must be in E.164 form"),
    "at sign in a username": ({"username": "a@b"}, "username must have 1 to 128 visible characters"),
    "sentence as a username": ({"username": "visit evil.example"}, "username must have 1 to 128 visible characters"),
    "line separator in a username": ({"username": "a\u2028b"}, "username must have 1 to 128 visible characters"),
    "invisible username": ({"username": "a\u200bb"}, "username must have 1 to 128 visible characters"),
}


@pytest.mark.parametrize(("params", "words"), BAD.values(), ids=BAD)
def test_malformed_sign_up_is_refused_in_both_shapes(http: Http, params: dict[str, Any], words: str) -> None:
    body = {"client_id": "demo-native", "connection": OPEN, "email": new_email(), "password": PASSWORD} | params
    answer = http.post("/dbconnections/signup", json={name: value for name, value in body.items() if value is not None})
    told = answer.json()

    assert answer.status_code == told["statusCode"] == 400
    assert told["error"] == told["code"] == "invalid_request"
    assert told["error_description"] == told["description"]
    assert told["error_description"].startswith(words)


def test_unknown_client_is_refused(http: Http) -> None:
    answer = sign_up(http, OPEN, new_email(), client_id="nobody")

    assert (answer.status_code, answer.json()["code"], answer.json()["name"]) == (
        401,
        "invalid_client",
        "UnauthorizedError",
    )
    assert answer.headers["WWW-Authenticate"].startswith("Basic")


def test_sign_ups_of_an_address_are_throttled_and_forwarded_addresses_count(http: Http, clock: Clock) -> None:
    here = http.at("198.51.100.77")
    sent = [sign_up(here, VERIFIED, new_email()).status_code for _ in range(51)]
    refused = sign_up(here, VERIFIED, new_email())
    clock.advance(1.2)
    later = [sign_up(here, VERIFIED, new_email()).status_code for _ in range(2)]

    assert sent == [200] * 50 + [429]
    assert (refused.json()["code"], refused.headers["Retry-After"]) == ("too_many_attempts", "2")
    assert later == [200, 429]
    body = {"client_id": "demo-backend", "connection": VERIFIED, "email": new_email(), "password": PASSWORD}
    forwarded = {"auth0-forwarded-for": "198.51.100.78"}
    proved = body | {"client_secret": "demo-backend-secret"}
    assert here.post("/dbconnections/signup", json=body, headers=forwarded).status_code == 429
    assert here.post("/dbconnections/signup", json=proved, headers=forwarded).status_code == 200
    assert here.post("/dbconnections/signup", json=proved | {"client_secret": "no"}).status_code == 401


def test_sign_up_is_not_answered_as_made_where_aws_fails(http: Http, stage: Stage, people: PeopleMaker) -> None:
    email = new_email()
    with failing(stage, "TransactWriteItems", aws_error("InternalServerError")):
        answer = sign_up(http, OPEN, email)

    assert (answer.status_code, answer.json()["code"]) == (503, "temporarily_unavailable")
    assert sign_up(http, OPEN, email).status_code == 200

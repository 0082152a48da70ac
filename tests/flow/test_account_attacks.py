"""Attacks on accounts that people make and mend themselves, through HTTP: contract "Accounts"."""

from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from infra.stage.aws import Stage
from tests.support.accounts import (
    NEW_PASSWORD,
    OPEN,
    PASSWORD,
    VERIFIED,
    ask_reset,
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
from tests.support.config import document_of
from tests.support.fixed import Clock
from tests.support.http import Http
from tests.support.people import PeopleMaker
from tests.support.stages import provision_stage

PATHS = (
    "/dbconnections/signup",
    "/dbconnections/change_password",
    "/accounts/reset_password",
    "/accounts/verify_email",
    "/accounts/send_verification",
)
NOWHERE = "evil.example"
KNOWN = {"client_id": "demo-native", "connection": OPEN}
JSON, FORM = {"Content-Type": "application/json"}, {"Content-Type": "application/x-www-form-urlencoded"}


@pytest.fixture(scope="module")
def stage(stage: Stage) -> Stage:
    """A stage of these tests' own, where a run of the schedule finds no emails of others."""
    return provision_stage("attacks", open_demo())


@pytest.fixture
def http(http: Http) -> Http:
    """A client that no throttle counts."""
    return http.at("127.0.0.1")


def reset_mail(http: Http, email: str) -> str:
    """Have a reset's email sent, and return it."""
    assert ask_reset(http, OPEN, email).status_code == 200
    return next(mail for mail in reversed(mails(http, email)) if "/u/reset" in mail)


def test_parallel_guesses_share_five_tries(http: Http, people: PeopleMaker) -> None:
    user = people.make()
    code = code_of(reset_mail(http, user.email))
    with ThreadPoolExecutor(8) as pool:
        guesses = pool.map(
            lambda _: reset(http.at("127.0.0.1"), OPEN, email=user.email, code=wrong(code)).status_code, range(16)
        )
        assert set(guesses) == {400}

    assert reset(http, OPEN, email=user.email, code=code).status_code == 400


def test_codes_of_all_emails_share_fifty_tries_and_the_link_works_on(
    http: Http, people: PeopleMaker, clock: Clock
) -> None:
    user, guesses = people.make(), []
    for _ in range(10):
        code = code_of(reset_mail(http, user.email))
        guesses += [reset(http, OPEN, email=user.email, code=wrong(code)) for _ in range(5)]
        clock.advance(60)
    mail = reset_mail(http, user.email)
    right = reset(http, OPEN, email=user.email, code=code_of(mail))
    nobody = reset(http, OPEN, email=new_email(), code="123456")

    assert {answer.content for answer in guesses} == {right.content} == {nobody.content}
    assert reset(http, OPEN, ticket=ticket_of(mail)).status_code == 200


def test_code_may_be_tried_again_after_half_an_hour(http: Http, people: PeopleMaker, clock: Clock) -> None:
    user = people.make()
    for _ in range(50):
        reset(http, OPEN, email=user.email, code="no")
    clock.advance(1800)

    assert reset(http, OPEN, email=user.email, code=code_of(reset_mail(http, user.email))).status_code == 200


def test_parallel_uses_of_one_right_code_set_one_password(http: Http, people: PeopleMaker) -> None:
    user = people.make()
    code = code_of(reset_mail(http, user.email))
    words = [f"some quiet words {number}" for number in range(5)]
    with ThreadPoolExecutor(5) as pool:
        statuses = list(
            pool.map(
                lambda word: reset(http.at("127.0.0.1"), OPEN, word, email=user.email, code=code).status_code, words
            )
        )

    assert sorted(statuses) == [200] + [400] * 4


def test_parallel_uses_of_one_sign_ups_ticket_make_one_account(http: Http, people: PeopleMaker) -> None:
    email = new_email()
    sign_up(http, VERIFIED, email)
    ticket = ticket_of(mails(http, email)[-1])
    with ThreadPoolExecutor(8) as pool:
        statuses = list(pool.map(lambda _: verify(http.at("127.0.0.1"), VERIFIED, ticket=ticket).status_code, range(8)))

    assert sorted(statuses) == [200] + [400] * 7
    assert sum(user.email == email for user in people.of(VERIFIED).records.all()) == 1


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("name", ["ticket", "code", "password", "access_token"])
def test_credential_in_the_query_is_refused(http: Http, path: str, name: str) -> None:
    require_both_shapes(http.post(f"{path}?{name}=x", json=KNOWN), 400)


@pytest.mark.parametrize("path", PATHS)
def test_every_error_has_both_shapes(http: Http, path: str) -> None:
    require_both_shapes(http.get(path), 405)
    require_both_shapes(http.post(path, content=b"{", headers=JSON), 400)
    require_both_shapes(http.post(path, content=b"x", headers={"Content-Type": "text/plain"}), 400)
    require_both_shapes(http.post(path, content=b"client_id=a&client_id=b", headers=FORM), 400)
    require_both_shapes(http.post(path, content=b"{}", headers={**JSON, "Content-Encoding": "gzip"}), 415)
    require_both_shapes(http.post(path, content=b"x" * 17_000, headers=JSON), 413)
    require_both_shapes(http.post(path, json=KNOWN | {"client_id": "nobody"}), 401)
    require_both_shapes(http.post(path, json=KNOWN | {"connection": "nowhere"}), 400)
    require_both_shapes(http.post(path, json=KNOWN | {"connection": 5}), 400)


def require_both_shapes(answer: httpx.Response, status: int) -> None:
    """Assert that an error has RFC 6749's members and Auth0's, and that they agree."""
    body = answer.json()
    assert (answer.status_code, body["statusCode"]) == (status, status)
    assert body["error"] == body["code"]
    assert body["error_description"] == body["description"]
    assert all(body.values())


@pytest.mark.parametrize("attackers", [1, 110])
def test_blocked_person_gets_in_by_a_reset_within_a_second(
    http: Http, people: PeopleMaker, clock: Clock, attackers: int
) -> None:
    user, here = people.make(password=PASSWORD), http.at("198.51.100.201")
    for number in range(max(11, attackers)):
        source = here if attackers == 1 else http.at(f"198.51.101.{number}")
        log_in(source, OPEN, user.username, "wrong")
    before = log_in(here, OPEN, user.username).status_code
    done = reset(here, OPEN, ticket=ticket_of(reset_mail(http, user.email)))
    clock.advance(1)

    assert (before, done.status_code) == (429, 200)
    assert log_in(here, OPEN, user.username, NEW_PASSWORD).status_code == 200


def test_link_has_the_issuers_host_whatever_the_request_names(http: Http, people: PeopleMaker) -> None:
    user = people.make()
    forged = {"Host": NOWHERE, "X-Forwarded-Host": NOWHERE, "Forwarded": f"host={NOWHERE}", "Origin": NOWHERE}
    http.post("/dbconnections/change_password", json=KNOWN | {"email": user.email}, headers=forged)
    (mail,) = mails(http, user.email)

    assert "/u/reset" in mail
    assert NOWHERE not in mail


def test_sign_up_makes_no_account_where_sign_ups_were_switched_off_meanwhile(
    http: Http, stage: Stage, clock: Clock
) -> None:
    email, config = new_email(), stage.config()
    document = document_of(stage, f"realm#{VERIFIED}")
    sign_up(http, VERIFIED, email)
    ticket = ticket_of(mails(http, email)[-1])
    config.put(f"realm#{VERIFIED}", document | {"signup": {"enabled": False, "requires_verified_email": True}})
    try:
        clock.advance(61)
        answers = [verify(http, VERIFIED, ticket=ticket), http.get(f"/u/verify?ticket={ticket}")]
    finally:
        config.put(f"realm#{VERIFIED}", document)

    assert [answer.status_code for answer in answers] == [400, 400]

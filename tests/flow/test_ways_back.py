"""Each error of docs/use/http.md's table has a way back to a token, which is gone here, or says why it has none."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from chalicelib import wiring
from chalicelib.http.routes import Services
from chalicelib.passwords.hash import hash_password
from chalicelib.settings import Settings
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
)
from tests.support.faults import aws_error, failing
from tests.support.fixed import BCRYPT_COST, EMAIL_FROM, ISSUER, Clock
from tests.support.http import Http
from tests.support.mfa import App, associate, mfa_token_of, with_otp
from tests.support.people import PeopleMaker
from tests.support.stages import change_protection, provision_stage

PAGE = (Path(__file__).parents[2] / "docs" / "use" / "http.md").read_text("utf-8")
ERRORS = PAGE.partition("\n## Errors\n")[2].partition("\n### ")[0]
SITUATIONS = [row.partition(" | ")[0] for row in re.findall(r"^\| (?!situation|-)(.+) \|$", ERRORS, re.MULTILINE)]
LEAKED = "iloveyou123"
OFFLINE = "offline_access read:timesheets"


class Person:
    """A person who wants a token, and the client, the clock and the stage around them."""

    def __init__(self, http: Http, people: PeopleMaker, clock: Clock, stage: Stage) -> None:
        self.http, self.people, self.clock, self.stage = http, people, clock, stage
        self.user = people.make(password=PASSWORD, email_verified=True)

    def log_in(self, password: str = PASSWORD, **params: str | None) -> httpx.Response:
        return log_in(self.http, OPEN, self.user.username, password, **params)

    def reset(self) -> httpx.Response:
        """Set a new password by an email, and log in with it."""
        ask_reset(self.http, OPEN, self.user.email)
        mail = next(one for one in reversed(mails(self.http, self.user.email)) if "u/reset" in one)
        assert reset(self.http, OPEN, ticket=ticket_of(mail)).status_code == 200
        return self.log_in(NEW_PASSWORD)


def right_request(person: Person) -> httpx.Response:
    assert person.log_in(client_id="nobody").status_code == 401
    assert person.http.login(grant_type="nothing").status_code == 400
    assert person.log_in(audience="https://nobody.example.com").status_code == 400
    return person.log_in()


def new_password(person: Person) -> httpx.Response:
    assert person.log_in("forgotten").status_code == 400
    return person.reset()


def new_password_for_a_breached_one(person: Person) -> httpx.Response:
    person.user = person.people.make(password=None, password_hash=hash_password(LEAKED, BCRYPT_COST))
    assert person.log_in(LEAKED).status_code == 401
    return person.reset()


def new_password_in_a_block(person: Person) -> httpx.Response:
    for _ in range(10):
        person.log_in("forgotten")
    assert person.log_in().status_code == 429
    return person.reset()


def a_sign_up(person: Person) -> httpx.Response:
    email = new_email()
    assert log_in(person.http, OPEN, email).status_code == 400
    assert sign_up(person.http, OPEN, email).status_code == 200
    return log_in(person.http, OPEN, email)


def a_verification(person: Person) -> httpx.Response:
    user = person.people.make(VERIFIED, password=PASSWORD)
    assert log_in(person.http, VERIFIED, user.email).status_code == 403
    assert verify(person.http, VERIFIED, email=user.email, code=code_of(mails(person.http, user.email)[-1])).is_success
    return log_in(person.http, VERIFIED, user.email)


def patience_of_an_address(person: Person) -> httpx.Response:
    with change_protection(person.stage, suspicious_ip_throttling={"max_attempts": 2, "rate": 1000}):
        person.http = rebuilt(person).at("198.51.100.201")
        for number in range(3):
            log_in(person.http, OPEN, f"nobody{number}")
        refused = person.log_in()
        assert refused.status_code == 429
        person.clock.advance(int(refused.headers["Retry-After"]) + 1)
        return person.log_in()


def patience_of_a_client(person: Person) -> httpx.Response:
    here = person.http.at("198.51.100.202")
    for _ in range(51):
        refused = log_in(here, OPEN, person.user.username, client_secret="guess")
    assert refused.status_code == 429
    person.clock.advance(int(refused.headers["Retry-After"]))
    return log_in(here, OPEN, person.user.username)


def a_login_for_a_refresh_token(person: Person) -> httpx.Response:
    token = person.log_in(scope=OFFLINE).json()["refresh_token"]
    assert person.http.refresh(token + "x").status_code == 400
    assert person.http.refresh(token, scope="openid").status_code == 400
    assert [person.http.refresh(token).status_code for _ in range(2)] == [200, 400]
    return person.log_in(scope=OFFLINE)


def a_second_factor(person: Person) -> httpx.Response:
    """A factor that is owed: enrolled, confirmed, mistyped, and shown at the next login."""
    own = {"audience": f"{ISSUER}mfa/", "scope": "enroll"}
    made = associate(person.http, person.log_in(**own).json()["access_token"]).json()
    app, token = App(made["secret"], person.clock), person.log_in(**own).json()["access_token"]
    assert with_otp(person.http, token, app.code()).status_code == 200
    person.clock.advance(60)
    waiting = mfa_token_of(person.log_in())
    assert with_otp(person.http, waiting + "x", app.code()).status_code == 400
    assert with_otp(person.http, waiting, "000000" if app.code() != "000000" else "111111").status_code == 400
    return with_otp(person.http, waiting, app.code())


def patience_and_a_second_factor(person: Person) -> httpx.Response:
    own = {"audience": f"{ISSUER}mfa/", "scope": "enroll"}
    made = associate(person.http, person.log_in(**own).json()["access_token"]).json()
    app, token = App(made["secret"], person.clock), person.log_in(**own).json()["access_token"]
    assert with_otp(person.http, token, app.code()).status_code == 200
    here = person.http.at("198.51.100.203")
    waiting = mfa_token_of(log_in(here, OPEN, person.user.username))
    for _ in range(11):
        refused = with_otp(here, waiting, "12345")
    assert refused.status_code == 429
    person.clock.advance(int(refused.headers["Retry-After"]))
    waiting = mfa_token_of(log_in(here, OPEN, person.user.username))
    return with_otp(here, waiting, app.code())


def a_login_for_an_mfa_token(person: Person) -> httpx.Response:
    assert with_otp(person.http, "nope", "123456").status_code == 400
    return person.log_in()


def another_try(person: Person) -> httpx.Response:
    with failing(person.stage, "Sign", aws_error("KMSInternalException")):
        assert person.log_in().status_code == 503
    with failing(person.stage, "Sign", RuntimeError("a crash")):
        assert person.log_in().status_code == 500
    return person.log_in()


BY_THE_OPERATOR, BY_A_RULE = "an operator blocked the person", "a rule decided so"
Way = Callable[[Person], httpx.Response]
# By the beginning of the situation.
WAYS: dict[str, Way | str] = {
    "malformed request": right_request,
    "body over 16 KiB": right_request,
    "compressed body": right_request,
    "another method": right_request,
    "`grant_type` missing": right_request,
    "two methods of client authentication": right_request,
    "`client_id` beside another one": right_request,
    "too many failures from one address, at one client": patience_of_a_client,
    "client unknown or": right_request,
    "unknown grant": right_request,
    "the client lacks the grant": right_request,
    "a parameter of the grant is missing": right_request,
    "`audience` and `resource` differ": right_request,
    "unknown audience": right_request,
    "username over 320 characters": right_request,
    "no default directory": right_request,
    "realm unknown": right_request,
    "too many failures from one address, also": patience_of_an_address,
    "too many attempts at one person": new_password_in_a_block,
    "wrong password": new_password,
    "unknown user": a_sign_up,
    "blocked user": BY_THE_OPERATOR,
    "the email is not verified": a_verification,
    "[breached password]": new_password_for_a_breached_one,
    "the password was changed": new_password,
    "refresh token unknown": a_login_for_a_refresh_token,
    "a superseded refresh token": a_login_for_a_refresh_token,
    "refresh for a blocked user": BY_THE_OPERATOR,
    "more scope than was granted": a_login_for_a_refresh_token,
    "refresh for another audience": a_login_for_a_refresh_token,
    "`client_credentials`: no client grant": right_request,
    "a [rule](rules.md) denies": BY_A_RULE,
    "a second factor is owed": a_second_factor,
    "the same, for a client without an MFA grant": right_request,
    "`mfa_token` unknown": a_login_for_an_mfa_token,
    "`mfa_token` is over": a_login_for_an_mfa_token,
    "the person of an `mfa_token` is blocked": BY_THE_OPERATOR,
    "wrong code": a_second_factor,
    "too many codes": patience_and_a_second_factor,
    "`mfa-oob` without `binding_code`": a_second_factor,
    "the same again within five seconds": a_second_factor,
    "no recovery code": a_second_factor,
    "a rule sets `context.redirect`": BY_A_RULE,
    "a rule raises": another_try,
    "a token has over 4096 bytes": another_try,
    "the stage has no configuration": another_try,
    "a crash": another_try,
    "AWS throttles": another_try,
}

WALKED = [way for way in dict.fromkeys(WAYS.values()) if not isinstance(way, str)]


def ways_of(situation: str) -> list[Way | str]:
    return [way for beginning, way in WAYS.items() if situation.startswith(beginning)]


@pytest.fixture(scope="module")
def stage(stage: Stage) -> Stage:
    """A stage of these tests' own, whose realms take sign-ups."""
    return provision_stage("waysback", open_demo())


@pytest.fixture
def clock() -> Clock:
    """A clock that is behind: tests move it on, and PyJWT takes no token from the future."""
    behind = Clock()
    behind.advance(-3600)
    return behind


def rebuilt(person: Person) -> Http:
    """Return the same client of a process that has read the configuration anew."""
    settings = Settings(person.stage.name, ISSUER, BCRYPT_COST, email_from=EMAIL_FROM)
    externals = wiring.Externals(clock=person.clock, pause=person.clock.pause)
    services: Services = wiring.build(settings, person.stage.aws, externals)
    return Http(lambda: services, person.http.source_ip)


@pytest.mark.parametrize("situation", SITUATIONS)
def test_each_error_has_one_way_back_or_the_reason_why_not(situation: str) -> None:
    assert len(ways_of(situation)) == 1


@pytest.mark.parametrize(
    "way", [way for way in dict.fromkeys(WAYS.values()) if callable(way)], ids=lambda one: one.__name__
)
def test_way_back_leads_to_a_token(http: Http, people: PeopleMaker, clock: Clock, stage: Stage, way: Way) -> None:
    answer = way(Person(http.at("127.0.0.1"), people, clock, stage))

    assert answer.status_code == 200, answer.text
    assert answer.json()["access_token"]


def test_no_error_is_an_end_but_a_block_and_a_rules_denial() -> None:
    ends: Any = {way for way in WAYS.values() if isinstance(way, str)}

    assert ends == {BY_THE_OPERATOR, BY_A_RULE}

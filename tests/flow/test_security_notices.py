"""Security notices: who has a verified address is mailed what happened to their second factors and password."""

from collections.abc import Iterator

import pytest

from chalicelib.model.user import User
from infra.stage.aws import Stage
from tests.support.accounts import OPEN, ask_reset, mails, open_demo, reset, run_schedule, ticket_of
from tests.support.fixed import Clock
from tests.support.http import Http
from tests.support.mfa import (
    EnrolledUser,
    authenticators,
    enrol,
    mails_to,
    mfa_api_login,
    mfa_token_of,
    remove,
    with_otp,
    with_recovery_code,
)
from tests.support.people import PeopleMaker
from tests.support.stages import provision_stage

ADDED = "A second factor was added to your account at Gatehouse demo"
REMOVED = "A second factor was removed from your account at Gatehouse demo"
USED = "Your recovery code for Gatehouse demo was used"
CHANGED = "Your password for Gatehouse demo was changed"


@pytest.fixture(scope="module")
def stage(stage: Stage) -> Stage:
    """A stage of these tests' own, where everybody needs an app."""
    demo = open_demo()
    mfa = demo.mfa.model_copy(update={"policy": "always", "factors": ("otp", "recovery-code")})
    return provision_stage("notices", demo.model_copy(update={"mfa": mfa}))


@pytest.fixture
def user(people: PeopleMaker) -> User:
    """Somebody with a verified address."""
    return people.make(email_verified=True)


@pytest.fixture
def enrolled(http: Http, clock: Clock, user: User) -> EnrolledUser:
    """The same, with an app."""
    return enrol(http, clock, user.username, mfa_token_of(http.login(username=user.username)))


@pytest.fixture
def without_notices(stage: Stage, clock: Clock) -> Iterator[None]:
    """Switch the tenant's notices off."""
    before = dict(stage.config().documents())["tenant"]
    stage.config().put("tenant", before | {"notices": False})
    clock.advance(61)
    yield
    stage.config().put("tenant", before)


def told(http: Http, user: User) -> list[str]:
    """Run the schedule, and return the subjects of the emails to somebody. Those of one run have no order."""
    run_schedule(http)
    return sorted(mail.subject for mail in mails_to(user.email))


def mfa_access_token(http: Http, clock: Clock, enrolled: EnrolledUser) -> str:
    """Log in with both factors to the MFA API."""
    clock.advance(30)
    waiting = mfa_token_of(mfa_api_login(http, enrolled.username))
    return str(with_otp(http, waiting, enrolled.app.code()).json()["access_token"])


def test_first_factor_is_told_once_it_is_confirmed(
    http: Http, clock: Clock, user: User, enrolled: EnrolledUser
) -> None:
    assert told(http, user) == [ADDED]
    assert "an authenticator app" in mails_to(user.email)[0].text
    # A login with it is no change of it.
    clock.advance(30)
    assert with_otp(http, enrolled.login(http), enrolled.app.code()).status_code == 200
    assert told(http, user) == [ADDED]


def test_factor_that_waits_for_its_first_code_is_not_told(http: Http, user: User) -> None:
    mfa_token = mfa_token_of(http.login(username=user.username))
    http.post("/mfa/associate", json={"authenticator_types": ["otp"]}, headers={"Authorization": f"Bearer {mfa_token}"})

    assert told(http, user) == []


def test_removed_factor_is_told(http: Http, clock: Clock, user: User, enrolled: EnrolledUser) -> None:
    token = mfa_access_token(http, clock, enrolled)
    (app, _) = authenticators(http, token).json()
    assert remove(http, token, app["id"]).status_code == 204

    assert told(http, user) == [ADDED, REMOVED]


def test_used_recovery_code_is_told_without_the_code(http: Http, user: User, enrolled: EnrolledUser) -> None:
    answer = with_recovery_code(http, enrolled.login(http), enrolled.recovery_code)
    assert answer.status_code == 200

    assert told(http, user) == [ADDED, USED]
    texts = str(mails_to(user.email))
    assert enrolled.recovery_code not in texts
    assert answer.json()["recovery_code"] not in texts


def test_wrong_recovery_code_is_not_told(http: Http, user: User, enrolled: EnrolledUser) -> None:
    assert with_recovery_code(http, enrolled.login(http), "A" * 24).status_code == 400

    assert told(http, user) == [ADDED]


def test_new_password_is_told(http: Http, user: User) -> None:
    ask_reset(http, OPEN, user.email)
    assert reset(http, OPEN, ticket=ticket_of(mails(http, user.email)[-1])).status_code == 200

    assert told(http, user) == ["Choose a new password for Gatehouse demo", CHANGED]


def test_unverified_address_is_told_nothing_of_factors(http: Http, clock: Clock, people: PeopleMaker) -> None:
    user = people.make(email_verified=False)
    enrol(http, clock, user.username, mfa_token_of(http.login(username=user.username)))

    assert told(http, user) == []


def test_deleted_person_is_told_nothing(http: Http, people: PeopleMaker, user: User, enrolled: EnrolledUser) -> None:
    people.of(OPEN).delete(user)

    assert told(http, user) == []


@pytest.mark.usefixtures("without_notices")
def test_tenant_without_notices_tells_nobody(http: Http, user: User, enrolled: EnrolledUser) -> None:
    with_recovery_code(http, enrolled.login(http), enrolled.recovery_code)
    ask_reset(http, OPEN, user.email)
    reset(http, OPEN, ticket=ticket_of(mails(http, user.email)[-1]))

    assert told(http, user) == ["Choose a new password for Gatehouse demo"]

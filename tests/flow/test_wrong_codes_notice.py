"""Who has the password and fails the second factor ten times in a row: the owner is mailed, once a day."""

import pytest

from infra.stage.aws import Stage
from infra.tenant.schema import TenantFile
from tests.flow.test_block_notice import run_schedule
from tests.support.fixed import Clock
from tests.support.http import Http
from tests.support.mfa import EnrolledUser, enrol, mails_to, mfa_token_of, with_otp
from tests.support.people import PeopleMaker
from tests.support.stages import provision_stage


@pytest.fixture(scope="module")
def stage(stage: Stage, demo: TenantFile) -> Stage:
    """A stage of these tests' own, where a second factor is always owed."""
    mfa = demo.mfa.model_copy(update={"policy": "always", "factors": ("otp",)})
    return provision_stage("wrongcodes", demo.model_copy(update={"mfa": mfa}))


def enrolled(http: Http, people: PeopleMaker, clock: Clock, is_verified: bool) -> EnrolledUser:
    """Make somebody with an app."""
    user = people.make(email_verified=is_verified)
    return enrol(http, clock, user.username, mfa_token_of(http.login(username=user.username)))


def guess(http: Http, user: EnrolledUser, times: int, clock: Clock) -> None:
    """Type wrong codes, as slowly as the allowance of codes demands."""
    for _ in range(times):
        clock.advance(360)
        assert with_otp(http, user.login(http), "000000").status_code == 400


def told(user: EnrolledUser, people: PeopleMaker) -> list[str]:
    (address,) = {one.email for one in people.made if one.username == user.username}
    return [mail.subject for mail in mails_to(address) if "Wrong codes" in mail.subject]


def test_tenth_wrong_code_in_a_row_is_told_once_a_day(http: Http, people: PeopleMaker, clock: Clock) -> None:
    user = enrolled(http, people, clock, is_verified=True)
    guess(http, user, 9, clock)
    run_schedule(http)
    before = told(user, people)
    guess(http, user, 3, clock)
    run_schedule(http)

    assert (before, told(user, people)) == ([], ["Wrong codes at your account at Gatehouse demo"])
    clock.advance(86_400)
    guess(http, user, 1, clock)
    run_schedule(http)
    assert len(told(user, people)) == 2


def test_unverified_address_is_told_nothing(http: Http, people: PeopleMaker, clock: Clock) -> None:
    user = enrolled(http, people, clock, is_verified=False)
    guess(http, user, 10, clock)
    run_schedule(http)

    assert told(user, people) == []


def test_tenant_without_notices_sends_none(http: Http, stage: Stage, people: PeopleMaker, clock: Clock) -> None:
    user = enrolled(http, people, clock, is_verified=True)
    guess(http, user, 10, clock)
    before = dict(stage.config().documents())["tenant"]
    stage.config().put("tenant", before | {"notices": False})
    clock.advance(61)
    run_schedule(http)
    stage.config().put("tenant", before)

    assert told(user, people) == []

"""docs/run/scaling.md holds what is computed, and requests call KMS as often as the computation takes them to."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from chalicelib import wiring
from infra.stage.aws import Stage
from tests.figures.scaling import KMS_CALLS, table
from tests.support.access_tokens import userinfo
from tests.support.calls import calls_of
from tests.support.fixed import Clock
from tests.support.http import Http
from tests.support.mfa import enrol, mfa_token_of, with_otp
from tests.support.people import PeopleMaker
from tests.support.rules import ask_the_unenrolled, client_with_rules

PAGE = (Path(__file__).parents[2] / "docs" / "run" / "scaling.md").read_text("utf-8")
SIGNATURES, SYMMETRIC = ("Sign",), ("Decrypt", "Encrypt", "GenerateDataKey")
Send = Callable[[], httpx.Response]


@pytest.fixture
def ruled(stage: Stage, externals: wiring.Externals) -> Iterator[Http]:
    with client_with_rules(stage, externals, ask_the_unenrolled) as client:
        yield client


@pytest.fixture
def kinds(http: Http, ruled: Http, clock: Clock, people: PeopleMaker) -> dict[str, Send]:
    """Return what sends each kind of request, to a process that has served before."""
    token = http.login(scope="openid").json()["access_token"]
    refresh_token = http.login(scope="offline_access").json()["refresh_token"]
    user = people.make()
    enrolled = enrol(ruled, clock, str(user.username), mfa_token_of(ruled.login(username=user.username)))
    clock.advance(60)
    return {
        "login, password": lambda: http.login(scope="read:timesheets"),
        "login, with an ID token": lambda: http.login(scope="openid"),
        "login, with a refresh token": lambda: http.login(scope="offline_access"),
        "login, with TOTP": lambda: with_otp(ruled, enrolled.login(ruled), enrolled.app.code()),
        "wrong password": lambda: http.login(password="wrong"),
        "refresh": lambda: http.refresh(refresh_token),
        "userinfo": lambda: userinfo(http, token),
    }


def test_page_has_the_table_that_is_computed() -> None:
    assert f"<!-- costs -->\n{table()}\n<!-- end of costs -->" in PAGE


def test_quota_that_stops_a_stage_first_stands_first() -> None:
    section = PAGE.partition("## The quotas that stop a stage first\n")[2].partition("\n## ")[0]
    cells = [row.split(" | ")[2] for row in section.splitlines() if row.startswith("| ")][1:]
    logins_s = [int(number.replace(",", "")) for cell in cells for number in re.findall(r"^[\d,]+", cell)]

    assert len(logins_s) > 5
    assert logins_s == sorted(logins_s)


def test_requests_call_kms_as_often_as_the_table_says(kinds: dict[str, Send], stage: Stage) -> None:
    seen = {}
    for kind, send in kinds.items():
        with calls_of(stage) as calls:
            assert send().status_code == (400 if kind == "wrong password" else 200)
        seen[kind] = tuple(sum(one in names for one in calls.made) for names in (SIGNATURES, SYMMETRIC))

    assert seen == KMS_CALLS

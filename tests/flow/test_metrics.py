"""The members of a request's log line that metrics are made of, through HTTP."""

import pytest

from chalicelib.store.aws import budget
from infra.stage.aws import Stage
from tests.support.faults import before, left_out
from tests.support.http import Http
from tests.support.people import PeopleMaker

LONG = "http://auth0.com/oauth/grant-type/password-realm"


@pytest.mark.parametrize("password", [{}, {"password": "wrong"}])
def test_grant_type_is_in_the_line_of_success_and_failure(
    http: Http, people: PeopleMaker, password: dict[str, str]
) -> None:
    username = people.make().username
    http.login(username=username, **password)
    http.realm_login("employees", username=username, **password)

    assert [line["grant_type"] for line in http.log] == ["password", LONG]


@pytest.mark.parametrize(
    "fault", [{"client_secret": "wrong"}, {"grant_type": "made-up"}, {"client_id": "nobody"}, {"grant_type": None}]
)
def test_grant_type_is_never_of_an_unknown_client_or_one_that_the_stage_has_not(
    http: Http, fault: dict[str, str | None]
) -> None:
    assert http.login(**fault).status_code in (400, 401)
    (line,) = http.log
    assert "grant_type" not in line


def test_throttled_tries_are_in_the_line_by_service(http: Http, stage: Stage, people: PeopleMaker) -> None:
    username = people.make().username
    with before(stage, "Sign", lambda: budget.current().count_throttle("kms")):
        http.login(username=username)
        http.login(username=username)

    assert [line.get("kms_throttles") for line in http.log] == [1, None]


def test_batch_that_dynamodb_answers_in_part_is_a_throttle(http: Http, stage: Stage, people: PeopleMaker) -> None:
    username = people.make().username
    with left_out(stage, times=1):
        assert http.login(username=username).status_code == 200

    (line,) = http.log
    assert line["dynamodb_throttles"] == 1

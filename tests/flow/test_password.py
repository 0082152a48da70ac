"""The password grant (RFC 6749 4.3), through HTTP. Each test names its row of the case list."""

import jwt
import pytest

from tests.conftest import ISSUER
from tests.support.http import TIMESHEETS, Http
from tests.support.people import PASSWORD, PeopleMaker

WRONG = {"error": "invalid_grant", "error_description": "Wrong email or password."}


def claims_of(response_token: str) -> dict[str, object]:
    claims: dict[str, object] = jwt.decode(response_token, options={"verify_signature": False})
    return claims


def test_right_password_answers_a_token_c01(http: Http) -> None:
    response = http.login()

    assert response.status_code == 200
    body = response.json()
    assert body["token_type"] == "Bearer"
    assert body["expires_in"] == 86400
    assert body["scope"] == "read:timesheets create:timesheets delete:timesheets approve:timesheets"
    assert claims_of(body["access_token"])["iss"] == ISSUER


def test_email_instead_of_username_is_the_same_sub_c02(http: Http) -> None:
    by_name, by_email = http.login(), http.login(username="alice@example.com")

    assert claims_of(by_name.json()["access_token"])["sub"] == claims_of(by_email.json()["access_token"])["sub"]


@pytest.mark.parametrize("name", ["username", "password"])
def test_missing_credential_is_an_invalid_request_c03(http: Http, name: str) -> None:
    response = http.login(**{name: None})

    assert response.status_code == 400
    assert response.json() == {
        "error": "invalid_request",
        "error_description": f"Missing required parameter: {name}",
    }


def test_wrong_password_and_unknown_user_answer_the_same_bytes_c05_c06(http: Http) -> None:
    wrong, unknown = http.login(password="wrong"), http.login(username="nobody")

    assert wrong.status_code == unknown.status_code == 400
    assert wrong.json() == WRONG
    assert wrong.content == unknown.content
    assert [line["event"] for line in http.log] == ["fp", "fu"]


def test_blocked_user_is_told_only_after_the_right_password_c08(http: Http, people: PeopleMaker) -> None:
    user = people.make(blocked=True)

    assert http.login(username=user.username, password="wrong").json() == WRONG
    told = http.login(username=user.username, password=PASSWORD)
    assert (told.status_code, told.json()) == (
        403,
        {"error": "unauthorized", "error_description": "user is blocked"},
    )


def test_audience_of_the_token_is_the_api(http: Http) -> None:
    assert claims_of(http.login().json()["access_token"])["aud"] == TIMESHEETS

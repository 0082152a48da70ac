"""The password grant (RFC 6749 4.3), through HTTP."""

import pytest

from infra.stage.aws import Stage
from tests.support.calls import rounds_of
from tests.support.clients import make_client
from tests.support.fixed import ISSUER, Clock, Hashes
from tests.support.http import TIMESHEETS, Http
from tests.support.people import PASSWORD, PeopleMaker
from tests.support.tokens import claims_in

WRONG = {"error": "invalid_grant", "error_description": "Wrong email or password."}


def test_right_password_answers_a_token(http: Http) -> None:
    response = http.login()

    assert response.status_code == 200
    body = response.json()
    assert body["token_type"] == "Bearer"
    assert body["expires_in"] == 86400
    assert body["scope"] == "read:timesheets create:timesheets delete:timesheets approve:timesheets"
    assert claims_in(body["access_token"])["iss"] == ISSUER


def test_email_instead_of_username_is_the_same_sub(http: Http) -> None:
    by_name, by_email = http.login(), http.login(username="alice@example.com")

    assert claims_in(by_name.json()["access_token"])["sub"] == claims_in(by_email.json()["access_token"])["sub"]


@pytest.mark.parametrize("name", ["username", "password"])
def test_missing_credential_is_an_invalid_request(http: Http, name: str) -> None:
    response = http.login(**{name: None})

    assert response.status_code == 400
    assert response.json() == {
        "error": "invalid_request",
        "error_description": f"Missing required parameter: {name}",
    }


def test_wrong_password_and_unknown_user_answer_the_same_bytes(http: Http) -> None:
    wrong, unknown = http.login(password="wrong"), http.login(username="nobody")

    assert wrong.status_code == unknown.status_code == 400
    assert wrong.json() == WRONG
    assert wrong.content == unknown.content
    assert [line["event"] for line in http.log] == ["fp", "fu"]


def test_blocked_user_is_told_only_after_the_right_password(http: Http, people: PeopleMaker) -> None:
    user = people.make(blocked=True)

    assert http.login(username=user.username, password="wrong").json() == WRONG
    told = http.login(username=user.username, password=PASSWORD)
    assert (told.status_code, told.json()) == (
        403,
        {"error": "unauthorized", "error_description": "user is blocked"},
    )


def test_audience_of_the_token_is_the_api(http: Http) -> None:
    assert claims_in(http.login().json()["access_token"])["aud"] == TIMESHEETS


@pytest.mark.parametrize("length", [64, 72, 73, 128, 200, 1024])
def test_long_password_gets_in(http: Http, people: PeopleMaker, length: int) -> None:
    password = ("correct horse " * 80)[:length]
    user = people.make(password=password)

    assert http.login(username=user.username, password=password).status_code == 200
    assert http.login(username=user.username, password=password[:-1]).status_code == 400


def test_password_of_twenty_years_ago_gets_in(http: Http, people: PeopleMaker, clock: Clock) -> None:
    user = people.make()
    clock.advance(20 * 365 * 86_400)

    assert http.login(username=user.username).status_code == 200


@pytest.mark.parametrize(("stored", "typed"), [(73, 72), (72, 73), (100, 72), (72, 100)])
def test_nothing_after_72_bytes_is_ignored(http: Http, people: PeopleMaker, stored: int, typed: int) -> None:
    user = people.make(password="x" * stored)

    assert http.login(username=user.username, password="x" * typed).json() == WRONG


@pytest.mark.parametrize(
    "password", [" leading space", "trailing space ", "two  inner spaces", "\ttabs and\t", "new\nline"]
)
def test_white_space_counts(http: Http, people: PeopleMaker, password: str) -> None:
    user = people.make(password=password)

    assert http.login(username=user.username, password=password).status_code == 200
    assert http.login(username=user.username, password=" ".join(password.split())).json() == WRONG


def test_case_of_the_password_counts(http: Http) -> None:
    assert http.login(password=PASSWORD.upper()).json() == WRONG


def test_composed_and_decomposed_password_are_one(http: Http, people: PeopleMaker) -> None:
    user = people.make(password="caf\u00e9 caf\u00e9")

    assert http.login(username=user.username, password="cafe\u0301 cafe\u0301").status_code == 200


def test_fullwidth_letters_are_others(http: Http, people: PeopleMaker) -> None:
    user = people.make(password="\uff21\uff22\uff23\uff24\uff25\uff26\uff27\uff28")

    assert http.login(username=user.username, password="ABCDEFGH").json() == WRONG


def test_emoji_password_gets_in(http: Http, people: PeopleMaker) -> None:
    password = "\U0001f40e\U0001f50b\U0001f4ce\u2705" * 10
    user = people.make(password=password)

    assert http.login(username=user.username, password=password).status_code == 200


@pytest.mark.parametrize("typed", ["ANA", "Ana", " ana ", "ana\u2003"])
def test_username_is_folded_and_trimmed(http: Http, people: PeopleMaker, typed: str) -> None:
    name = f"ana{people.make().username}"
    user = people.make(username=name.title())

    response = http.login(username=typed.replace("ana", name).replace("ANA", name.upper()).replace("Ana", name.title()))
    assert claims_in(response.json()["access_token"])["sub"] == user.user_id


@pytest.mark.parametrize(
    ("stored", "typed", "is_one"),
    [
        ("stra\u00dfe", "STRASSE", True),
        ("\u03a3\u03af\u03c3\u03c5\u03c6\u03bf\u03c2", "\u03c3\u03af\u03c3\u03c5\u03c6\u03bf\u03c3", True),
        ("ren\u00e9", "rene\u0301", True),
        ("\u0130brahim", "ibrahim", False),
        ("\u0131rmak", "irmak", False),
        ("\u0430nn\u0430", "anna", False),
        ("\uff41nna", "anna", False),
    ],
)
def test_one_rule_says_which_names_are_one(
    http: Http, people: PeopleMaker, stored: str, typed: str, is_one: bool
) -> None:
    suffix = people.make().username
    people.make(username=stored + suffix)

    assert http.login(username=typed + suffix).status_code == (200 if is_one else 400)


def test_user_of_another_realm_is_unknown_to_the_default_one(http: Http, people: PeopleMaker) -> None:
    user = people.make("customers")

    assert http.login(username=user.email, password=PASSWORD).json() == WRONG
    assert http.realm_login("customers", username=user.email, password=PASSWORD).status_code == 200


def test_identifier_that_the_realm_does_not_take_is_unknown(http: Http, people: PeopleMaker) -> None:
    user = people.make("customers", username="knownbutnottaken")

    assert http.realm_login("customers", username=user.username, password=PASSWORD).json() == WRONG
    assert http.realm_login("customers", username=user.email, password=PASSWORD).status_code == 200


def test_login_is_noted_on_the_record(http: Http, people: PeopleMaker, clock: Clock) -> None:
    user = people.make()
    http.login(username=user.username)
    clock.advance(60)
    http.login(username=user.username)

    noted = people.of("employees").find(user.user_id)
    assert (noted.logins_count, noted.last_login, noted.last_ip) == (2, int(clock()), http.source_ip)


def test_refused_login_is_not_noted(http: Http, people: PeopleMaker) -> None:
    user = people.make()
    http.login(username=user.username, password="wrong")

    noted = people.of("employees").find(user.user_id)
    assert (noted.logins_count, noted.last_login, noted.last_ip) == (0, 0, "")


def test_outcome_is_one_line_with_names_and_no_more(http: Http, people: PeopleMaker) -> None:
    user = people.make()
    response = http.login(username=user.username)
    http.login(username="Nobody Known")

    success, failure = http.log
    assert {name: success[name] for name in success if name not in ("time", "ms")} == {
        "event": "sepft",
        "grant_type": "password",
        "client_id": "demo-backend",
        "realm": "employees",
        "user": user.user_id,
        "source_ip": http.source_ip,
        "request_id": response.headers["X-Request-Id"],
        "path": "/oauth/token",
        "status": 200,
        "aws_calls": success["aws_calls"],
    }
    assert type(success["ms"]) is int
    assert success["aws_calls"] >= 5
    assert (failure["event"], failure["status"], failure["error"]) == ("fu", 400, "invalid_grant")
    assert failure["reason"] == "unknown user"
    assert failure["user"].startswith("name:")
    assert "obody" not in failure["user"]


def test_as_many_calls_are_made_however_many_there_are(http: Http, people: PeopleMaker, stage: Stage) -> None:
    user = people.make()
    http.login(username=user.username)
    with rounds_of(stage) as few:
        http.login(username=user.username)
    for _ in range(50):
        people.make()
        make_client(stage)
    with rounds_of(stage) as many:
        http.login(username=user.username)

    assert many.rounds == few.rounds
    assert len(many.made) == len(few.made) == 5


@pytest.mark.parametrize("username", ["alice", "nobody"])
def test_empty_password_is_a_missing_one_for_known_and_unknown_alike(http: Http, hashes: Hashes, username: str) -> None:
    response = http.login(username=username, password="")

    assert response.json()["error_description"] == "Missing required parameter: password"
    assert response.status_code == 400
    assert hashes.count == 0


def test_names_of_any_script_fit_a_token(http: Http, people: PeopleMaker) -> None:
    name = "\u738b" * 300
    user = people.make(name=name)
    body = http.login(username=user.username, scope="openid profile").json()

    assert claims_in(body["id_token"])["name"] == name

"""`gatehouse users set`: a person's profile is changed, and nothing of it is lost or taken twice."""

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from chalicelib.model.user import User
from infra.errors import UserExists
from infra.stage.aws import Stage
from tests.cli.conftest import Gatehouse, Ran
from tests.support.accounts import OPEN, ask_reset, mails, new_email, open_demo, reset, run_schedule, ticket_of
from tests.support.http import Http
from tests.support.mfa import mails_to
from tests.support.people import PASSWORD, PeopleMaker
from tests.support.stages import provision_stage

EMPLOYEES = ("--realm", OPEN)
CHANGED = "The email address of your account at Gatehouse demo was changed"


@pytest.fixture(scope="module")
def stage(stage: Stage) -> Stage:
    """A stage of these tests' own, where a run of the schedule finds no mails of others."""
    return provision_stage("usersset", open_demo())


@pytest.fixture
def run(stage: Stage, tmp_path: Path) -> Any:
    """Runs the command for a person."""
    gatehouse = Gatehouse(stage, tmp_path)
    return lambda user, *options: gatehouse.run("users", "set", user.user_id, *EMPLOYEES, *options)


@pytest.fixture
def user(people: PeopleMaker) -> User:
    """Somebody with a verified email."""
    return people.make(email_verified=True, name="Carol C", user_metadata={"plan": "free", "seats": 3})


def stored(people: PeopleMaker, user: User) -> User:
    return people.of(OPEN).find(user.user_id)


def test_texts_and_flags_are_set_and_the_others_stay(run: Any, people: PeopleMaker, user: User) -> None:
    words = (
        "--given-name",
        "Carol",
        "--phone-number",
        "+14155550123",
        "--phone-verified",
        "--picture",
        "https://x.example/c",
    )
    ran: Ran = run(user, *words)
    after = stored(people, user)

    assert (ran.code, ran.out) == (0, f"{user.user_id}: changed given_name, picture, phone_number, phone_verified.\n")
    assert (after.given_name, after.phone_number, after.phone_verified) == ("Carol", "+14155550123", True)
    assert (after.name, after.email, after.email_verified, after.user_metadata) == (
        user.name,
        user.email,
        True,
        user.user_metadata,
    )


def test_name_which_dynamodb_reserves_is_set_and_removed(run: Any, people: PeopleMaker, user: User) -> None:
    assert run(user, "--name", "Carol Again").code == 0
    assert stored(people, user).name == "Carol Again"
    assert run(user, "--name", "").code == 0
    assert stored(people, user).name == ""


def test_metadata_are_merged_at_the_first_level(run: Any, people: PeopleMaker, user: User) -> None:
    ran: Ran = run(user, "--user-metadata", '{"plan": null, "theme": {"dark": true}}', "--user-metadata", "seats=4")
    assert (ran.code, ran.out) == (0, f"{user.user_id}: changed user_metadata.\n")
    assert stored(people, user).user_metadata == {"theme": {"dark": True}, "seats": 4}
    run(user, "--app-metadata", "note=as text", "--app-metadata", "seats=null")
    assert stored(people, user).app_metadata == {"note": "as text"}


def test_new_email_is_an_identifier_at_once_and_the_old_one_is_free(
    run: Any, http: Http, people: PeopleMaker, user: User
) -> None:
    email = new_email()
    assert run(user, "--email", email).code == 0
    after = stored(people, user)

    assert (after.email, after.email_verified) == (email, False)
    statuses = [http.realm_login(OPEN, username=name, password=PASSWORD).status_code for name in (email, user.email)]
    assert statuses == [200, 400]
    assert people.make(email=user.email).email == user.email


def test_email_in_other_letters_is_the_same_one(run: Any, people: PeopleMaker, user: User) -> None:
    assert run(user, "--email", user.email.upper()).code == 0
    after = stored(people, user)

    assert (after.email, after.email_verified) == (user.email.upper(), True)
    assert people.of(OPEN).find(user.email).user_id == user.user_id


def test_new_username_moves_and_the_old_one_is_free(run: Any, people: PeopleMaker, user: User) -> None:
    assert run(user, "--username", f"{user.username}-new").code == 0

    assert people.of(OPEN).find(f"{user.username}-new").user_id == user.user_id
    assert people.make(username=user.username).user_id != user.user_id


def test_verified_old_address_and_the_new_one_are_told(run: Any, http: Http, user: User) -> None:
    email = new_email()
    run(user, "--email", email)
    run_schedule(http)

    assert [[mail.subject for mail in mails_to(one)] for one in (user.email, email)] == [[CHANGED], [CHANGED]]
    assert email not in mails_to(user.email)[0].text


def test_unverified_old_address_is_not_told(run: Any, http: Http, people: PeopleMaker) -> None:
    user, email = people.make(email_verified=False), new_email()
    run(user, "--email", email)
    run_schedule(http)

    assert (mails_to(user.email), len(mails_to(email))) == ([], 1)


def test_ticket_that_went_to_the_old_email_is_over(run: Any, http: Http, user: User) -> None:
    ask_reset(http, OPEN, user.email)
    ticket = ticket_of(mails(http, user.email)[-1])
    run(user, "--email", new_email())

    assert reset(http, OPEN, ticket=ticket).status_code == 400


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "Name what to change, such as --email."),
        (("--email", "nobody"), "A username holds no @, an email holds one."),
        (("--username", "", "--email", ""), "In realm employees a person needs: username or email."),
        (("--name", "x" * 301), "name has at most 300 characters"),
        (("--name", "a\nb"), "name has at most 300 characters, none of them a control character."),
        (("--picture", "http://x.example/c"), "picture is an https URL."),
        (("--phone-number", "12345"), "phone_number is in E.164 form"),
        (("--user-metadata", "plan"), "--user-metadata takes a JSON object, or name=value; not: plan"),
        (("--app-metadata", "{x"), "--app-metadata holds no JSON object: {x"),
        (("--app-metadata", json.dumps({"x": "y" * 70_000})), "app_metadata would have more than 64 KiB."),
    ],
    ids=lambda value: value[0] if isinstance(value, tuple) and value else "",
)
def test_unfit_change_is_refused_and_changes_nothing(
    run: Any, people: PeopleMaker, user: User, words: tuple[str, ...], said: str
) -> None:
    ran: Ran = run(user, *words)

    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith(said)
    assert stored(people, user) == user


def test_identifier_of_somebody_else_is_refused(run: Any, people: PeopleMaker, user: User) -> None:
    other = people.make()
    for words in (("--email", other.email), ("--username", other.username)):
        ran: Ran = run(user, *words)
        assert (ran.code, ran.err) == (2, "Another user of the realm has that username or email already.\n")

    assert stored(people, user) == user


def test_two_who_take_one_email_at_once_get_it_once(people: PeopleMaker) -> None:
    takers, email, staff = [people.make() for _ in range(6)], new_email(), people.of(OPEN)

    def take(user: User) -> bool:
        try:
            staff.change(user, {"email": email})
        except UserExists:
            return False
        return True

    with ThreadPoolExecutor(6) as pool:
        assert sum(pool.map(take, takers)) == 1
    assert sum(staff.find(user.user_id).email == email for user in takers) == 1


def test_parallel_changes_lose_nothing(people: PeopleMaker, user: User) -> None:
    staff = people.of(OPEN)
    changes: list[dict[str, Any]] = [{"user_metadata": {f"key{number}": number}} for number in range(4)]
    changes += [{"name": "Carol D"}, {"nickname": "caz"}, {"app_metadata": {"a": 1}}]
    with ThreadPoolExecutor(7) as pool:
        list(pool.map(lambda change: staff.change(user, change), changes))
    after = stored(people, user)

    assert after.user_metadata == user.user_metadata | {f"key{number}": number for number in range(4)}
    assert (after.name, after.nickname, after.app_metadata) == ("Carol D", "caz", {"a": 1})


def test_password_that_an_operator_sets_is_told(http: Http, people: PeopleMaker, user: User) -> None:
    people.of(OPEN).set_password(user, "another quiet word 17")
    run_schedule(http)

    assert [mail.subject for mail in mails_to(user.email)] == ["Your password for Gatehouse demo was changed"]

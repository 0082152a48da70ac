"""The profile that a legacy store answers: what of it moves, and what lets nobody in."""

from typing import Any

import pytest

from chalicelib import wiring
from infra.stage.aws import Stage
from tests.support.http import Http
from tests.support.legacy import Store, client_with_legacy
from tests.support.moves import WRONG, count_attempts, find_moved, is_unknown
from tests.support.people import PASSWORD, PeopleMaker
from tests.support.tokens import claims_in


@pytest.mark.parametrize(
    "profile",
    [
        {"email": "other@old.example"},
        {"email": "other@old.example", "username": "other"},
        {"email": ""},
        {"email": None, "name": "typed@old.example"},
    ],
)
def test_profile_of_another_name_is_a_wrong_password(
    moving: Http, store: Store, people: PeopleMaker, stage: Stage, profile: dict[str, Any]
) -> None:
    email = store.add()
    store.profiles[email] = {"user_id": "42"} | profile

    assert moving.login(username=email).json() == WRONG
    assert count_attempts(stage, email) == (1, 1)
    assert all(is_unknown(people, name) for name in (email, "other@old.example", "other"))
    (warning,) = moving.log[-1]["warnings"]
    assert "old.example" not in warning


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        (
            {"mfa_factors": [{"totp": {"secret": "S3CRET"}}]},
            "The profile has unknown members. These are known: user_id, ",
        ),
        ({"email_verified": "yes"}, "email_verified is true or false"),
        ({"blocked": 1}, "blocked is true or false"),
        ({"name": 7}, "name is a text"),
        ({"name": "x" * 301}, "name has at most 300 characters"),
        ({"name": "a\nb"}, "name has at most 300 characters"),
        ({"picture": "http://S3CRET"}, "picture is an https URL"),
        ({"phone_number": "S3CRET"}, "phone_number is in E.164 form"),
        ({"user_id": 7}, "user_id is a text"),
        ({"user_id": "two words"}, "user_id has 1 to 249"),
        ({"user_id": "me@clients"}, "user_id has 1 to 249"),
        ({"user_id": ""}, "user_id has 1 to 249"),
        ({"username": "S3CRET@x"}, "A username holds no @"),
        ({"app_metadata": ["S3CRET"]}, "app_metadata is an object"),
        ({"app_metadata": {"S3CRET": "x" * 70_000}}, "app_metadata would have more than 64 KiB"),
        ({"user_metadata": {"at": float("nan")}}, "The profile is no JSON"),
        ({"user_metadata": {"at": object()}}, "The profile is no JSON"),
        ({"nickname": "\ud800"}, "The profile is no JSON"),
    ],
)
def test_profile_that_does_not_fit_lets_nobody_in(
    moving: Http, store: Store, people: PeopleMaker, changes: dict[str, Any], told: str
) -> None:
    email = store.add(**changes)

    assert moving.login(username=email).json() == WRONG
    assert is_unknown(people, email)
    (warning,) = moving.log[-1]["warnings"]
    assert told in warning
    assert "S3CRET" not in warning


@pytest.mark.parametrize("answer", [True, "yes", 1, [], ["a@old.example"], object(), {}])
def test_answer_that_is_no_profile_lets_nobody_in(stage: Stage, externals: wiring.Externals, answer: object) -> None:
    with client_with_legacy(stage, externals, lambda *_: answer) as http:
        assert http.login(username="a@old.example").json() == WRONG
        assert len(http.log[-1]["warnings"]) == 1


def test_deep_metadata_lets_nobody_in(moving: Http, store: Store) -> None:
    deep: dict[str, Any] = {}
    for _ in range(40):
        deep = {"in": deep}

    assert moving.login(username=store.add(app_metadata=deep)).json() == WRONG


@pytest.mark.parametrize(
    ("given", "kept"), [("abc", "auth0|abc"), ("auth0|abc", "auth0|abc"), ("employees|7", "auth0|employees|7")]
)
def test_user_id_is_kept_with_auth0s_prefix(
    moving: Http, store: Store, people: PeopleMaker, given: str, kept: str
) -> None:
    suffix = people.make().username
    email = store.add(user_id=given + suffix)

    token = moving.login(username=email).json()["access_token"]
    assert claims_in(token)["sub"] == find_moved(people, email).user_id == kept + suffix


def test_user_id_that_was_deleted_here_never_makes_old_tokens_valid(
    moving: Http, store: Store, people: PeopleMaker
) -> None:
    email = store.add(user_id=f"again{people.make().username}")
    old = moving.login(username=email, scope="openid").json()["access_token"]
    people.of("employees").delete(find_moved(people, email))

    assert moving.login(username=email).status_code == 200
    assert moving.get("/userinfo", headers={"Authorization": f"Bearer {old}"}).status_code == 401


@pytest.mark.parametrize("typed", ["  {}", "{} ", "\u200b{}"])
def test_typed_name_reaches_the_store_trimmed(moving: Http, store: Store, typed: str) -> None:
    email = store.add()

    assert moving.login(username=typed.format(email)).status_code == 200
    assert store.asked == [email]


def test_profile_in_another_spelling_is_of_the_typed_name(
    stage: Stage, externals: wiring.Externals, people: PeopleMaker
) -> None:
    email = f"ann.{people.make().username}@old.example"
    with client_with_legacy(stage, externals, lambda *_: {"email": email.upper()}) as http:
        assert http.login(username=email).status_code == 200
        assert http.login(username=email.title()).status_code == 200


def test_username_that_the_realm_does_not_take_moves_nobody(
    stage: Stage, externals: wiring.Externals, people: PeopleMaker
) -> None:
    name = f"old{people.make().username}"
    profile = {"username": name, "email": f"{name}@old.example"}
    with client_with_legacy(stage, externals, lambda *_: profile, identifiers=["email"]) as http:
        assert http.login(username=name).json() == WRONG
    assert is_unknown(people, name)


@pytest.mark.parametrize(
    ("taken", "name"), [("username", "taken"), ("email", "taken@old.example"), ("user_id", "auth0|taken")]
)
def test_profile_with_a_name_that_somebody_has_lets_nobody_in(
    moving: Http, store: Store, people: PeopleMaker, taken: str, name: str
) -> None:
    number = people.make().username
    name = name.replace("taken", f"taken{number}")
    holder = people.make(**{taken: name})
    typed = store.add(username=f"typed{number}") if taken == "email" else store.add()
    profile = store.profiles[typed]
    if taken == "email":
        # Logs in by the username, and the email is somebody else's here.
        typed, store.passwords[f"typed{number}"] = f"typed{number}", PASSWORD
        store.profiles[typed] = profile
    store.profiles[typed] = profile | {taken: name}

    assert moving.login(username=typed).json() == WRONG
    assert is_unknown(people, typed)
    assert people.of("employees").find(holder.user_id).password_hash == holder.password_hash
    assert "somebody else has here" in moving.log[-1]["warnings"][0]

"""Lazy migration: people of a realm with `import_from` move at their first login (docs/run/moving-people.md)."""

import threading
from collections.abc import Iterator
from typing import Any

import pytest

from chalicelib import wiring
from chalicelib.identifiers import digest
from chalicelib.legacy.migration import MOVED
from chalicelib.legacy.store import THREAD
from chalicelib.model.account import Account
from chalicelib.model.storage import Read
from chalicelib.model.user import User
from chalicelib.store.attempts import AttemptStore
from chalicelib.store.people.counts import count_keys, total_of
from infra.stage.aws import Stage
from infra.stage.keys import stage_key
from tests.support.attempts import sum_of_counts
from tests.support.calls import calls_of, rounds_of
from tests.support.faults import aws_error, failing
from tests.support.fixed import Clock, Hashes
from tests.support.http import Http, visible_parts
from tests.support.legacy import Store, client_with_legacy, import_package, importing
from tests.support.people import PASSWORD, PeopleMaker
from tests.support.rules import package, require_mfa
from tests.support.stages import change_protection, client_of
from tests.support.tokens import claims_in

WRONG = {"error": "invalid_grant", "error_description": "Wrong email or password."}
WAIT_S = 30


@pytest.fixture
def store() -> Store:
    return Store()


@pytest.fixture
def moving(stage: Stage, externals: wiring.Externals, store: Store) -> Iterator[Http]:
    """A client of an application whose default realm has the legacy store."""
    with client_with_legacy(stage, externals, store) as client:
        yield client


def counted(stage: Stage, name: str) -> tuple[int, int]:
    """Return how many attempts at a name that nobody has are counted, and how many of them as failed."""
    attempts = AttemptStore(stage.dynamo, f"{stage.prefix}attempts")
    account = Account("employees", f"name:{digest(name, stage_key(stage).mac)}")
    return sum_of_counts(attempts.item(attempts.key_of(account)))


def moved(people: PeopleMaker, email: str) -> User:
    return people.of("employees").find(email)


def is_unknown(people: PeopleMaker, email: str) -> bool:
    return people.of("employees").users.locate(email, ("username", "email")) is None


def test_first_right_password_writes_the_person_with_a_hash_and_answers_a_token(
    moving: Http, store: Store, people: PeopleMaker, clock: Clock
) -> None:
    email = store.add(name="Ann", given_name="A", app_metadata={"plan": "gold"}, user_metadata={"color": "red"})

    answer = moving.login(username=email)

    assert answer.status_code == 200
    user = moved(people, email)
    assert claims_in(answer.json()["access_token"])["sub"] == user.user_id
    assert (user.email, user.email_verified, user.name, user.given_name) == (email, True, "Ann", "A")
    assert (user.app_metadata, user.user_metadata) == ({"plan": "gold"}, {"color": "red"})
    assert user.password_hash.startswith("$2b$04$")
    assert (user.logins_count, user.migrated_at, user.created_at) == (1, clock.now_s(), clock.now_s())
    assert user.known_addresses
    assert moving.log[-1]["action"] == MOVED


def test_person_who_moved_logs_in_without_the_legacy_store_and_at_the_cost_of_any(
    moving: Http, store: Store, stage: Stage
) -> None:
    email = store.add()
    moving.login(username=email)
    moving.login()
    store.failure = RuntimeError("down")

    with rounds_of(stage) as of_moved:
        assert moving.login(username=email).status_code == 200
    with rounds_of(stage) as of_known:
        assert moving.login().status_code == 200

    assert store.asked == [email]
    assert of_moved.rounds == of_known.rounds == [{"BatchGetItem"}, {"GetItem", "UpdateItem"}, {"Sign", "UpdateItem"}]


def test_known_person_costs_not_one_call_more_where_a_legacy_store_is(
    moving: Http, stage: Stage, externals: wiring.Externals, store: Store
) -> None:
    with client_of(stage, externals) as plain:
        seen = []
        for http in (plain, moving):
            http.login()
            for password in (PASSWORD, "wrong"):
                with calls_of(stage) as calls:
                    http.login(password=password)
                seen.append(sorted(calls.made))

    assert seen[:2] == seen[2:]
    assert store.asked == []


@pytest.mark.parametrize("answer", [None, False])
def test_no_is_a_wrong_password_like_any_other(
    stage: Stage, externals: wiring.Externals, hashes: Hashes, answer: object, people: PeopleMaker
) -> None:
    with client_with_legacy(stage, externals, lambda *_: answer) as http:
        name = f"nobody {people.make().username}"
        # What a process reads once is read by now.
        http.login(password="wrong"), http.login(username=f"other {name}")
        hashes.count = 0
        with rounds_of(stage) as of_wrong:
            wrong = http.login(password="wrong")
        assert hashes.count == 1
        with rounds_of(stage) as of_no:
            no = http.login(username=name)
        assert hashes.count == 2

    assert visible_parts(no) == visible_parts(wrong)
    assert no.json() == WRONG
    assert of_no.rounds == of_wrong.rounds
    assert counted(stage, name) == (1, 1)
    assert is_unknown(people, name)


def test_attempt_is_counted_before_the_store_is_asked(
    stage: Stage, externals: wiring.Externals, people: PeopleMaker
) -> None:
    name, seen = f"nobody {people.make().username}", []

    def find(*_: object) -> None:
        seen.append(counted(stage, name))

    with client_with_legacy(stage, externals, find) as http:
        for _ in range(2):
            http.login(username=name)

    assert seen == [(1, 0), (2, 1)]


def test_guesses_at_the_store_end_where_guesses_at_a_person_do(moving: Http, store: Store) -> None:
    email = store.add()
    statuses = [moving.login(username=email, password=f"guess {number}").status_code for number in range(15)]

    assert statuses == [400] * 10 + [429] * 5
    assert moving.login(username=email).status_code == 429
    assert len(store.asked) == 10


def test_full_address_never_reaches_the_store(
    stage: Stage, externals: wiring.Externals, store: Store, people: PeopleMaker
) -> None:
    with (
        change_protection(stage, suspicious_ip_throttling={"max_attempts": 3}),
        client_with_legacy(stage, externals, store) as http,
    ):
        statuses = [http.login(username=f"nobody {number}@old.example").status_code for number in range(6)]

    assert statuses == [400] * 3 + [429] * 3
    assert len(store.asked) == 3


def test_success_forgets_the_failures_of_the_name(moving: Http, store: Store, stage: Stage) -> None:
    email = store.add()
    moving.login(username=email, password="wrong")

    assert moving.login(username=email).status_code == 200
    assert counted(stage, email) == (0, 0)


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
    assert counted(stage, email) == (1, 1)
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
    assert claims_in(token)["sub"] == moved(people, email).user_id == kept + suffix


def test_user_id_that_was_deleted_here_never_makes_old_tokens_valid(
    moving: Http, store: Store, people: PeopleMaker
) -> None:
    email = store.add(user_id=f"again{people.make().username}")
    old = moving.login(username=email, scope="openid").json()["access_token"]
    people.of("employees").delete(moved(people, email))

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


def test_blocked_person_is_written_blocked_and_told_so(moving: Http, store: Store, people: PeopleMaker) -> None:
    email = store.add(blocked=True)

    for _ in range(2):
        answer = moving.login(username=email)
        assert (answer.status_code, answer.json()["error_description"]) == (403, "user is blocked")
    assert moved(people, email).blocked
    assert store.asked == [email]


def test_breached_password_is_refused_after_the_move(moving: Http, store: Store, people: PeopleMaker) -> None:
    email = store.add(password="password1")

    assert moving.login(username=email, password="password1").json()["error"] == "password_leaked"
    assert moved(people, email).password_hash
    assert moving.login(username=email, password="password1").json()["error"] == "password_leaked"
    assert store.asked == [email]


def test_short_password_moves_as_it_is(moving: Http, store: Store) -> None:
    email = store.add(password="q9!")

    assert moving.login(username=email, password="q9!").status_code == 200
    assert moving.login(username=email, password="q9!").status_code == 200


def test_password_that_is_too_long_never_reaches_the_store(moving: Http, store: Store) -> None:
    email = store.add(password="x" * 1025)

    assert moving.login(username=email, password="x" * 1025).json() == WRONG
    assert store.asked == []


def test_unverified_email_is_asked_for_as_of_anybody(
    stage: Stage, externals: wiring.Externals, store: Store, people: PeopleMaker
) -> None:
    email = store.add(email_verified=False)
    signup = {"enabled": False, "requires_verified_email": True}
    with client_with_legacy(stage, externals, store, signup=signup) as http:
        answer = http.login(username=email)

    assert (answer.status_code, answer.json()["error"]) == (403, "unauthorized")
    assert moved(people, email).email_verified is False


def test_rules_and_second_factors_follow_as_at_any_login(
    stage: Stage, externals: wiring.Externals, store: Store, people: PeopleMaker
) -> None:
    email = store.add(app_metadata={"plan": "gold"})
    seen = []

    def see(user: Any, _: Any) -> None:
        seen.append((user.email, user.app_metadata, user.logins_count))

    with package(see, require_mfa) as rules, client_with_legacy(stage, externals, store, (rules,)) as http:
        answer = http.login(username=email)

    assert answer.json()["error"] == "mfa_required"
    assert seen == [(email, {"plan": "gold"}, 1)]
    assert moved(people, email).logins_count == 0
    assert counted(stage, email)[1] == 0


def test_context_says_who_asks_from_where_and_holds_no_secret(moving: Http, store: Store) -> None:
    email = store.add()
    moving.login(username=email, device="phone")

    (context,) = store.contexts
    assert (context.client_id, context.client_name) == ("demo-backend", "Demo backend")
    assert context.connection == "employees"
    assert context.tenant
    assert context.request.ip == moving.source_ip
    assert context.request.body["device"] == "phone"
    assert context.configuration == {}
    assert PASSWORD not in repr(context)
    assert "demo-backend-secret" not in repr(context)


@pytest.mark.parametrize("failure", [ConnectionError(PASSWORD), SystemExit(1), KeyboardInterrupt(), RecursionError()])
def test_store_that_is_down_is_503_for_those_who_have_not_moved_and_for_nobody_else(
    moving: Http, store: Store, stage: Stage, failure: BaseException
) -> None:
    email = store.add()
    store.failure = failure

    answer = moving.login(username=email)
    assert (answer.status_code, answer.json()["error"]) == (503, "temporarily_unavailable")
    assert int(answer.headers["Retry-After"]) >= 1
    assert moving.login().status_code == 200
    assert moving.login(password="wrong").status_code == 400
    assert counted(stage, email) == (0, 0)
    assert f"raised {type(failure).__name__} in __call__:legacy.py" in moving.log[0]["reason"]
    assert PASSWORD not in str(moving.log)

    store.failure = None
    assert moving.login(username=email).status_code == 200


def test_outage_blocks_nobody(moving: Http, store: Store) -> None:
    email = store.add()
    store.failure = TimeoutError()
    assert {moving.login(username=email).status_code for _ in range(15)} == {503}

    store.failure = None
    assert moving.login(username=email).status_code == 200


def test_store_that_takes_too_long_is_503_and_writes_nobody(
    stage: Stage, externals: wiring.Externals, people: PeopleMaker
) -> None:
    ended, email = threading.Event(), f"slow{people.make().username}@old.example"

    def hang(*_: object) -> dict[str, str]:
        ended.wait(WAIT_S)
        return {"email": email}

    with client_with_legacy(stage, externals, hang, budget_s=0.05) as http:
        answer = http.login(username=email)
        assert http.login().status_code == 200
    ended.set()
    for thread in threading.enumerate():
        if thread.name == THREAD:
            thread.join(WAIT_S)

    assert (answer.status_code, answer.json()["error"]) == (503, "temporarily_unavailable")
    assert http.log[0]["reason"].endswith("ran past its 0.05 s")
    assert is_unknown(people, email)
    assert counted(stage, email) == (0, 0)


def test_package_that_is_not_listed_is_never_imported(stage: Stage, externals: wiring.Externals, store: Store) -> None:
    with import_package(store) as name, importing(stage, f"{name}:find"), client_of(stage, externals) as http:
        answer = http.login(username=store.add())
        assert http.login().status_code == 200

    assert answer.status_code == 503
    assert store.asked == []
    assert "IMPORT_PACKAGES does not list its package" in http.log[0]["reason"]


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


def test_write_that_fails_consumes_nothing(moving: Http, store: Store, stage: Stage, people: PeopleMaker) -> None:
    email = store.add()
    with failing(stage, "TransactWriteItems", aws_error("InternalServerError")):
        assert moving.login(username=email).status_code == 503

    assert is_unknown(people, email)
    assert counted(stage, email) == (0, 0)
    assert moving.login(username=email).status_code == 200


def test_signature_that_fails_leaves_the_person_moved(moving: Http, store: Store, stage: Stage) -> None:
    email = store.add()
    with failing(stage, "Sign", aws_error("KMSInternalException")):
        assert moving.login(username=email).status_code == 503

    assert counted(stage, email) == (0, 0)
    assert moving.login(username=email).status_code == 200
    assert store.asked == [email]


def test_person_who_moves_is_counted(moving: Http, store: Store, stage: Stage, people: PeopleMaker) -> None:
    users = people.of("employees").users

    def total() -> int:

        return total_of(stage.dynamo.read(Read(tuple(count_keys(users.table)), lambda items: items)))

    before = total()
    moving.login(username=store.add())
    assert total() == before + 1


def test_both_password_grants_move_people(moving: Http, store: Store) -> None:
    assert moving.realm_login("employees", username=store.add()).status_code == 200
    assert moving.login(username=store.add()).status_code == 200


def test_realm_without_a_legacy_store_asks_nobody(moving: Http, store: Store) -> None:
    assert moving.realm_login("customers", username=store.add()).json() == WRONG
    assert store.asked == []

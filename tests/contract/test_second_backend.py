"""A login, a refresh and failures through HTTP, in a realm whose backend is not DynamoDB."""

from dataclasses import replace

import pytest

from chalicelib import wiring
from chalicelib.model.tenant import Realm
from chalicelib.model.user import User
from chalicelib.passwords.hash import dummy_hash, hash_password
from infra.stage.aws import Stage
from tests.contract.memory import MemoryDirectory
from tests.support.calls import calls_of
from tests.support.fixed import BCRYPT_COST, Hashes
from tests.support.http import BACKEND, TIMESHEETS, Http

PASSWORD = "correct horse battery staple"
USER = User(
    user_id="employees|memory",
    username="in-memory",
    email="in-memory@example.com",
    password_hash=hash_password(PASSWORD, BCRYPT_COST),
)


@pytest.fixture
def directory(stage: Stage, hashes: Hashes) -> MemoryDirectory:
    realm = stage.config().realm("employees")
    assert realm
    return MemoryDirectory(realm, dummy_hash(BCRYPT_COST), hashes.verify, {USER.user_id: USER})


@pytest.fixture
def externals(externals: wiring.Externals, directory: MemoryDirectory) -> wiring.Externals:
    def directory_of(_: Realm) -> MemoryDirectory:
        return directory

    return replace(externals, directories={"employees": directory_of})


def test_user_of_a_second_backend_logs_in_and_refreshes(http: Http, directory: MemoryDirectory) -> None:
    scope = {"audience": TIMESHEETS, "scope": "openid offline_access"}
    login = http.login(username=USER.username, password=PASSWORD, **scope)
    refresh = {"grant_type": "refresh_token", "refresh_token": login.json()["refresh_token"], **BACKEND}

    assert login.status_code == 200
    assert directory.users[USER.user_id].logins_count == 1
    assert sum(directory.users[USER.user_id].family_counts.values()) == 1
    assert http.token(refresh).status_code == 200


def test_unknown_user_and_wrong_password_are_answered_with_the_same_calls_and_hashes(
    http: Http, stage: Stage, hashes: Hashes
) -> None:
    # What a process reads once is read by now.
    http.login(username=USER.username, password="wrong")
    seen = []
    for username in (USER.username, "nobody of memory"):
        hashes.count = 0
        with calls_of(stage) as calls:
            response = http.login(username=username, password="wrong")
        seen.append((response.status_code, response.content, sorted(calls.made), hashes.count))

    assert seen[0] == seen[1]
    assert seen[0][0] == 400


def test_attempts_at_a_user_of_a_second_backend_are_counted_by_name(http: Http) -> None:
    nobody = [http.login(username="nobody of memory", password="wrong").status_code for _ in range(11)]
    wrong = [http.login(username=USER.username, password="wrong").status_code for _ in range(11)]
    unjudged = http.login(username=USER.email, password=PASSWORD)

    assert wrong == nobody == [400] * 10 + [429]
    assert (unjudged.status_code, unjudged.json()["error"]) == (400, "invalid_grant")


def test_success_clears_the_count_of_a_user_of_a_second_backend(http: Http) -> None:
    for _ in range(2):
        assert [http.login(username=USER.username, password="wrong").status_code for _ in range(9)] == [400] * 9
        assert http.login(username=USER.username, password=PASSWORD).status_code == 200

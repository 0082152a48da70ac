"""The cost of a login: AWS calls, the rounds they are made in, and bcrypts. Counted, never timed."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import bcrypt
import pytest

from chalicelib import wiring
from chalicelib.model.tenant import SuspiciousIpThrottling
from chalicelib.model.user import Permission
from chalicelib.store.buckets import LOGINS, BucketStore
from infra.stage.aws import Stage
from tests.figures.costs import measure_guess
from tests.figures.simulation import provision_demo
from tests.support.attempts import leave_failures
from tests.support.calls import Rounds, calls_of, rounds_of, units_of
from tests.support.clients import make_api
from tests.support.fake_aws.units import Units
from tests.support.fixed import Clock, Hashes
from tests.support.http import Http
from tests.support.people import PASSWORD, PeopleMaker
from tests.support.stages import change_mfa, client_of

PAGE = (Path(__file__).parents[2] / "docs" / "run" / "attack-protection.md").read_text("utf-8")


@pytest.fixture
def plain(http: Http, stage: Stage, externals: wiring.Externals) -> Iterator[Http]:
    """A client of a process that has served before, of a tenant whose logins need no profile."""
    with change_mfa(stage, factors=["otp"]), client_of(stage, externals) as client:
        assert client.login(scope="openid").status_code == 200
        client.log.clear()
        yield client


@pytest.fixture
def warm(http: Http) -> Http:
    """A client of a process that has served before."""
    assert http.login().status_code == 200
    http.log.clear()
    return http


def test_warm_login_makes_five_calls_in_three_rounds(warm: Http, stage: Stage) -> None:
    with rounds_of(stage) as calls:
        assert warm.login().status_code == 200

    assert calls.rounds == [{"BatchGetItem"}, {"GetItem", "UpdateItem"}, {"Sign", "UpdateItem"}]
    assert len(calls.made) == 5
    assert warm.log[0]["aws_calls"] == 5


def test_warm_login_that_needs_no_profile_makes_four_calls_in_three_rounds(plain: Http, stage: Stage) -> None:
    with rounds_of(stage) as calls:
        assert plain.login().status_code == 200

    assert calls.rounds == [{"BatchGetItem"}, {"UpdateItem"}, {"Sign", "UpdateItem"}]
    assert len(calls.made) == plain.log[-1]["aws_calls"] == 4


def test_id_token_that_shows_no_profile_costs_its_signature_alone(plain: Http, stage: Stage) -> None:
    with calls_of(stage) as calls:
        assert plain.login(scope="openid read:timesheets").status_code == 200

    assert Counter(calls.made) == {"BatchGetItem": 1, "UpdateItem": 2, "Sign": 2}


@pytest.mark.parametrize("scope", ["openid profile", "openid email", "phone openid"])
def test_id_token_that_shows_the_profile_costs_one_read_in_the_round_of_the_count(
    plain: Http, stage: Stage, scope: str
) -> None:
    with rounds_of(stage) as right:
        assert plain.login(scope=scope).status_code == 200
    with rounds_of(stage) as unknown:
        assert plain.login(username="nobody", scope=scope).status_code == 400

    assert right.rounds[1] == unknown.rounds[1] == {"GetItem", "UpdateItem"}


def test_wrong_password_without_the_profile_costs_what_an_unknown_name_does(plain: Http, stage: Stage) -> None:
    wrong, unknown = failing(plain, stage, password="wrong"), failing(plain, stage, username="nobody")

    assert wrong.rounds == unknown.rounds == [{"BatchGetItem"}, {"UpdateItem"}, {"UpdateItem"}]
    assert Counter(wrong.made) == Counter(unknown.made) == {"BatchGetItem": 1, "UpdateItem": 3}


@pytest.mark.parametrize("has_factor", [True, False], ids=["with a profile", "without"])
def test_metadata_adds_no_write_unit_to_a_login(
    warm: Http, plain: Http, stage: Stage, people: PeopleMaker, has_factor: bool
) -> None:
    http = warm if has_factor else plain
    written = []
    for metadata in ({}, {"notes": "x" * 64 * 1024}):
        user = people.make(user_metadata=metadata)
        http.login(username=user.username)
        with units_of(stage) as units:
            assert http.login(username=user.username).status_code == 200
            assert http.login(username=user.username, password="wrong").status_code == 400
        written.append(units.take().write)

    assert written[0] == written[1]


def test_warm_realm_login_makes_five_calls_in_three_rounds(warm: Http, stage: Stage) -> None:
    assert warm.realm_login("employees").status_code == 200
    with rounds_of(stage) as calls:
        assert warm.realm_login("employees").status_code == 200

    assert (len(calls.made), len(calls.rounds)) == (5, 3)


def failing(http: Http, stage: Stage, **params: str) -> Rounds:
    with rounds_of(stage) as calls:
        assert http.login(**params).status_code == 400
    return calls


def test_unknown_user_and_wrong_password_make_the_same_calls_and_one_bcrypt(
    warm: Http, stage: Stage, hashes: Hashes
) -> None:
    hashes.count = 0
    wrong = failing(warm, stage, password="wrong")
    assert hashes.count == 1
    unknown = failing(warm, stage, username="nobody")
    assert hashes.count == 2

    assert wrong.rounds == unknown.rounds == [{"BatchGetItem"}, {"GetItem", "UpdateItem"}, {"UpdateItem"}]
    assert len(wrong.made) == 5
    assert Counter(wrong.made) == Counter(unknown.made)
    assert [line["aws_calls"] for line in warm.log] == [5, 5]


def test_refused_attempt_costs_the_calls_that_the_page_says(
    warm: Http, stage: Stage, people: PeopleMaker, clock: Clock
) -> None:
    blocked, slowed = people.make().username, people.make()
    for _ in range(10):
        warm.login(username=blocked, password="wrong")
    at = int(clock())
    leave_failures(stage, slowed, 100, at)
    assert warm.login(username=slowed.username, password="wrong").status_code == 400
    warm.log.clear()
    for name in (blocked, slowed.username):
        for _ in range(4):
            warm.login(username=name)
    buckets = BucketStore(stage.dynamo, f"{stage.prefix}attempts", LOGINS)
    for _ in range(100):
        buckets.fill(warm.source_ip, SuspiciousIpThrottling().bucket, 1000 * at)
    clock.advance(10)
    for _ in range(5):
        warm.login()

    assert [(line["error"], line["aws_calls"]) for line in warm.log] == [
        ("too_many_attempts", calls) for calls in (1, 1, 1, 0, 1, 1, 1, 0, 1, 1, 1, 1, 0)
    ]
    costs = "A throttled address or a closed account costs one call three times, then once a second, and else none"
    assert costs in PAGE.replace("\n", " ")


@pytest.mark.usefixtures("stage")
def test_costs_of_a_guess_on_the_page_are_those_of_today() -> None:
    calls, reads, sizes = measure_guess(provision_demo("costs"))

    assert calls == {"BatchGetItem": 1, "GetItem": 1, "UpdateItem": 3}
    assert f"| read units | {reads} |" in PAGE
    assert f"the counts of each name, {sizes['counts']} bytes" in PAGE
    assert f"a bucket of {sizes['logins']} for each address" in PAGE


def test_user_without_a_password_costs_the_same_and_never_gets_in(
    warm: Http, stage: Stage, hashes: Hashes, people: PeopleMaker
) -> None:
    user = people.make(password=None)
    hashes.count = 0
    calls = failing(warm, stage, username=user.username, password="anything")

    assert hashes.count == 1
    assert len(calls.made) == 5


def test_login_asks_for_keys_alone_and_never_scans(warm: Http, stage: Stage) -> None:
    with calls_of(stage) as calls:
        warm.login()
        warm.login(username="nobody")

    assert not {"Scan", "Query"} & set(calls.made)
    assert all(params["ConsistentRead"] for name, params in calls.parameters if name == "GetItem")
    reads = [params["RequestItems"].values() for name, params in calls.parameters if name == "BatchGetItem"]
    assert reads
    assert all(table["ConsistentRead"] and len(table["Keys"]) == 1 for tables in reads for table in tables)


def test_jwks_and_metadata_are_served_without_a_call(warm: Http, stage: Stage) -> None:
    with calls_of(stage) as calls:
        assert warm.get("/.well-known/jwks.json").status_code == 200
        assert warm.get("/.well-known/openid-configuration").status_code == 200

    assert calls.made == []


def test_rehash_costs_no_call_more(warm: Http, stage: Stage, people: PeopleMaker) -> None:
    user = people.make(password=None, password_hash=bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(5)).decode())
    with calls_of(stage) as calls:
        assert warm.login(username=user.username).status_code == 200

    assert len(calls.made) == 5


def test_roles_cost_no_call_more(plain: Http, stage: Stage, people: PeopleMaker) -> None:
    audience = make_api(stage, enforce_policies=True, role_permissions={"editor": ["read:timesheets"]})
    permissions = tuple(Permission(audience, f"write:{number}") for number in range(20))
    user = people.make(roles=("editor", "another"), permissions=permissions)
    # The process reads the API's document once.
    assert plain.login(audience=audience).json()["scope"] == ""
    with rounds_of(stage) as calls:
        assert plain.login(username=user.username, audience=audience).json()["scope"] == "read:timesheets"

    assert calls.rounds == [{"BatchGetItem"}, {"UpdateItem"}, {"Sign", "UpdateItem"}]
    assert len(calls.made) == 4


def test_login_takes_these_units_of_dynamodb(warm: Http, stage: Stage, people: PeopleMaker) -> None:
    # Somebody fresh: other tests let the demo's people grow.
    user = people.make(email="", email_verified=False)
    with units_of(stage) as units:
        assert warm.login(username=user.username).status_code == 200

    assert units.take() == Units(read=3, write=2)

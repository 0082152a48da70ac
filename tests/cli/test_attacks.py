"""`gatehouse attacks`: who is kept out and until when, and how to let them in."""

import json
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chalicelib.identifiers import digest
from infra.stage.aws import Stage
from infra.stage.keys import stage_key
from tests.cli.conftest import Gatehouse
from tests.support.attempts import leave_failures
from tests.support.fixed import Clock
from tests.support.http import Http
from tests.support.people import PeopleMaker
from tests.support.stages import change_protection

REALM = ("--realm", "employees")
MONTH_S = 2_592_000


def fail(http: Http, username: str, times: int) -> list[int]:
    return [http.login(username=username, password="wrong").status_code for _ in range(times)]


def listed(gatehouse: Gatehouse, *options: str) -> list[dict[str, Any]]:
    """Return what `attacks status --json` says."""
    ran = gatehouse.run("attacks", "status", *options, "--json")
    assert (ran.code, ran.err) == (0, "")
    rows: list[dict[str, Any]] = json.loads(ran.out)
    return rows


def is_in(text: str, seconds: float) -> bool:
    """Whether a time that was printed is so many seconds from now, give or take a few for the test itself."""
    until = datetime.strptime(text, "%Y-%m-%d %H:%M:%SZ").replace(tzinfo=UTC)
    return abs(until - datetime.now(UTC) - timedelta(seconds=seconds)) < timedelta(seconds=60)


def test_status_shows_what_stands_at_a_person_by_address(shared: Gatehouse, http: Http, people: PeopleMaker) -> None:
    user, home = people.make(), http.source_ip
    fail(http, user.username, 2)
    http.source_ip = "192.0.2.200"
    fail(http, user.username, 10)
    rows = listed(shared, *REALM, "--user", user.email)
    until = [row.pop("until") for row in rows]

    counted = {"of": "logins", "account": user.user_id}
    assert rows == [
        {**counted, "address": home, "failed": 2, "limit": 10, "state": "counting"},
        {**counted, "address": "192.0.2.200", "failed": 10, "limit": 10, "state": "blocked"},
        {**counted, "address": "all", "failed": 12, "limit": 100, "state": "counting"},
    ]
    assert (until[0], until[2]) == ("", "")
    assert is_in(until[1], MONTH_S)


def test_status_shows_whom_strangers_to_are_slowed(
    shared: Gatehouse, stage: Stage, http: Http, people: PeopleMaker
) -> None:
    user = people.make()
    leave_failures(stage, user, 100, int(time.time()))
    assert fail(http, user.username, 1) == [400]
    *_, row = listed(shared, *REALM, "--user", user.user_id)

    assert (row["state"], row["failed"], row["limit"], row["address"]) == ("slowed", 101, 100, "all")
    assert is_in(row["until"], 900)


def hashed(stage: Stage, name: str) -> str:
    """Return what stands for a name that nobody has."""
    return digest(name, stage_key(stage).mac)


def test_status_of_a_realm_shows_the_blocks_alone(
    shared: Gatehouse, stage: Stage, http: Http, people: PeopleMaker
) -> None:
    blocked, counted, elsewhere = people.make(), people.make(), people.make("customers")
    fail(http, blocked.username, 10)
    fail(http, counted.username, 3)
    fail(http, "somebody unknown here", 10)
    for _ in range(10):
        http.realm_login("customers", username=elsewhere.email, password="wrong")
    accounts = {row["account"] for row in listed(shared, *REALM) if row["address"] == http.source_ip}

    assert accounts == {blocked.user_id, f"name:{hashed(stage, 'somebody unknown here')}"}


def test_status_and_unblock_take_a_name_that_nobody_has_and_its_hash(
    shared: Gatehouse, stage: Stage, http: Http
) -> None:
    name = "nobody of the attacks tests"
    fail(http, name, 10)
    assert http.login(username=name).status_code == 429
    rows = listed(shared, *REALM, "--user", name)
    assert rows == listed(shared, *REALM, "--user", f"name:{hashed(stage, name)}")
    assert [row["failed"] for row in rows] == [10, 10]

    ran = shared.run("attacks", "unblock", *REALM, "--user", f"name:{hashed(stage, name)}")
    assert (ran.code, ran.out) == (0, f"name:{hashed(stage, name)}: forgotten.\n")
    assert fail(http, name, 1) == [400]


def test_status_shows_both_buckets_of_an_address(shared: Gatehouse, http: Http, stage: Stage, clock: Clock) -> None:
    with change_protection(stage, suspicious_ip_throttling={"max_attempts": 3}):
        fail(http, "somebody", 4)
        http.login(client_secret="a guess")
        rows = listed(shared, "--address", http.source_ip)
    until = [row.pop("until") for row in rows]

    assert rows == [
        {"of": "logins", "account": "", "address": http.source_ip, "failed": 3, "limit": 3, "state": "blocked"},
        {
            "of": "clients",
            "account": "demo-backend",
            "address": http.source_ip,
            "failed": 1,
            "limit": 50,
            "state": "counting",
        },
    ]
    assert is_in(until[0], 864)
    assert until[1] == ""


def test_addresses_of_one_ipv6_network_are_shown_as_one(shared: Gatehouse, http: Http) -> None:
    http.source_ip = "2001:db8:a77a:c5::1"
    fail(http, "somebody", 1)
    (row,) = listed(shared, "--address", "2001:db8:a77a:c5:ffff::2")

    assert row["address"] == "2001:db8:a77a:c5::/64"


@pytest.mark.usefixtures("http")
def test_address_that_nobody_failed_from_has_no_rows(shared: Gatehouse) -> None:
    assert listed(shared, "--address", "203.0.113.254") == []


def test_table_shows_what_the_json_says(shared: Gatehouse, http: Http, people: PeopleMaker) -> None:
    user = people.make()
    fail(http, user.username, 10)
    (row, _) = listed(shared, *REALM, "--user", user.username)
    ran = shared.run("attacks", "status", *REALM, "--user", user.username)

    head = ["of", "account", "address", "failed", "limit", "state", "until"]
    assert ran.rows[0] == head
    assert ran.rows[1] == " ".join(str(row[name]) for name in head).split()


def test_unblock_of_a_person_clears_every_count(shared: Gatehouse, http: Http, people: PeopleMaker) -> None:
    user = people.make()
    fail(http, user.username, 10)
    assert http.login(username=user.username).status_code == 429
    ran = shared.run("attacks", "unblock", *REALM, "--user", user.username)

    assert (ran.code, ran.out) == (0, f"{user.user_id}: forgotten.\n")
    assert listed(shared, *REALM, "--user", user.username) == []
    assert http.login(username=user.username).status_code == 200


def test_unblock_of_a_person_leaves_them_blocked_by_the_operator(
    shared: Gatehouse, http: Http, people: PeopleMaker
) -> None:
    user = people.make(blocked=True)
    shared.run("attacks", "unblock", *REALM, "--user", user.username)

    assert http.login(username=user.username).status_code == 403


def test_unblock_of_an_address_lets_it_guess_again_within_a_second(
    shared: Gatehouse, http: Http, stage: Stage, clock: Clock
) -> None:
    with change_protection(stage, suspicious_ip_throttling={"max_attempts": 3}):
        assert [http.login(username=f"nobody {number}").status_code for number in range(4)] == [400] * 3 + [429]
        ran = shared.run("attacks", "unblock", "--address", http.source_ip)
        clock.advance(1)
        assert (ran.code, ran.out) == (0, f"{http.source_ip}: forgotten.\n")
        assert listed(shared, "--address", http.source_ip) == []
        assert http.login().status_code == 200


def test_unblock_of_an_address_lets_its_clients_in_again(shared: Gatehouse, http: Http) -> None:
    for client_id in ("demo-backend", "nobody"):
        for _ in range(50):
            http.login(client_id=client_id, client_secret="a guess")
    rows = {
        (row["of"], row["account"]): (row["failed"], row["state"])
        for row in listed(shared, "--address", http.source_ip)
    }
    assert rows == {("clients", "demo-backend"): (50, "blocked"), ("clients", ""): (50, "blocked")}

    assert shared.run("attacks", "unblock", "--address", http.source_ip).code == 0
    assert listed(shared, "--address", http.source_ip) == []


@pytest.mark.parametrize("command", ["status", "unblock"])
@pytest.mark.parametrize(
    "options",
    [
        (),
        ("--user", "alice"),
        (*REALM, "--address", "192.0.2.1"),
        (*REALM, "--user", "alice", "--address", "192.0.2.1"),
    ],
    ids=["nothing", "user-alone", "realm-and-address", "all"],
)
def test_options_that_name_nobody_in_particular_are_refused(
    shared: Gatehouse, command: str, options: tuple[str, ...]
) -> None:
    ran = shared.run("attacks", command, *options)

    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith("Say whom: " if command == "unblock" else "Say whose: ")


def test_unblock_of_a_whole_realm_is_refused(shared: Gatehouse) -> None:
    assert shared.run("attacks", "unblock", *REALM).code == 2


@pytest.mark.parametrize("command", ["status", "unblock"])
def test_address_that_is_none_is_refused(shared: Gatehouse, command: str) -> None:
    ran = shared.run("attacks", command, "--address", "nowhere")

    assert (ran.code, ran.err) == (2, "nowhere is no IP address.\n")


def test_unknown_realm_is_refused(shared: Gatehouse) -> None:
    ran = shared.run("attacks", "status", "--realm", "nowhere", "--user", "alice")

    assert ran.code == 2
    assert "has no realm nowhere" in ran.err


def test_status_and_unblock_reach_the_48_that_keeps_an_address_out(
    shared: Gatehouse, http: Http, stage: Stage, clock: Clock
) -> None:
    with change_protection(stage, suspicious_ip_throttling={"max_attempts": 1}):
        for subnet in range(16):
            http.source_ip = f"2001:db8:a77b:{subnet:x}::1"
            assert fail(http, f"somebody {subnet}", 1) == [400]
        (row,) = listed(shared, "--address", "2001:db8:a77b:ffff::1")
        assert (row["address"], row["failed"], row["limit"], row["state"]) == ("2001:db8:a77b::/48", 16, 16, "blocked")

        ran = shared.run("attacks", "unblock", "--address", "2001:db8:a77b:ffff::1")
        assert (ran.code, ran.out) == (0, "2001:db8:a77b:ffff::/64: forgotten.\n")
        http.source_ip = "2001:db8:a77b:ffff::1"
        clock.advance(1)
        assert http.login().status_code == 200

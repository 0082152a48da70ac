"""`gatehouse clients`: what there is, and secrets that change while both work."""

import hashlib
import re
from collections.abc import Iterator

import pytest

from chalicelib import wiring
from infra.stage.people import People
from tests.cli.account import holdings, items
from tests.cli.conftest import Gatehouse
from tests.support.fixed import BCRYPT_COST, Clock
from tests.support.http import Http
from tests.support.stages import client_of
from tests.support.tenant_documents import SMALL_API, client, small_document

FIRST = "the long secret of the app"
PERSON = {"username": "pat", "password": "pats password"}
PUBLIC = client(client_id="public", client_secret=None, token_endpoint_auth_method="none")
REALM_GRANT = "http://auth0.com/oauth/grant-type/password-realm"
# Over what the config cache keeps.
MINUTE_S = 61
# Commands look at the real clock, the handler at the test's: what lies between the two.
SLACK_S = 600


@pytest.fixture
def own(gatehouse: Gatehouse) -> Gatehouse:
    """The command, on a stage of the small tenant with a person in it."""
    gatehouse.provision(small_document(clients=[client(), PUBLIC]))
    People.of(gatehouse.stage, "staff", BCRYPT_COST).add(PERSON["password"], None, username=PERSON["username"])
    return gatehouse


@pytest.fixture
def http(own: Gatehouse, externals: wiring.Externals) -> Iterator[Http]:
    """A client of the handler on that stage."""
    with client_of(own.stage, externals) as http:
        yield http


def status(http: Http, secret: str) -> int:
    credentials = {"client_id": "app", "client_secret": secret, **PERSON}
    return http.token({"grant_type": "password", "audience": SMALL_API, **credentials}).status_code


def rotated(own: Gatehouse, *options: str) -> str:
    """Rotate the secret, and return the new one."""
    ran = own.run("clients", "rotate-secret", "app", *options)
    shown = re.fullmatch(r"Shown only now: client_secret=(\S{43})\n", ran.out)
    assert (ran.code, ran.err) == (0, "")
    assert shown
    return shown[1]


def test_old_secret_works_within_the_overlap_and_not_after(own: Gatehouse, http: Http, clock: Clock) -> None:
    second = rotated(own, "--overlap", "7200")
    assert [status(http, secret) for secret in (FIRST, second)] == [200, 200]

    clock.advance(7200 - SLACK_S)
    assert [status(http, secret) for secret in (FIRST, second)] == [200, 200]

    clock.advance(2 * SLACK_S)
    assert [status(http, secret) for secret in (FIRST, second)] == [401, 200]


def test_new_secret_works_within_a_minute_where_the_old_one_was_cached(
    own: Gatehouse, http: Http, clock: Clock
) -> None:
    assert status(http, FIRST) == 200
    second = rotated(own)
    clock.advance(MINUTE_S)

    assert [status(http, secret) for secret in (FIRST, second)] == [200, 200]


def test_old_secret_overlaps_for_a_day_by_default(own: Gatehouse, http: Http, clock: Clock) -> None:
    rotated(own)
    clock.advance(86_400 - SLACK_S)
    assert status(http, FIRST) == 200

    clock.advance(2 * SLACK_S)
    assert status(http, FIRST) == 401


def test_rotation_without_overlap_ends_the_old_secret_at_once(own: Gatehouse, http: Http) -> None:
    second = rotated(own, "--overlap", "0")

    assert [status(http, secret) for secret in (FIRST, second)] == [401, 200]


def test_second_rotation_ends_the_first_secret_and_lets_the_second_overlap(own: Gatehouse, http: Http) -> None:
    second = rotated(own)
    third = rotated(own)

    assert [status(http, secret) for secret in (FIRST, second, third)] == [401, 200, 200]


def test_rotated_secret_is_stored_as_its_sha256_alone(own: Gatehouse) -> None:
    second = rotated(own)
    stored = "".join(items(own.stage, f"{own.stage.prefix}config"))

    assert second not in stored
    assert hashlib.sha256(second.encode()).hexdigest() in stored


def test_apply_of_the_same_file_keeps_the_rotated_secret(own: Gatehouse, http: Http) -> None:
    second = rotated(own)
    before = holdings(own.stage)
    own.apply(small_document(clients=[client(), PUBLIC]))

    assert holdings(own.stage) == before
    assert status(http, second) == 200


@pytest.mark.parametrize("overlaps", [("0",), ("86400", "86400"), ("0", "0", "0")])
def test_apply_of_a_file_that_holds_an_ended_secret_does_not_bring_it_back(
    own: Gatehouse, http: Http, overlaps: tuple[str, ...]
) -> None:
    *_, last = [rotated(own, "--overlap", overlap) for overlap in overlaps]
    ran = own.apply(small_document(clients=[client(), PUBLIC]))

    assert "nothing to change" in ran.out
    assert [status(http, secret) for secret in (FIRST, last)] == [401, 200]


@pytest.mark.parametrize("client_id", ["nobody", "public", "[red]app"])
def test_client_without_a_secret_is_one_clear_line_and_exit_2(own: Gatehouse, client_id: str) -> None:
    ran = own.run("clients", "rotate-secret", client_id)

    said = f"Stage {own.stage.name} has no client {client_id} with a secret.\n"
    assert (ran.code, ran.out, ran.err) == (2, "", said)


def test_negative_overlap_is_refused(own: Gatehouse) -> None:
    ran = own.run("clients", "rotate-secret", "app", "--overlap", "-1")

    assert (ran.code, ran.out) == (2, "")


def test_list_shows_each_client_with_its_grants_and_realms(gatehouse: Gatehouse) -> None:
    gatehouse.provision(small_document(clients=[client(grant_types=["password", REALM_GRANT]), PUBLIC]))
    ran = gatehouse.run("clients", "list")

    assert ran.rows == [
        ["client_id", "name", "authentication", "grants", "realms"],
        ["app", "App", "client_secret_post", "password", "password-realm", "staff"],
        ["public", "App", "none", "password", "staff"],
    ]


def test_list_shows_no_secret_and_no_hash(own: Gatehouse) -> None:
    out = own.run("clients", "list").out

    assert FIRST not in out
    assert hashlib.sha256(FIRST.encode()).hexdigest() not in out


def test_long_client_id_is_whole_where_lines_are_short(gatehouse: Gatehouse) -> None:
    gatehouse.provision(small_document(clients=[client(client_id="z" * 256)]))
    out = gatehouse.run("clients", "list", columns=80).out

    assert (out.count("z"), "…" in out) == (256, False)

"""`gatehouse tokens revoke` without a person: a client's, a realm's or everybody's refresh tokens end, at once."""

from collections.abc import Iterator
from typing import Any

import pytest

from infra.stage.aws import Stage
from tests.cli.conftest import Gatehouse
from tests.support.calls import rounds_of
from tests.support.clients import make_client
from tests.support.config import document_of
from tests.support.fixed import BCRYPT_COST, Clock
from tests.support.http import BACKEND, PASSWORD_REALM, Http
from tests.support.mfa import App, associate, authenticators, mfa_api_login, with_otp
from tests.support.people import PeopleMaker
from tests.support.tokens import body_of

SCOPE = "offline_access read:timesheets"
UNKNOWN = {"error": "invalid_grant", "error_description": "Unknown or invalid refresh token."}
WHOSE = "Say whose: --user NAME --realm NAME, or at large --client ID, --realm NAME, both, or --everybody.\n"

Client = dict[str, str]


@pytest.fixture
def other(stage: Stage) -> Client:
    """A second confidential client, whose refresh tokens stay as they are."""
    policy = document_of(stage, "client#demo-basic")["refresh_token"]
    return {"client_id": make_client(stage, secret="s", refresh_token=policy), "client_secret": "s"}


@pytest.fixture
def mine(stage: Stage) -> Client:
    """The client that is revoked: one of this test alone, as the stage is shared."""
    return {"client_id": make_client(stage, secret="s"), "client_secret": "s"}


def login(http: Http, client: Client, username: str | None, realm: str = "employees") -> dict[str, Any]:
    given = {"grant_type": PASSWORD_REALM, "realm": realm, "username": username, "scope": SCOPE}
    return body_of(http.login(**{**given, **client}))


def told(http: Http, client: Client, token: str) -> Any:
    return http.post("/oauth/introspect", data={"token": token, **client}).json()


def lives(http: Http, client: Client, token: str) -> bool:
    """Whether introspection and then a refresh take a token; they agree."""
    introspected = told(http, client, token)
    response = http.refresh(token, client)
    if response.status_code == 200:
        assert introspected["active"] is True
        return True
    assert (response.status_code, response.json(), introspected["active"]) == (400, UNKNOWN, False)
    return False


def test_client_ends_everywhere_and_no_other_does(
    http: Http, shared: Gatehouse, people: PeopleMaker, mine: Client, other: Client
) -> None:
    employee, customer = people.make().email, people.make("customers").email
    tokens = [login(http, mine, employee)["refresh_token"], login(http, mine, customer, "customers")["refresh_token"]]
    kept = login(http, other, employee)["refresh_token"]
    ran = shared.run("tokens", "revoke", "--client", mine["client_id"])

    assert (ran.code, ran.err) == (0, "")
    assert ran.out == (
        f"Ended all refresh tokens of customers, employees, partners through client {mine['client_id']}.\n"
    )
    assert [lives(http, mine, token) for token in tokens] == [False, False]
    assert lives(http, other, kept)


def test_client_and_realm_hold_both(
    http: Http, shared: Gatehouse, people: PeopleMaker, mine: Client, other: Client
) -> None:
    employee, customer = people.make().email, people.make("customers").email
    ended = login(http, mine, employee)["refresh_token"]
    same_client = login(http, mine, customer, "customers")["refresh_token"]
    same_realm = login(http, other, employee)["refresh_token"]
    ran = shared.run("tokens", "revoke", "--client", mine["client_id"], "--realm", "employees")

    assert (ran.code, ran.out) == (0, f"Ended all refresh tokens of employees through client {mine['client_id']}.\n")
    assert not lives(http, mine, ended)
    assert lives(http, mine, same_client)
    assert lives(http, other, same_realm)


def test_login_at_the_same_instant_is_a_new_one(
    http: Http, shared: Gatehouse, people: PeopleMaker, mine: Client
) -> None:
    user = people.make()
    for _ in range(3):
        token = login(http, mine, user.username)["refresh_token"]
        shared.run("tokens", "revoke", "--client", mine["client_id"])
        assert not lives(http, mine, token)

    assert lives(http, mine, login(http, mine, user.username)["refresh_token"])


def test_clock_of_the_operators_machine_does_not_matter(
    http: Http, shared: Gatehouse, people: PeopleMaker, mine: Client, clock: Clock
) -> None:
    user = people.make()
    for moved_s in (-86_400, 2 * 86_400):
        clock.advance(moved_s)
        before = login(http, mine, user.username)["refresh_token"]
        shared.run("tokens", "revoke", "--client", mine["client_id"])
        after = login(http, mine, user.username)["refresh_token"]

        assert (lives(http, mine, before), lives(http, mine, after)) == (False, True)


@pytest.mark.parametrize("options", [["--realm", "partners"], ["--everybody"]], ids=["realm", "everybody"])
def test_realm_and_everybody_end_what_every_client_has(
    http: Http, stage: Stage, gatehouse_alone: Gatehouse, options: list[str]
) -> None:
    made = PeopleMaker(stage, BCRYPT_COST)
    clients = [
        {"client_id": make_client(stage, secret="s", realms=["employees", "partners"]), "client_secret": "s"}
        for _ in range(2)
    ]
    partner, employee = made.make("partners").email, made.make().email
    ended = [login(http, client, partner, "partners")["refresh_token"] for client in clients]
    beside = login(http, clients[0], employee)["refresh_token"]
    ran = gatehouse_alone.run("tokens", "revoke", *options)

    assert (ran.code, ran.err) == (0, "")
    assert [lives(http, client, token) for client, token in zip(clients, ended, strict=True)] == [False, False]
    assert lives(http, clients[0], beside) is (options != ["--everybody"])
    assert lives(http, clients[0], login(http, clients[0], partner, "partners")["refresh_token"])


@pytest.fixture
def gatehouse_alone(http: Http, stage: Stage, tmp_path: Any) -> Iterator[Gatehouse]:
    """The command on the shared stage; what it counts there for realms is taken back, for the sake of other tests."""
    yield Gatehouse(stage, tmp_path)
    for realm in ("employees", "customers", "partners"):
        for item in (f"revoked#{realm}", *(f"revoked#{realm}#{shard}" for shard in range(16))):
            key = {"pk": {"S": item}, "sk": {"S": "counts"}}
            stage.clients.dynamodb.delete_item(TableName=f"{stage.prefix}sessions", Key=key)


def test_tokens_that_ended_are_listed_no_more(
    http: Http, shared: Gatehouse, people: PeopleMaker, mine: Client, other: Client
) -> None:
    user = people.make()
    for client in (mine, other):
        login(http, client, user.username)
    shared.run("tokens", "revoke", "--client", mine["client_id"])
    of_realm = people.of("employees")

    assert [family.client_id for family in of_realm.live_families(user)] == [other["client_id"]]


def test_login_that_waits_and_a_token_of_the_mfa_api_end_too(
    http: Http, shared: Gatehouse, people: PeopleMaker, clock: Clock, mine: Client
) -> None:
    user = people.make()
    token = mfa_api_login(http, user.username, **mine).json()["access_token"]
    app = App(associate(http, token).json()["secret"], clock)
    confirmed = with_otp(http, token, app.code(), **mine).json()["access_token"]
    clock.advance(30)
    waiting = http.login(**mine, username=user.username).json()["mfa_token"]
    assert authenticators(http, confirmed).status_code == 200
    assert told(http, mine, confirmed)["active"] is True
    shared.run("tokens", "revoke", "--client", mine["client_id"])

    assert authenticators(http, confirmed).status_code == 401
    assert told(http, mine, confirmed) == {"active": False}
    assert with_otp(http, waiting, app.code(), **mine).status_code == 400


def test_refresh_compares_it_without_a_call_more(http: Http, stage: Stage, people: PeopleMaker, other: Client) -> None:
    token = login(http, other, people.make().username)["refresh_token"]
    lives(http, other, token)
    with rounds_of(stage) as calls:
        http.refresh(token, other)

    assert calls.rounds == [{"BatchGetItem"}, {"PutItem", "Sign"}]
    assert len(calls.made) == 3


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ([], WHOSE),
        (["--everybody", "--client", "demo-backend"], WHOSE),
        (["--everybody", "--realm", "employees"], WHOSE),
        (["--all"], "Say whose family: --user NAME --realm NAME.\n"),
        (["--family", "x", "--realm", "employees"], "Say whose family: --user NAME --realm NAME.\n"),
        (["--user", "alice", "--all"], "Name the user's realm: --realm NAME.\n"),
        (["--user", "alice", "--realm", "employees", "--everybody"], "Say which: --family ID, --client ID or --all.\n"),
        (["--client", "nobody"], "Stage test has no client nobody.\n"),
        (["--realm", "nowhere"], "Stage test has no realm nowhere. It has: customers, employees, partners.\n"),
    ],
)
def test_what_is_not_clear_is_refused_and_ends_nothing(
    http: Http, shared: Gatehouse, people: PeopleMaker, options: list[str], words: str
) -> None:
    token = login(http, BACKEND, people.make().username)["refresh_token"]
    ran = shared.run("tokens", "revoke", *options)

    assert (ran.code, ran.out, ran.err) == (2, "", words)
    assert lives(http, BACKEND, token)

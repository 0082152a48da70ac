"""`gatehouse apply` and `gatehouse check`: what a tenant file says, written into a stage."""

import hashlib
import json
import re
from typing import Any

import pytest

from chalicelib import wiring
from chalicelib.passwords.hash import hash_password
from infra.stage.people import People
from tests.cli.account import holdings, items
from tests.cli.conftest import Gatehouse
from tests.support.fixed import BCRYPT_COST, DEMO
from tests.support.http import Http
from tests.support.stages import client_of
from tests.support.tenant_documents import SMALL_API, client, demo_document, small_document, write

SECRET = "the long secret of the app"
MADE = re.compile(r"^Made for client (\S+), shown only now: client_secret=(\S+)$", re.MULTILINE)
PERSON = {"username": "pat", "password": "pats password"}
ROBIN = {"username": "robin", "password": "a long password"}
GUESTS = {"name": "guests", "identifiers": ["email"]}
M2M = client(client_id="m2m", grant_types=["client_credentials"], realms=[])


def config_items(gatehouse: Gatehouse) -> str:
    return "\n".join(items(gatehouse.stage, f"{gatehouse.stage.prefix}config"))


def document_of(gatehouse: Gatehouse, key: str) -> dict[str, Any]:
    return dict(gatehouse.stage.config().documents())[key]


def login(http: Http, client_id: str, secret: str) -> int:
    person = {"grant_type": "password", "audience": SMALL_API, **PERSON}
    return http.token({"client_id": client_id, "client_secret": secret, **person}).status_code


def with_person(gatehouse: Gatehouse) -> Gatehouse:
    People.of(gatehouse.stage, "staff", BCRYPT_COST).add(PERSON["password"], None, username=PERSON["username"])
    return gatehouse


# Before `up`


def test_apply_before_up_is_one_clear_line_and_exit_2(gatehouse: Gatehouse) -> None:
    ran = gatehouse.apply(small_document())

    assert (ran.code, ran.out) == (2, "")
    assert ran.err.count("\n") == 1
    assert "gatehouse up" in ran.err


@pytest.mark.parametrize(
    ("part", "added", "missing"),
    [
        ("realms", GUESTS, "the table of realm guests"),
        ("apis", {"identifier": "https://es", "name": "Es", "signing_alg": "ES256"}, "a key for ES256 (https://es)"),
    ],
)
def test_apply_of_what_up_has_not_made_yet_names_it_and_writes_nothing(
    gatehouse: Gatehouse, part: str, added: dict[str, Any], missing: str
) -> None:
    gatehouse.provision(small_document())
    before = holdings(gatehouse.stage)
    document = small_document()
    ran = gatehouse.apply(document | {part: [*document[part], added]})

    said = f"The stage is not ready (missing: {missing}). Run `gatehouse up` with this file first.\n"
    assert (ran.code, ran.out, ran.err) == (2, "", said)
    assert holdings(gatehouse.stage) == before


# Again and again


def test_first_apply_creates_and_the_second_has_nothing_to_change(gatehouse: Gatehouse) -> None:
    first = gatehouse.provision(small_document())
    before = holdings(gatehouse.stage)
    second = gatehouse.apply(small_document())

    assert first.rows[:5] == [
        ["Stage", gatehouse.stage.name, "changes"],
        ["create", "tenant"],
        ["create", "realm", "staff"],
        ["create", "api", SMALL_API],
        ["create", "client", "app"],
    ]
    assert second.out.startswith(f"Stage {gatehouse.stage.name} changes: nothing to change.\n")
    assert holdings(gatehouse.stage) == before


def test_demo_tenant_applies_twice_without_a_change(gatehouse: Gatehouse) -> None:
    document = demo_document()
    # dev alone takes the demo's secrets.
    document["clients"] = [one | {"client_secret": None} for one in document["clients"]]
    for command in (gatehouse.up, gatehouse.apply):
        assert command(document).code == 0
    before = holdings(gatehouse.stage)

    assert "nothing to change" in gatehouse.apply(document).out
    assert holdings(gatehouse.stage) == before


def test_dry_run_shows_the_changes_and_writes_nothing(gatehouse: Gatehouse) -> None:
    gatehouse.up(small_document())
    before = holdings(gatehouse.stage)
    document = small_document(clients=[client(), client(client_id="made", client_secret=None)])
    dry = gatehouse.apply(document, "--dry-run", "--with-users")

    assert dry.rows[0] == ["Stage", gatehouse.stage.name, "would", "change"]
    assert ["create", "client", "made"] in dry.rows
    assert "client_secret=" not in dry.out
    assert holdings(gatehouse.stage) == before


def test_dry_run_of_a_prune_deletes_nothing(gatehouse: Gatehouse) -> None:
    gatehouse.provision(small_document(clients=[client(), M2M]))
    before = holdings(gatehouse.stage)
    dry = gatehouse.apply(small_document(), "--dry-run", "--prune")

    assert ["delete", "client", "m2m", "left", "the", "file"] in dry.rows
    assert holdings(gatehouse.stage) == before


def test_change_is_shown_with_the_names_of_what_changed(gatehouse: Gatehouse) -> None:
    gatehouse.provision(small_document())
    ran = gatehouse.apply(small_document(clients=[client(name="Renamed", grant_types=["refresh_token"])]))

    assert ran.rows[1] == ["update", "client", "app", "name,", "grant_types"]
    assert document_of(gatehouse, "client#app")["name"] == "Renamed"
    assert document_of(gatehouse, "tenant")["grant_types"] == ["refresh_token"]


def test_name_that_looks_like_markup_is_shown_as_it_is(gatehouse: Gatehouse) -> None:
    name = "[red]app[/red]"
    applied = gatehouse.provision(small_document(clients=[client(client_id=name)]))

    assert ["create", "client", name] in applied.rows
    assert applied.out.rstrip().endswith(f"Clients that have it: {name}")
    assert gatehouse.run("clients", "list").rows[1][0] == name


# What left the file


def test_client_that_left_the_file_is_kept_and_said_so(gatehouse: Gatehouse) -> None:
    gatehouse.provision(small_document(clients=[client(), M2M]))
    before = holdings(gatehouse.stage)
    ran = gatehouse.apply(small_document())

    assert ran.rows[1] == ["keep", "client", "m2m", "left", "the", "file"]
    assert holdings(gatehouse.stage) == before


def test_client_that_left_the_file_is_deleted_with_prune(gatehouse: Gatehouse) -> None:
    gatehouse.provision(small_document(clients=[client(), M2M]))
    ran = gatehouse.apply(small_document(), "--prune")

    assert ran.rows[1] == ["delete", "client", "m2m", "left", "the", "file"]
    assert gatehouse.stage.config().client("m2m") is None
    assert document_of(gatehouse, "tenant")["grant_types"] == ["password"]


def test_realm_that_left_the_file_is_pruned_but_its_people_stay(gatehouse: Gatehouse) -> None:
    document = small_document()
    gatehouse.provision(document | {"realms": [*document["realms"], GUESTS]})
    People.of(gatehouse.stage, "guests", BCRYPT_COST).add("a long password", None, email="gwen@example.com")
    people = items(gatehouse.stage, f"{gatehouse.stage.prefix}users-guests")
    ran = gatehouse.apply(document, "--prune")

    assert ran.rows[1] == ["delete", "realm", "guests", "left", "the", "file"]
    assert gatehouse.stage.config().realm("guests") is None
    assert items(gatehouse.stage, f"{gatehouse.stage.prefix}users-guests") == people != []


# Secrets


def test_secret_that_the_file_lacks_is_made_shown_once_and_stored_hashed(
    gatehouse: Gatehouse, externals: wiring.Externals
) -> None:
    document = small_document(clients=[client(client_secret=None)])
    first = gatehouse.provision(document)
    ((client_id, secret),) = MADE.findall(first.out)

    assert client_id == "app"
    assert secret not in config_items(gatehouse)
    assert hashlib.sha256(secret.encode()).hexdigest() in config_items(gatehouse)
    assert "client_secret=" not in gatehouse.apply(document).out
    with client_of(with_person(gatehouse).stage, externals) as http:
        assert login(http, "app", secret) == 200


def test_secret_of_the_file_is_stored_hashed_and_never_shown(gatehouse: Gatehouse) -> None:
    ran = gatehouse.provision(small_document())

    assert SECRET not in config_items(gatehouse) + ran.out + ran.err
    assert hashlib.sha256(SECRET.encode()).hexdigest() in config_items(gatehouse)


def test_secret_survives_an_apply_of_a_file_without_it(gatehouse: Gatehouse) -> None:
    gatehouse.provision(small_document())
    before = document_of(gatehouse, "client#app")["secrets"]
    ran = gatehouse.apply(small_document(clients=[client(client_secret=None, name="Renamed")]))

    assert document_of(gatehouse, "client#app")["secrets"] == before
    assert "client_secret=" not in ran.out


def test_changed_secret_replaces_the_old_one(gatehouse: Gatehouse, externals: wiring.Externals) -> None:
    gatehouse.provision(small_document())
    ran = gatehouse.apply(small_document(clients=[client(client_secret="another secret, as long")]))

    assert ran.rows[1] == ["update", "client", "app", "secrets"]
    with client_of(with_person(gatehouse).stage, externals) as http:
        assert [login(http, "app", secret) for secret in (SECRET, "another secret, as long")] == [401, 200]


# Warnings, users, check


def test_clients_with_a_password_grant_are_named(gatehouse: Gatehouse) -> None:
    clients = [
        client(),
        M2M,
        client(client_id="realm", grant_types=["http://auth0.com/oauth/grant-type/password-realm"]),
    ]
    ran = gatehouse.provision(small_document(clients=clients))

    said = (
        "RFC 9700 2.4: the password grant must not be used; redirect wherever you can. Clients that have it: app, realm"
    )
    assert ran.out.splitlines()[-1] == said


def test_nobody_is_warned_where_no_client_has_a_password_grant(gatehouse: Gatehouse) -> None:
    assert "RFC 9700" not in gatehouse.provision(small_document(clients=[M2M])).out


def test_users_of_the_file_are_made_only_when_asked(gatehouse: Gatehouse, externals: wiring.Externals) -> None:
    document = small_document(users={"staff": [PERSON]})
    gatehouse.provision(document)
    assert items(gatehouse.stage, f"{gatehouse.stage.prefix}users-staff") == []

    ran = gatehouse.apply(document, "--with-users")
    assert ["Users", "made:", "1."] in ran.rows
    with client_of(gatehouse.stage, externals) as http:
        assert login(http, "app", SECRET) == 200


def test_users_who_are_there_already_are_left_as_they_are(gatehouse: Gatehouse) -> None:
    document = small_document(users={"staff": [PERSON]})
    gatehouse.provision(document)
    gatehouse.apply(document, "--with-users")
    before = holdings(gatehouse.stage)
    again = gatehouse.apply(
        small_document(users={"staff": [PERSON | {"password": "another password"}]}), "--with-users"
    )

    assert (again.code, ["Users", "made:", "0."] in again.rows) == (0, True)
    assert holdings(gatehouse.stage) == before


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({}, "as the file says"),
        ({"username": " pat "}, "as the file says"),
        ({"name": "Pat P", "blocked": True}, "differs in name, blocked"),
        ({"password": "another password"}, "differs in password"),
        ({"email": "pat@example.com", "email_verified": True}, "differs in email, email_verified"),
        ({"app_metadata": {"level": 2}}, "differs in app_metadata"),
        ({"username": "PAT"}, "differs in username"),
    ],
)
def test_user_who_is_there_already_is_named_with_what_differs(
    gatehouse: Gatehouse, changes: dict[str, Any], says: str
) -> None:
    gatehouse.provision(small_document(users={"staff": [PERSON]}))
    gatehouse.apply(small_document(users={"staff": [PERSON]}), "--with-users")
    again = gatehouse.apply(small_document(users={"staff": [PERSON | changes, ROBIN]}), "--with-users")
    name = str(changes.get("username", "pat")).split()

    assert (again.code, again.err) == (0, "")
    assert ["Users", "made:", "1."] in again.rows
    assert ["keep", "user", *name, "of", "staff", *says.split()] in again.rows
    assert PERSON["password"] not in again.out


def test_user_is_found_by_email_and_a_hash_is_compared_as_it_is(gatehouse: Gatehouse) -> None:
    hashed = {"email": "robin@example.com", "password_hash": hash_password("robins password", BCRYPT_COST)}
    document = small_document(users={"staff": [hashed]})
    gatehouse.provision(document)
    gatehouse.apply(document, "--with-users")
    same = gatehouse.apply(document, "--with-users")
    other = hashed | {"password_hash": hash_password("robins password", BCRYPT_COST)}
    differs = gatehouse.apply(small_document(users={"staff": [other]}), "--with-users")

    assert ["keep", "user", "robin@example.com", "of", "staff", "as", "the", "file", "says"] in same.rows
    assert ["keep", "user", "robin@example.com", "of", "staff", "differs", "in", "password_hash"] in differs.rows


def test_check_of_a_good_file_says_so_and_names_the_clients_with_a_password_grant(gatehouse: Gatehouse) -> None:
    ran = gatehouse.run("check", str(DEMO))

    assert (ran.code, ran.err) == (0, "")
    assert ran.out.splitlines()[0] == f"{DEMO}: fine"
    assert ran.out.splitlines()[-1].endswith("Clients that have it: demo-backend, demo-native, demo-basic")


@pytest.mark.parametrize("command", ["check", "apply"])
def test_faulty_file_is_refused_line_by_line_without_its_secrets(gatehouse: Gatehouse, command: str) -> None:
    path = write(gatehouse.directory, small_document(clients=[client(realms=["nowhere"], client_secret=12345678)]))
    ran = gatehouse.run(command, path)

    assert (ran.code, ran.out) == (2, "")
    assert len(ran.err.splitlines()) == 2
    assert all(re.fullmatch(rf"{re.escape(path)}:\d+: .+", line) for line in ran.err.splitlines())
    assert "12345678" not in ran.err


def test_documents_keep_the_words_of_the_tenant_file(gatehouse: Gatehouse) -> None:
    gatehouse.provision(small_document())
    stored = document_of(gatehouse, f"api#{SMALL_API}")

    assert json.loads(json.dumps(stored)) == {
        "identifier": SMALL_API,
        "name": "Small",
        "scopes": [{"value": "read:small", "description": None}],
        "signing_alg": "RS256",
        "token_lifetime": 86_400,
        "allow_offline_access": False,
        "token_dialect": "rfc9068_profile",
        "introspection_clients": [],
        "enforce_policies": False,
        "role_permissions": {},
    }


def test_document_that_is_too_large_with_what_apply_adds_is_refused_before_anything_is_written(own: Gatehouse) -> None:
    stored = document_of(own, "client#app")
    hashes = [{"sha256": f"{number:064}", "expires_at": 4_000_000_000} for number in range(400)]
    own.stage.config().put("client#app", stored | {"secrets": [*stored["secrets"], *hashes]})
    before = config_items(own)
    ran = own.apply(small_document(tenant={"friendly_name": "New"}))

    assert (ran.code, ran.out) == (2, "")
    assert re.fullmatch(
        r"At most 32,768 bytes of each are stored\. Make smaller: client app \([0-9,]+ bytes\)\.\n", ran.err
    )
    assert config_items(own) == before

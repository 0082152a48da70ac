"""`gatehouse realms`, `apis` and `clients`: what a stage holds, listed and shown, never with a secret."""

import hashlib
import json
import re
from typing import Any

import pytest

from tests.cli.conftest import Gatehouse
from tests.support.tenant_documents import SMALL_API, client, small_document

SECRET = "the long secret of the app"
NAMES = {"realms": "staff", "apis": SMALL_API, "clients": "app"}
KINDS = {"realms": "realm", "apis": "api", "clients": "client"}
GROUPS = list(NAMES)


def said(gatehouse: Gatehouse, *words: str) -> Any:
    ran = gatehouse.run(*words, "--json")
    assert (ran.code, ran.err) == (0, "")
    return json.loads(ran.out)


def test_realms_are_listed_with_their_identifiers_and_table(own: Gatehouse) -> None:
    assert own.run("realms", "list").rows == [
        ["name", "display", "name", "identifiers", "table"],
        ["staff", "staff", "username", "email", f"{own.stage.prefix}users-staff"],
    ]


def test_apis_are_listed_with_their_algorithm_lifetime_and_scopes(own: Gatehouse) -> None:
    assert own.run("apis", "list").rows == [
        ["identifier", "name", "alg", "lifetime", "scopes"],
        [SMALL_API, "Small", "RS256", "86400", "s", "read:small"],
    ]


def test_realm_is_shown_by_its_alias_too(gatehouse: Gatehouse) -> None:
    document = small_document()
    document["realms"][0]["aliases"] = ["Username-Password-Authentication"]
    gatehouse.provision(document)

    by_alias = said(gatehouse, "realms", "show", "Username-Password-Authentication")
    assert by_alias == said(gatehouse, "realms", "show", "staff")
    assert by_alias["aliases"] == ["Username-Password-Authentication"]


def test_disabled_client_is_listed_as_one(gatehouse: Gatehouse) -> None:
    gatehouse.provision(small_document(clients=[client(disabled=True)]))

    assert "(disabled)" in gatehouse.run("clients", "list").out


@pytest.mark.parametrize("group", GROUPS)
def test_show_has_the_words_of_the_tenant_file(own: Gatehouse, group: str) -> None:
    document = small_document()[group][0]
    shown = said(own, group, "show", NAMES[group])
    lines = {row[0]: row[1:] for row in own.run(group, "show", NAMES[group]).rows}

    assert shown["name"] == document["name"]
    assert set(document) - {"client_secret"} <= set(shown)
    assert lines["name"] == [document["name"]]
    assert set(lines) == set(shown)


@pytest.mark.parametrize("group", GROUPS)
def test_list_in_json_has_all_that_show_has(own: Gatehouse, group: str) -> None:
    assert said(own, group, "list") == [said(own, group, "show", NAMES[group])]


@pytest.mark.parametrize("group", GROUPS)
def test_show_of_an_unknown_name_is_refused_with_the_known_ones(own: Gatehouse, group: str) -> None:
    ran = own.run(group, "show", "[red]nothing")

    line = f"Stage {own.stage.name} has no {KINDS[group]} [red]nothing. It has: {NAMES[group]}.\n"
    assert (ran.code, ran.out, ran.err) == (2, "", line)


def test_no_secret_and_no_hash_of_one_is_shown(own: Gatehouse) -> None:
    rotated = re.findall("client_secret=(.+)", own.run("clients", "rotate-secret", "app").out)
    words = [("list",), ("list", "--json"), ("show", "app"), ("show", "app", "--json")]
    out = "".join(own.run("clients", *word).out for word in words)

    assert len(rotated) == 1
    for secret in (SECRET, *rotated):
        assert secret not in out
        assert hashlib.sha256(secret.encode()).hexdigest() not in out


def test_show_of_a_client_says_when_each_secret_ends(own: Gatehouse) -> None:
    own.run("clients", "rotate-secret", "app", "--overlap", "600")
    latest, old = said(own, "clients", "show", "app")["secrets"]

    assert latest == {"expires_at": None}
    assert set(old) == {"expires_at"}
    assert isinstance(old["expires_at"], int)


def test_show_of_a_client_has_its_client_grants(gatehouse: Gatehouse) -> None:
    grant = {"client_id": "m2m", "audience": SMALL_API, "scope": ["read:small"]}
    m2m = client(client_id="m2m", grant_types=["client_credentials"], realms=[])
    gatehouse.provision(small_document(clients=[m2m], client_grants=[grant]))

    assert said(gatehouse, "clients", "show", "m2m")["client_grants"] == {SMALL_API: ["read:small"]}


def test_rule_settings_are_listed_in_json_by_name_alone(own: Gatehouse) -> None:
    for name in ("B", "A"):
        own.run("rules", "settings", "set", name, "--stdin", typed="a value\n")
    ran = own.run("rules", "settings", "list", "--json")

    assert (json.loads(ran.out), "a value" in ran.out) == (["A", "B"], False)


@pytest.mark.parametrize("group", GROUPS)
def test_list_of_a_stage_that_does_not_exist_is_one_line(gatehouse: Gatehouse, group: str) -> None:
    ran = gatehouse.run(group, "list", "--json")

    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith("No such stage in this account and region.")

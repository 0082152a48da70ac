"""A tenant file in Auth0's words: each name is told beside ours, or why there is none, instead of a wrong guess."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner, Result

from infra.cli.check import check
from infra.tenant.auth0_names import NAMES, SECTIONS, VALUES
from infra.tenant.auth0_words import _fields
from infra.tenant.faults import TenantFileError
from infra.tenant.file import load
from infra.tenant.schema import TenantFile
from tests.support.tenant_text import BASE, CANARY, client

app = typer.Typer()
app.command()(check)

EXPORT = """\
tenant:
  friendly_name: Acme
  default_directory: Username-Password-Authentication
  picture_url: https://acme.example/logo.png
databases:
  - name: Username-Password-Authentication
    strategy: auth0
    enabled_clients: [Shop]
    options:
      passwordPolicy: good
      requires_username: true
resourceServers:
  - name: Orders
    identifier: https://api.example.com/orders
    token_lifetime_for_web: 7200
    scopes: [{value: "read:orders"}]
clients:
  - name: Shop
    client_id: shop
    app_type: native
    oidc_conformant: true
    callbacks: [https://shop.example/callback]
    token_endpoint_auth_method: none
    jwt_configuration: {lifetime_in_seconds: 36000, alg: RS256}
    grant_types: [authorization_code, password]
  - name: Job
    client_id: job
    app_type: non_interactive
    grant_types: [client_credentials]
clientGrants:
  - {client_id: job, audience: "https://api.example.com/orders", scope: ["read:orders"]}
rules:
  - {name: Enrich, script: ./rules/enrich.js, order: 1}
attackProtection:
  bruteForceProtection: {enabled: true, shields: [block]}
guardianFactors:
  - {name: otp, enabled: true}
"""
ROWS = {
    "tenant.picture_url": "not here",
    "databases": "`realms`",
    "databases.strategy": "not here",
    "databases.enabled_clients": "`clients[].realms`",
    "databases.options": "`realms[]`",
    "databases.options.passwordPolicy": "`realms[].password_policy`",
    "databases.options.requires_username": "`realms[].identifiers`",
    "resourceServers": "`apis`",
    "resourceServers.token_lifetime_for_web": "not here",
    "clients.app_type": "`clients[].token_endpoint_auth_method`",
    "clients.oidc_conformant": "not here",
    "clients.callbacks": "not here",
    "clients.jwt_configuration": "`clients[].id_token_lifetime`",
    "clients.jwt_configuration.lifetime_in_seconds": "`clients[].id_token_lifetime`",
    "clients.jwt_configuration.alg": "not here",
    "clients.grant_types: authorization_code": "not here",
    "clientGrants": "`client_grants`",
    "rules": "not here",
    "attackProtection": "`attack_protection`",
    "attackProtection.bruteForceProtection": "`attack_protection.brute_force_protection`",
    "attackProtection.bruteForceProtection.shields": "`enabled`",
    "guardianFactors": "`mfa.factors`",
}


def checked(tmp_path: Path, text: str, *options: str) -> Result:
    path = tmp_path / "tenant.yaml"
    path.write_text(text, "utf-8")
    return CliRunner().invoke(app, [str(path), *options], catch_exceptions=False)


def table(tmp_path: Path, text: str) -> dict[str, str]:
    """Return what the check says of each name of Auth0's."""
    lines = checked(tmp_path, text).stderr.splitlines()
    start = next((number for number, line in enumerate(lines) if line.split()[:2] == ["line", "Auth0"]), len(lines))
    rows = (re.split("  +", line) for line in lines[start + 1 :])
    return {name: here for _, name, here in rows}


def test_export_of_auth0_gets_a_table_of_what_its_names_are_here(tmp_path: Path) -> None:
    said = table(tmp_path, EXPORT)

    assert list(said) == list(ROWS)
    assert {name: here for name, here in said.items() if not here.startswith(ROWS[name])} == {}


def test_export_of_auth0_gets_no_guess_and_no_fault_that_follows_from_its_names(tmp_path: Path) -> None:
    result = checked(tmp_path, EXPORT)

    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.splitlines()[0].endswith("tenant.yaml: these names are Auth0's. What they are here:")
    assert "did you mean" not in result.stderr
    assert "missing" not in result.stderr
    assert "does not exist" not in result.stderr


def test_name_that_stands_often_is_one_row_with_its_lines(tmp_path: Path) -> None:
    row = next(line for line in checked(tmp_path, EXPORT).stderr.splitlines() if "clients.app_type" in line)

    assert row.startswith("20, 28  clients.app_type  ")


def test_faults_of_our_own_stand_before_the_table(tmp_path: Path) -> None:
    text = EXPORT.replace("client_id: shop", "client_idd: shop").replace("friendly_name: Acme", "friendly_name: 7")
    lines = checked(tmp_path, text).stderr.splitlines()

    assert [line.partition("yaml:")[2].partition(":")[0] for line in lines[:3]] == ["2", "18", "19"]
    assert "did you mean `client_id`?" in lines[2]
    assert lines[3].endswith("these names are Auth0's. What they are here:")


def test_json_has_the_names_with_their_lines(tmp_path: Path) -> None:
    said = json.loads(checked(tmp_path, EXPORT, "--json").stdout)
    names = {one["name"]: one for one in said["auth0"]}

    assert (said["faults"], list(names)) == ([], list(ROWS))
    assert names["clients.app_type"]["lines"] == [20, 28]
    assert names["databases"]["here"].startswith("`realms`")


def test_other_commands_refuse_such_a_file_with_a_line_a_name(tmp_path: Path) -> None:
    path = tmp_path / "tenant.yaml"
    path.write_text(EXPORT, "utf-8")
    with pytest.raises(TenantFileError) as caught:
        load(path)

    lines = str(caught.value).splitlines()
    assert len(lines) == len(ROWS)
    assert all(re.fullmatch(rf"{re.escape(str(path))}:\d+: `.+` is Auth0's: .+", line) for line in lines)


def test_export_of_the_management_api_is_understood_too(tmp_path: Path) -> None:
    export: dict[str, Any] = {
        "tenant": {"friendly_name": "Acme", "session_lifetime": 168},
        "connections": [{"id": "con_1", "name": "users", "strategy": "auth0", "realms": ["users"]}],
        "resource_servers": [{"id": "1", "identifier": "https://api", "signing_alg": "HS256"}],
        "clients": [{"client_id": "a", "name": "A", "grant_types": [], "cross_origin_auth": False}],
    }
    said = table(tmp_path, json.dumps(export, indent=1))

    assert said["connections.realms"].startswith("`realms[].aliases`")
    assert {"tenant.session_lifetime", "connections", "resource_servers", "resource_servers.signing_alg: HS256"} < set(
        said
    )
    assert "clients.cross_origin_auth" in said


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("app_type: spa", "clients.app_type"),
        ("is_first_party: true", "clients.is_first_party"),
        ("jwt_configuration: {}", "clients.jwt_configuration"),
        ("refresh_token: {expiration_type: expiring}", "clients.refresh_token.expiration_type"),
    ],
)
def test_one_name_of_auth0s_in_a_file_of_ours_is_a_table_of_one_row(tmp_path: Path, line: str, name: str) -> None:
    result = checked(tmp_path, client(f"grant_types: [password]\n{line}"))

    assert result.exit_code == 2
    assert len(result.stderr.splitlines()) == 3
    assert list(table(tmp_path, client(f"grant_types: [password]\n{line}"))) == [name]


def test_mistyped_name_of_ours_is_still_guessed(tmp_path: Path) -> None:
    result = checked(tmp_path, BASE.replace("realms:", "realmz:"))

    assert "did you mean `realms`?" in result.stderr
    assert "Auth0" not in result.stderr


def test_grant_of_auth0s_in_a_file_of_ours_is_a_fault_that_lists_what_is_taken(tmp_path: Path) -> None:
    result = checked(tmp_path, client("grant_types: [implicit]"))

    assert "entry 1 of `grant_types` must be `password`" in result.stderr
    assert "Auth0" not in result.stderr


def test_value_is_never_shown_but_for_those_that_auth0_documents(tmp_path: Path) -> None:
    text = EXPORT.replace("good", CANARY).replace("native", CANARY).replace("RS256", CANARY)
    result = checked(tmp_path, text + f"emailProvider: {{credentials: {{smtp_pass: {CANARY}}}}}\n")

    assert "emailProvider" in result.stderr
    assert CANARY not in result.stderr


@pytest.mark.parametrize(
    "here", sorted({*NAMES.values(), *(here for found in VALUES.values() for here in found.values())})
)
def test_name_of_ours_in_the_table_is_one_that_the_tenant_file_takes(here: str) -> None:
    ours = set(_fields(TenantFile, ()))
    named = [word.replace("[]", "") for word in re.findall(r"`([a-z_.\[\]]+(?:\[\]|\.)[a-z_.\[\]]*)`", here)]

    assert [name for name in named if name not in ours] == []
    assert here.startswith(("`", "not here: "))


def test_no_name_in_the_table_is_ours() -> None:
    ours = set(_fields(TenantFile, ()))

    assert {name for name in NAMES if name in ours} - set(SECTIONS.values()) - {
        f"attack_protection.{part}" for part in SECTIONS.values()
    } == set()

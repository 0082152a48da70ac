"""A client of a tenant file: its APIs, its lifetimes, whether it rotates, and whether it is disabled."""

from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from infra.cli.check import check
from infra.stage.aws import Stage
from infra.tenant.file import load
from tests.support.config import document_of
from tests.support.stages import provision_stage
from tests.support.tenant_documents import SMALL_API, small_document, write
from tests.support.tenant_documents import client as client_document
from tests.support.tenant_text import APIS, BASE, DEMO, client, faults, load_text, marked_line

PUBLIC = "token_endpoint_auth_method: none\n"
LOGIN = "grant_types: [password, refresh_token]\n"
UNBOUND = (
    "Whoever knows a public client's id may ask for every scope of every API unless it has `apis`. Clients without: "
)
LASTING = "RFC 9700 2.2.2: the refresh tokens of a public client must rotate. Clients whose tokens do not: "
ENDLESS = (
    "OWASP ASVS 5.0, 10.4.8: refresh tokens must have an end that no use puts off. "
    "Clients with `infinite_token_lifetime`: "
)
DEFAULT_AUDIENCE = (
    "a request that names no audience asks for the default one: "
    "add `https://api` to `apis`, or take `default_audience` out of `tenant`"
)

app = typer.Typer()
app.command()(check)


def checked(tmp_path: Path, text: str) -> str:
    """Return what `gatehouse check` prints of a file without faults."""
    path = tmp_path / "tenant.yaml"
    path.write_text(text, encoding="utf-8")
    result = CliRunner().invoke(app, [str(path)])
    assert result.exit_code == 0, result.stderr
    return result.stdout


# apis


def test_apis_are_loaded_with_their_scopes_or_without(tmp_path: Path) -> None:
    bounded = load_text(tmp_path, client(LOGIN + 'apis: [{audience: "https://api", scope: [read]}]')).clients[0]
    whole = load_text(tmp_path, client(LOGIN + 'apis: [{audience: "https://api"}]')).clients[0]
    unbounded = load_text(tmp_path, client(LOGIN)).clients[0]

    assert bounded.apis and [(one.audience, one.scope) for one in bounded.apis] == [("https://api", ("read",))]
    assert whole.apis and whole.apis[0].scope is None
    assert unbounded.apis is None


@pytest.mark.parametrize(
    ("apis", "message"),
    [
        ('[{audience: "https://apy"}]', "API `https://apy` does not exist; did you mean `https://api`?"),
        ('[{audience: "https://api", scope: [reed]}]', "scope `reed` does not exist; did you mean `read`?"),
        ('[{audience: "https://api", scope: [openid]}]', "scope `openid` does not exist; known are `read`, `write`"),
        ("[{scope: [read]}]", "`audience` is missing: add it"),
        ('[{audience: "https://api", scopes: [read]}]', "unknown key `scopes`; did you mean `scope`?"),
    ],
)
def test_wrong_api_of_a_client_is_one_fault_with_its_line(tmp_path: Path, apis: str, message: str) -> None:
    text = client(f"{LOGIN}apis: {apis}  # here")

    assert faults(tmp_path, text) == [(marked_line(text), message)]


def test_api_that_stands_twice_is_a_fault(tmp_path: Path) -> None:
    text = client(LOGIN + 'apis:\n  - {audience: "https://api"}\n  - {audience: "https://api", scope: []}  # here')

    ((line, message),) = faults(tmp_path, text)
    assert line == marked_line(text)
    assert message.startswith("API `https://api` stands twice")


@pytest.mark.parametrize("grant", ["password", '"http://auth0.com/oauth/grant-type/password-realm"'])
@pytest.mark.parametrize("apis", ["[]", '[{audience: "https://other"}]'])
def test_default_audience_outside_of_a_clients_apis_is_a_fault(tmp_path: Path, grant: str, apis: str) -> None:
    text = client(f"grant_types: [{grant}]\napis: {apis}  # here")
    text = text.replace("{friendly_name: T}", '{friendly_name: T, default_audience: "https://api"}')
    text = text.replace(APIS, APIS + '  - {identifier: "https://other", name: O}\n')

    assert faults(tmp_path, text) == [(marked_line(text), DEFAULT_AUDIENCE)]


@pytest.mark.parametrize("fields", ["grant_types: [client_credentials]\napis: []", LOGIN])
def test_default_audience_is_none_of_a_client_that_no_list_bounds_at_a_login(tmp_path: Path, fields: str) -> None:
    text = client(fields).replace("{friendly_name: T}", '{friendly_name: T, default_audience: "https://api"}')

    assert load_text(tmp_path, text)


@pytest.mark.parametrize(
    ("fields", "is_warned"),
    [
        (PUBLIC + LOGIN, True),
        (PUBLIC + LOGIN + "apis: []", False),
        (PUBLIC + LOGIN + 'apis: [{audience: "https://api"}]', False),
        (PUBLIC + "grant_types: []", False),
        (PUBLIC + LOGIN + "disabled: true", False),
        (LOGIN, False),
    ],
)
def test_public_client_without_apis_is_warned_of(tmp_path: Path, fields: str, is_warned: bool) -> None:
    assert (f"{UNBOUND}app\n" in checked(tmp_path, client(fields))) == is_warned


# refresh_token


@pytest.mark.parametrize(
    ("fields", "rotation_type"),
    [
        (PUBLIC, "rotating"),
        (PUBLIC + "refresh_token: {token_lifetime: 60}", "rotating"),
        (PUBLIC + "refresh_token: {rotation_type: rotating}", "rotating"),
        (PUBLIC + "refresh_token: {rotation_type: non-rotating}", "non-rotating"),
        ("", "non-rotating"),
        ("refresh_token: {rotation_type: rotating}", "rotating"),
    ],
)
def test_refresh_tokens_of_a_public_client_rotate_unless_the_file_says_otherwise(
    tmp_path: Path, fields: str, rotation_type: str
) -> None:
    assert load_text(tmp_path, client(LOGIN + fields)).clients[0].refresh_token.rotation_type == rotation_type


@pytest.mark.parametrize(
    ("fields", "is_warned"),
    [
        (PUBLIC + LOGIN + "refresh_token: {rotation_type: non-rotating}", True),
        (PUBLIC + "grant_types: [password]\nrefresh_token: {rotation_type: non-rotating}", False),
        (PUBLIC + LOGIN, False),
        (PUBLIC + LOGIN + "refresh_token: {rotation_type: rotating}", False),
        (LOGIN + "refresh_token: {rotation_type: non-rotating}", False),
    ],
)
def test_public_client_whose_refresh_tokens_do_not_rotate_is_warned_of(
    tmp_path: Path, fields: str, is_warned: bool
) -> None:
    assert (f"{LASTING}app\n" in checked(tmp_path, client(fields))) == is_warned


@pytest.mark.parametrize(
    ("fields", "is_warned"),
    [
        (LOGIN + "refresh_token: {infinite_token_lifetime: true}", True),
        (LOGIN + "refresh_token: {infinite_idle_token_lifetime: true}", False),
        (LOGIN, False),
        ("grant_types: [password]\nrefresh_token: {infinite_token_lifetime: true}", False),
        (LOGIN + "disabled: true\nrefresh_token: {infinite_token_lifetime: true}", False),
    ],
)
def test_client_whose_refresh_tokens_never_end_is_warned_of(tmp_path: Path, fields: str, is_warned: bool) -> None:
    assert (f"{ENDLESS}app\n" in checked(tmp_path, client(fields))) == is_warned


def test_refresh_tokens_of_the_demos_public_client_rotate() -> None:
    assert LASTING not in CliRunner().invoke(app, [str(DEMO)]).stdout


# lifetimes, disabled, oidc_scopes


def test_lifetimes_and_disabled_have_their_defaults(tmp_path: Path) -> None:
    made = load_text(tmp_path, client(LOGIN)).clients[0]

    assert (made.access_token_lifetime, made.id_token_lifetime, made.disabled) == (None, 36_000, False)


@pytest.mark.parametrize("key", ["access_token_lifetime", "id_token_lifetime"])
@pytest.mark.parametrize(("value", "is_taken"), [("1", True), ("2592000", True), ("0", False), ("2592001", False)])
def test_lifetime_of_a_clients_tokens_is_bounded(tmp_path: Path, key: str, value: str, is_taken: bool) -> None:
    text = client(f"{LOGIN}{key}: {value}  # here")
    if is_taken:
        assert getattr(load_text(tmp_path, text).clients[0], key) == int(value)
    else:
        ((line, message),) = faults(tmp_path, text)
        assert line == marked_line(text)
        assert f"`{key}`" in message


@pytest.mark.parametrize(("value", "is_taken"), [("auth0", True), ("requested", True), ("all", False)])
def test_oidc_scopes_takes_two_words(tmp_path: Path, value: str, is_taken: bool) -> None:
    text = BASE.replace("{friendly_name: T}", f"{{friendly_name: T, oidc_scopes: {value}}}")
    if is_taken:
        assert load_text(tmp_path, text).tenant.oidc_scopes == value
    else:
        assert faults(tmp_path, text) == [(1, "`oidc_scopes` must be `requested` or `auth0`")]


def test_disabled_client_sends_no_passwords_and_has_no_grant(stage: Stage, tmp_path: Path) -> None:
    disabled = client_document(client_id="off", grant_types=["client_credentials", "password"], disabled=True)
    path = write(tmp_path, small_document(clients=[client_document(), disabled]))
    made = provision_stage("disabled", load(Path(path)))

    printed = CliRunner().invoke(app, [path]).stdout
    assert printed.splitlines()[-1].endswith("Clients that have it: app")
    assert document_of(made, "tenant")["grant_types"] == ["password"]


@pytest.mark.parametrize("changes", [{}, {"token_endpoint_auth_method": "none", "client_secret": None}])
def test_clients_reach_the_server_as_the_file_says(stage: Stage, tmp_path: Path, changes: dict[str, Any]) -> None:
    apis = [{"audience": SMALL_API, "scope": ["read:small"]}]
    fields = changes | {"apis": apis, "id_token_lifetime": 9, "access_token_lifetime": 8}
    path = write(tmp_path, small_document(clients=[client_document(**fields)]))
    made = provision_stage(f"clients{len(changes)}", load(Path(path))).config().client("app")

    assert made is not None
    assert made.apis == {SMALL_API: frozenset({"read:small"})}
    assert (made.access_token_lifetime_s, made.id_token_lifetime_s) == (8, 9)
    assert made.refresh_token.is_rotating == bool(changes)

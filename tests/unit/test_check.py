"""`gatehouse check`, and how every command takes a tenant file."""

from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from infra.cli.check import check, load_or_exit
from infra.tenant.file import load
from tests.support.tenant_text import BASE, DEMO, client

app = typer.Typer()
app.command()(check)


def test_checked_demo_is_fine_and_names_who_sends_passwords() -> None:
    result = CliRunner().invoke(app, [str(DEMO)])

    assert result.exit_code == 0
    assert result.stdout.startswith(f"{DEMO}: fine\n")
    assert "employees" in result.stdout and "https://api.example.com/reports" in result.stdout
    words = "RFC 9700 2.4: the password grant must not be used; redirect wherever you can. Clients that have it: "
    assert f"{words}demo-backend, demo-native, demo-basic\n" in result.stdout
    assert result.stderr == ""


def test_checked_file_without_password_grants_has_no_warning(tmp_path: Path) -> None:
    path = tmp_path / "tenant.yaml"
    path.write_text(BASE, encoding="utf-8")

    result = CliRunner().invoke(app, [str(path)])

    assert result.exit_code == 0
    assert "RFC 9700" not in result.stdout


MISSING_MFA_GRANT = "With `mfa.policy: always` no user can log in through a client without an MFA grant. "


@pytest.mark.parametrize(
    ("grant_types", "mfa", "is_warned"),
    [
        ("[password]", "{policy: always, factors: [otp]}", True),
        ('["http://auth0.com/oauth/grant-type/password-realm"]', "{policy: always, factors: [sms]}", True),
        ('[password, "http://auth0.com/oauth/grant-type/mfa-otp"]', "{policy: always, factors: [otp]}", False),
        ("[client_credentials]", "{policy: always, factors: [otp]}", False),
        ("[password]", "{policy: never, factors: [otp]}", False),
    ],
)
def test_client_that_can_show_no_second_factor_is_warned_of_where_each_login_owes_one(
    tmp_path: Path, grant_types: str, mfa: str, is_warned: bool
) -> None:
    path = tmp_path / "tenant.yaml"
    path.write_text(client(f"grant_types: {grant_types}") + f"mfa: {mfa}\n", encoding="utf-8")

    result = CliRunner().invoke(app, [str(path)])

    assert result.exit_code == 0
    assert (f"{MISSING_MFA_GRANT}Clients that have none: app\n" in result.stdout) == is_warned


def test_checked_file_with_faults_prints_each_to_stderr_and_exits_2(tmp_path: Path) -> None:
    path = tmp_path / "tenant.yaml"
    path.write_text("tenant: {friendly_name: T}\nrealmz: []\n", encoding="utf-8")

    result = CliRunner().invoke(app, [str(path)])

    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr == (
        f"{path}:1: `realms` is missing: add it\n{path}:2: unknown key `realmz`; did you mean `realms`?\n"
    )


def test_name_with_markup_is_printed_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "tenant.yaml"
    path.write_text(client("grant_types: [password]").replace("id: app", 'id: "[bold]app"'), encoding="utf-8")

    assert CliRunner().invoke(app, [str(path)]).stdout.count("[bold]app") == 2


def test_load_or_exit_returns_a_fine_file_and_leaves_at_a_fault(capsys: pytest.CaptureFixture[str]) -> None:
    assert load_or_exit(DEMO) == load(DEMO)
    with pytest.raises(typer.Exit) as left:
        load_or_exit(Path("/nowhere/tenant.yaml"))
    assert left.value.exit_code == 2
    assert capsys.readouterr().err == "/nowhere/tenant.yaml: no such file: check the path\n"


@pytest.mark.parametrize(
    ("client_id", "method", "is_warned"),
    [
        ("urn:example:app", "client_secret_basic", True),
        ("urn:example:app", "client_secret_post", False),
        ("app", "client_secret_basic", False),
    ],
)
def test_colon_in_the_id_of_a_basic_client_is_warned_of(
    tmp_path: Path, client_id: str, method: str, is_warned: bool
) -> None:
    path = tmp_path / "tenant.yaml"
    text = client(f"grant_types: []\ntoken_endpoint_auth_method: {method}")
    path.write_text(text.replace("client_id: app", f'client_id: "{client_id}"'), encoding="utf-8")

    result = CliRunner().invoke(app, [str(path)])

    assert result.exit_code == 0
    assert ("RFC 7617 2: in HTTP Basic the first colon ends the client_id." in result.stdout) == is_warned
    assert (f"send `client_id` in the body too: {client_id}\n" in result.stdout) == is_warned

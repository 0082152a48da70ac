"""Each part of a tenant file is bounded in size: every process reads it each minute."""

from pathlib import Path

import pytest

from tests.support.tenant_text import APIS, BASE, REALMS, TENANT, client, faults, load_text, marked_line

MAX = 32_768


def scopes(count: int) -> str:
    return ", ".join(f'{{value: "read:{number:04}", description: "{"x" * 80}"}}' for number in range(count))


def api(count: int) -> str:
    return TENANT + REALMS + f'apis:\n  - {{identifier: "https://large", name: A, scopes: [{scopes(count)}]}} # here\n'


def metadata(count: int) -> str:
    members = ", ".join(f'k{number}: "{"x" * 250}"' for number in range(count))
    return client(f"grant_types: []\nclient_metadata: {{{members}}}")


def grants(count: int) -> str:
    apis = "".join(f'  - {{identifier: "https://{n:03}", name: A, scopes: [{scopes(10)}]}}\n' for n in range(count))
    allowed = ", ".join(f'"read:{number:04}"' for number in range(10))
    granted = "".join(f'  - {{client_id: app, audience: "https://{n:03}", scope: [{allowed}]}}\n' for n in range(count))
    clients = "clients:\n  - {client_id: app, name: App, grant_types: [client_credentials]} # here\n"
    return f"{TENANT}{REALMS}apis:\n{apis}{clients}client_grants:\n{granted}"


def dictionary(length: int) -> str:
    words = ", ".join(f'"{number:0{length}}"' for number in range(200))
    policy = f"password_policy: {{dictionary: [{words}]}}"
    return TENANT + f"realms:\n  - {{name: staff, identifiers: [username], {policy}}} # here\n" + APIS


def protection(count: int) -> str:
    listed = ", ".join(f'"2001:db8:{number:x}::/48"' for number in range(count))
    sections = f"{{brute_force_protection: {{allowlist: [{listed}]}}}}"
    return "tenant: {friendly_name: T} # here\n" + REALMS + APIS + f"attack_protection: {sections}\n"


@pytest.mark.parametrize(
    ("text", "what"),
    [(api(300), "API `https://large` takes "), (grants(200), "client `app`, with its client grants, takes ")],
    ids=["api", "client-grants"],
)
def test_part_of_more_than_32_kilobytes_is_refused_with_its_name_and_size(tmp_path: Path, text: str, what: str) -> None:
    ((line, message),) = faults(tmp_path, text)

    assert line == marked_line(text)
    assert message.startswith(what)
    assert message.endswith(f" bytes, and {MAX:,} at most are stored: make it smaller")
    assert int(message.removeprefix(what).partition(" ")[0].replace(",", "")) > MAX


@pytest.mark.parametrize("text", [api(200), metadata(10), grants(100), dictionary(100), BASE])
def test_smaller_part_is_taken(tmp_path: Path, text: str) -> None:
    load_text(tmp_path, text)


def test_client_secret_is_not_stored_and_so_does_not_count(tmp_path: Path) -> None:
    load_text(tmp_path, client(f"grant_types: []\nclient_secret: {'s' * 200}"))


def test_large_part_of_a_file_that_is_faulty_elsewhere_is_named_too(tmp_path: Path) -> None:
    found = faults(tmp_path, api(300).replace("friendly_name: T", "friendly_name: 5"))

    assert len(found) == 2
    assert any(message.startswith("API `https://large` takes ") for _, message in found)

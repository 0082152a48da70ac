"""The keys of a realm for sign-ups and password resets."""

from pathlib import Path

import pytest

from chalicelib.model.tenant import PasswordResetPolicy, SignUpPolicy
from chalicelib.store.configuration.documents import realm_from
from tests.support.tenant_text import TENANT, faults, load_text, marked_line

URL_FAULT = "`url` must be a URL that begins with https:// and holds {ticket} once, after the host's name"
URLS = [
    "https://app.example.com/reset#{ticket}",
    "https://app.example.com/r?t={ticket}&x=1",
    "http://localhost:5/{ticket}",
]
BAD_URLS = [
    "https://app.example.com/reset", "http://app.example.com/{ticket}", "https://{ticket}.example.com/",
    "https://app.example.com/{ticket}/{ticket}", "https://app.example.com/{other}/{ticket}", "javascript:{ticket}",
    "https://app.example.com/a b/{ticket}", "https://app.example.com/{ticket}{",
]  # fmt: skip


def realm(keys: str) -> str:
    return f"{TENANT}realms:\n  - {{name: staff, identifiers: [email], {keys}}} # here\n"


def test_people_make_no_accounts_but_reset_their_passwords_unless_the_file_says_otherwise(tmp_path: Path) -> None:
    (staff,) = load_text(tmp_path, realm("display_name: Staff")).realms

    assert (staff.signup.enabled, staff.signup.requires_verified_email) == (False, False)
    assert (staff.password_reset.enabled, staff.password_reset.url) == (True, None)


@pytest.mark.parametrize("url", URLS)
def test_keys_reach_the_deployed_code(tmp_path: Path, url: str) -> None:
    keys = f'signup: {{enabled: true, requires_verified_email: true}}, password_reset: {{enabled: false, url: "{url}"}}'
    (staff,) = load_text(tmp_path, realm(keys)).realms
    deployed = realm_from(staff.model_dump() | {"users_table": "users"})

    assert deployed.signup == SignUpPolicy(enabled=True, requires_verified_email=True)
    assert deployed.password_reset == PasswordResetPolicy(enabled=False, url=url)


def test_realm_of_an_earlier_version_has_the_defaults(tmp_path: Path) -> None:
    document = load_text(tmp_path, realm("display_name: Staff")).realms[0].model_dump() | {"users_table": "users"}
    del document["signup"], document["password_reset"]

    assert realm_from(document).password_reset == PasswordResetPolicy()


@pytest.mark.parametrize("url", BAD_URLS)
def test_page_that_could_not_get_the_ticket_is_a_fault(tmp_path: Path, url: str) -> None:
    text = realm(f'password_reset: {{url: "{url}"}}')

    assert faults(tmp_path, text) == [(marked_line(text), URL_FAULT)]


def test_hosts_of_result_urls_reach_the_deployed_code(tmp_path: Path) -> None:
    (staff,) = load_text(tmp_path, realm('result_hosts: [app.example.com, "localhost:3000"]')).realms

    assert realm_from(staff.model_dump() | {"users_table": "users"}).result_hosts == (
        "app.example.com",
        "localhost:3000",
    )


@pytest.mark.parametrize(
    "host", ["https://app.example.com", "app.example.com/x", "*", "*.example.com", "App.example.com", "", "a b", "a;b"]
)
def test_result_host_that_is_no_host_is_a_fault(tmp_path: Path, host: str) -> None:
    text = realm(f'result_hosts: ["{host}"]')
    (fault,) = faults(tmp_path, text)

    assert fault[0] == marked_line(text)

"""The passwords of a tenant file's users, held to what the file itself says of their realm."""

from pathlib import Path

import pytest

from tests.support.tenant_text import TENANT, faults, load_text, marked_line

SHORT_FAULT = "`password` is shorter than the 12 characters of realm `staff`: write a longer one"
BREACHED_FAULT = "`password` is among those that were disclosed in data breaches: write another one"
DICTIONARY_FAULT = "`password` is in the dictionary of realm `staff`: write another one"
PERSONAL_FAULT = "`password` holds the username, the email or a name, which realm `staff` refuses: write another one"
POLICY = (
    TENANT
    + """\
realms:
  - {name: staff, identifiers: [username, email], password_policy: {min_length: 12, dictionary: [Acme Timesheets]}}
"""
)
REFUSED_PASSWORDS = {
    "breached": ("username: al, password: iloveyou1234", [BREACHED_FAULT]),
    "for tests": ("username: al, password: AUTH0-TEST-1", [BREACHED_FAULT]),
    "own word": ("username: al, password: ACME TIMESHEETS", [DICTIONARY_FAULT]),
    "username": ("username: alba, password: alba longa 753", [PERSONAL_FAULT]),
    "email": ("email: alba@example.com, password: alba longa 753", [PERSONAL_FAULT]),
    "name": ("username: x, name: Alba L, password: alba longa 753", [PERSONAL_FAULT]),
    "given name": ("username: x, given_name: Alba, password: alba longa 753", [PERSONAL_FAULT]),
    "metadata": ("username: x, user_metadata: {first: Alba}, password: alba longa 753", [PERSONAL_FAULT]),
    "all at once": ("username: letmein, password: letmein", [PERSONAL_FAULT, BREACHED_FAULT, SHORT_FAULT]),
    "none": ("username: x, password: quiet words 753", []),
    "odd metadata": ("username: x, user_metadata: {first: [Alba], last: 5}, password: alba longa 753", []),
}


@pytest.mark.parametrize(("fields", "messages"), REFUSED_PASSWORDS.values(), ids=REFUSED_PASSWORDS)
def test_password_that_the_policy_is_against_is_refused_with_its_line(
    tmp_path: Path, fields: str, messages: list[str]
) -> None:
    text = POLICY + f"users:\n  staff:\n    - {{{fields}}} # here\n"

    if messages:
        assert faults(tmp_path, text) == [(marked_line(text), message) for message in messages]
    else:
        load_text(tmp_path, text)


@pytest.mark.parametrize("switch", ["enabled: false", "enabled: true, range_api: true"])
def test_check_looks_for_breaches_as_the_tenant_says_and_never_over_the_network(tmp_path: Path, switch: str) -> None:
    text = f"{POLICY}attack_protection: {{breached_password_detection: {{{switch}}}}}\n"
    user = "users:\n  staff:\n    - {username: x, password: iloveyou1234} # here\n"

    if "false" in switch:
        load_text(tmp_path, text + user)
    else:
        assert faults(tmp_path, text + user) == [(marked_line(text + user), BREACHED_FAULT)]


def test_password_policy_is_read_as_it_stands(tmp_path: Path) -> None:
    policy = load_text(tmp_path, POLICY).realms[0].password_policy

    assert (policy.min_length, policy.history, policy.dictionary) == (12, 0, ("Acme Timesheets",))
    assert policy.no_personal_info


def test_dictionary_has_at_most_200_words(tmp_path: Path) -> None:
    words = ", ".join(f"word {number}" for number in range(201))
    text = (
        TENANT + f"realms:\n  - {{name: a, identifiers: [email], password_policy: {{dictionary: [{words}]}}}} # here\n"
    )

    assert faults(tmp_path, text) == [(marked_line(text), "`dictionary` must have 200 entries or fewer")]

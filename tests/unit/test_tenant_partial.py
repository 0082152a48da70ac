"""A tenant file with a part that cannot be read: no fault of another part is hidden, and none follows from it."""

from pathlib import Path

import pytest

from tests.support.tenant_text import ec_jwk, faults, jwt_client, marked_line, user

# A fault in each section, which the section shows alone or with another one.
SECTIONS = {
    "tenant": "tenant: {friendly_name: T, default_directory: nowhere}\n",
    "realms": "realms: [{name: staff, identifiers: [username, username]}]\n",
    "apis": "apis: [{identifier: x, name: X, scopes: [{value: a}, {value: a}]}]\n",
    "clients": "clients: [{client_id: c, name: C, grant_types: [], strict_audience: true, realms: [nobody]}]\n",
    "client_grants": "client_grants: [{client_id: c, audience: x, scope: [z]}]\n",
    "mfa": "mfa: {policy: always}\n",
    "attack_protection": "attack_protection: {brute_force_protection: {max_attempts: 0}}\n",
    "users": "users: {staff: [{username: al, password: iloveyou123}]}\n",
}
NAMES = list(SECTIONS)
# The sections that a fault of this message needs beside its own.
NEEDS = {
    "realm `nowhere`": {"tenant", "realms"},
    "realm `nobody`": {"clients", "realms"},
    "a client without": {"clients", "client_grants"},
    "scope `z`": {"client_grants", "apis"},
    "`password`": {"users", "realms"},
}


def written(broken: str, value: str) -> str:
    return "".join(f"{name}: {value}\n" if name == broken else text for name, text in SECTIONS.items())


def needs(line: int, message: str) -> set[str]:
    return next((needed for start, needed in NEEDS.items() if message.startswith(start)), {NAMES[line - 1]})


@pytest.mark.parametrize("value", ["5", "text", "~", "[5]", "{zzz: 1}"])
@pytest.mark.parametrize("broken", SECTIONS)
def test_broken_section_hides_no_fault_that_another_shows(tmp_path: Path, broken: str, value: str) -> None:
    whole = faults(tmp_path, written("", ""))
    found = faults(tmp_path, written(broken, value))
    kept = [(line, message) for line, message in whole if broken not in needs(line, message)]

    assert len(whole) == 10
    assert [fault for fault in kept if fault not in found] == []


FOLLOWING = {
    "identifier that is mistyped": (
        user("user_name: al"),
        "unknown key `user_name`; did you mean `username`?",
    ),
    "method that is mistyped": (
        jwt_client(ec_jwk()).replace("token_endpoint_auth_method", "token_endpoint_auth_metod").replace(" # here", ""),
        "unknown key `token_endpoint_auth_metod`; did you mean `token_endpoint_auth_method`?",
    ),
    "keys that are mistyped": (
        jwt_client(ec_jwk()).replace("jwks:", "jwk:"),
        "unknown key `jwk`; did you mean `jwks`?",
    ),
    "keys of another type": (
        jwt_client().replace("{keys: []}", "5"),
        "`jwks` must be a mapping, but is a number: write `key: value` lines below it",
    ),
}


@pytest.mark.parametrize(("text", "message"), FOLLOWING.values(), ids=FOLLOWING)
def test_fault_that_only_follows_from_another_is_not_told(tmp_path: Path, text: str, message: str) -> None:
    assert [found for _, found in faults(tmp_path, text)] == [message]


def test_entry_that_cannot_be_read_keeps_the_lines_of_those_behind_it(tmp_path: Path) -> None:
    text = jwt_client(ec_jwk()) + "  - 5\n  - {client_id: b, name: B, grant_types: [], realms: [5, nowhere]}\n"
    (first, *_), *_ = faults(tmp_path, text)

    assert first == marked_line(text) + 1
    assert (marked_line(text) + 2, "realm `nowhere` does not exist; known are `staff`, `shop`") in faults(
        tmp_path, text
    )


def test_member_of_a_key_that_is_null_is_missing(tmp_path: Path) -> None:
    text = jwt_client({**ec_jwk(), "y": None})

    assert faults(tmp_path, text) == [(marked_line(text), "an EC key needs `y`: add it from the client's public key")]

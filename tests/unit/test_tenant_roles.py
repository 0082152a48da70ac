"""Roles of a tenant file: they name APIs and scopes that are there, each once."""

from pathlib import Path

import pytest

from infra.tenant.faults import TenantFileError
from infra.tenant.file import load
from tests.support.tenant_text import APIS, BASE, REALMS, TENANT, faults, load_text, marked_line


def roles(text: str) -> str:
    return f"{BASE}roles:\n{text}"


def test_roles_are_loaded_in_their_order(tmp_path: Path) -> None:
    text = roles(
        '  - {name: editor, description: Writes, permissions: [{api: "https://api", value: write}]}\n  - {name: idle}\n'
    )
    editor, idle = load_text(tmp_path, text).roles

    assert (editor.name, editor.description) == ("editor", "Writes")
    assert [(one.api, one.value) for one in editor.permissions] == [("https://api", "write")]
    assert (idle.description, idle.permissions) == (None, ())


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            '- {name: a, permissions: [{api: "https://apy", value: read}]} # here',
            "API `https://apy` does not exist; did you mean `https://api`?",
        ),
        (
            '- {name: a, permissions: [{api: "https://api", value: reed}]} # here',
            "scope `reed` does not exist; did you mean `read`?",
        ),
        ("- {name: a}\n  - {name: a} # here", "role `a` stands twice (first on line 8): take one out"),
        ("- {description: x} # here", "`name` is missing: add it"),
        ('- {name: ""} # here', "`name` must not be empty: write a value"),
        (
            "- {name: a, permissions: [{api: management, value: read:users}]} # here",
            "API `management` does not exist; ",
        ),
        ('- {name: a, permissions: [{api: "https://api"}]} # here', "`value` is missing: add it"),
    ],
)
def test_fault_of_a_role_is_named_with_its_line(tmp_path: Path, text: str, message: str) -> None:
    whole = roles(f"  {text}\n")
    ((line, said),) = faults(tmp_path, whole)

    assert said.startswith(message)
    assert line == marked_line(whole)


def test_permission_that_stands_twice_is_a_fault(tmp_path: Path) -> None:
    one = '{api: "https://api", value: read}'
    ((_, said),) = faults(tmp_path, roles(f"  - {{name: a, permissions: [{one}, {one}]}}\n"))

    assert said.startswith("permission `read of https://api` stands twice")


@pytest.mark.parametrize("dialect", ["access_token_authz", "rfc9068_profile_authz"])
def test_api_may_enforce_policies_and_show_permissions(tmp_path: Path, dialect: str) -> None:
    more = f", enforce_policies: true, token_dialect: {dialect}"
    (api,) = load_text(tmp_path, TENANT + REALMS + APIS.replace("name: A", f"name: A{more}")).apis

    assert (api.enforce_policies, api.token_dialect) == (True, dialect)


def test_auth0s_words_for_permissions_are_explained(tmp_path: Path) -> None:
    path = tmp_path / "tenant.yaml"
    one = '{permission_name: read, resource_server_identifier: "https://api"}'
    path.write_text(roles(f"  - {{name: a, permissions: [{one}]}}\n"), "utf-8")

    with pytest.raises(TenantFileError) as caught:
        load(path)
    assert {name.name: name.here for name in caught.value.foreign} == {
        "roles.permissions.permission_name": "`roles[].permissions[].value`: the scope",
        "roles.permissions.resource_server_identifier": "`roles[].permissions[].api`: the API's identifier",
    }


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("[editor, edito]", "role `edito` does not exist; did you mean `editor`?"),
        ("editor", "`roles` must be a list"),
        ("[1]", "`roles` must be"),
    ],
)
def test_roles_of_a_user_are_those_of_the_file(tmp_path: Path, given: str, message: str) -> None:
    users = f"users:\n  shop:\n    - {{email: a@example.com, roles: {given}}} # here\n"
    whole = roles(f"  - {{name: editor}}\n{users}")
    ((line, said),) = faults(tmp_path, whole)

    assert line == marked_line(whole)
    assert message in said


def test_roles_that_no_record_holds_are_a_fault(tmp_path: Path) -> None:
    names = [f"role {number} {'x' * 80}" for number in range(30)]
    listed = "".join(f"  - name: {name}\n" for name in names)
    whole = roles(f"{listed}users:\n  shop:\n    - {{email: a@example.com, roles: [{', '.join(names)}]}} # here\n")
    ((line, said),) = faults(tmp_path, whole)

    assert (line, "2,048 bytes" in said) == (marked_line(whole), True)

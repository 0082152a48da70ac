"""A tenant file that cannot be read, or is not the YAML that is taken."""

from pathlib import Path

import pytest

from infra.tenant.faults import TenantFileError
from infra.tenant.file import load
from tests.support.tenant_text import BASE, CANARY, client, faults, marked_line, user

# The file itself


@pytest.mark.parametrize("text", ["", "\n", "# nothing but a comment\n", "---\n", "null\n"])
def test_empty_file_names_what_it_needs(tmp_path: Path, text: str) -> None:
    [(line, message)] = faults(tmp_path, text)

    assert line == 1
    assert message.startswith("the file is empty: write `tenant:`, `realms:`, `apis:`")


@pytest.mark.parametrize("text", ["- tenant\n", "tenant\n", "5\n", "[]\n"])
def test_file_that_is_no_mapping_is_refused(tmp_path: Path, text: str) -> None:
    [(line, message)] = faults(tmp_path, text)

    assert line == 1
    assert message.startswith("the file is no mapping: write `tenant:`, `realms:`")


def test_missing_file_is_named_without_a_line(tmp_path: Path) -> None:
    with pytest.raises(TenantFileError) as caught:
        load(tmp_path / "none.yaml")

    assert str(caught.value) == f"{tmp_path / 'none.yaml'}: no such file: check the path"


def test_directory_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TenantFileError, match=r": a directory: name the tenant file in it$"):
        load(tmp_path)


def test_unreadable_path_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TenantFileError, match=r": not readable \(Not a directory\): check the path$"):
        load(Path("/dev/null/tenant.yaml"))
    with pytest.raises(TenantFileError, match=r": not readable \(bad path\): check the path$"):
        load(tmp_path / "a\0b")


def test_file_without_read_permission_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError

    # The tests may run as root, to whom no file is closed.
    monkeypatch.setattr(Path, "open", refuse)

    with pytest.raises(TenantFileError, match=r": not readable: give yourself the right to read it$"):
        load(tmp_path / "tenant.yaml")


def test_file_that_is_not_utf8_is_refused_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "tenant.yaml"
    path.write_bytes(BASE.encode() + b"# caf\xe9 " + CANARY.encode())

    with pytest.raises(TenantFileError) as caught:
        load(path)

    assert str(caught.value) == f"{path}:{BASE.count(chr(10)) + 1}: not UTF-8: save the file in that encoding"
    assert caught.value.__context__ is None


def test_file_over_five_mebibytes_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "tenant.yaml"
    path.write_bytes(b"#" * (5 * 1024 * 1024 + 1))

    with pytest.raises(TenantFileError, match=r": larger than 5 MiB: import the users instead of listing them here$"):
        load(path)


# The YAML

YAML = {
    "duplicate key": (
        BASE + "mfa:\n  policy: never\n  policy: always  # here\n",
        "duplicate key `policy` (first on line 8): take one out",
    ),
    "duplicate section": (BASE + "apis: []  # here\n", "duplicate key `apis` (first on line 5): take one out"),
    "anchor": (
        client("grant_types: &grants [password]  # here"),
        "anchors (&) and aliases (*) are not taken: write the value out, or put text that starts with & or * in quotes",
    ),
    "alias": (
        client(f"grant_types: []\nclient_secret: *{CANARY}  # here"),
        "anchors (&) and aliases (*) are not taken: write the value out, or put text that starts with & or * in quotes",
    ),
    "tag": (
        client(f"grant_types: []\nclient_secret: !{CANARY} x  # here"),
        "YAML tags (!) are not taken: take it out, or put text that starts with ! in quotes",
    ),
    "number as a key": (user("username: al, app_metadata: {1: x}"), "a key must be text: put this key in quotes"),
    "list as a key": (user("username: al, app_metadata: {? [a] : x}"), "a key must be text: put this key in quotes"),
    "infinity": (
        user("username: al, app_metadata: {x: .inf}"),
        "infinity and `.nan` are not taken: write a number, or put text in quotes",
    ),
    "endless number": (
        user(f"username: al, app_metadata: {{x: {'9' * 5000}}}"),
        "YAML cannot read this value as a number: put it in quotes",
    ),
    "digits without a number": (
        user("username: al, app_metadata: {x: 0x_}"),
        "YAML cannot read this value as a number: put it in quotes",
    ),
    "half a surrogate pair": (
        user('username: al, password: "12345678\\ud800"'),
        "half a surrogate pair is no text: write the character itself",
    ),
    "second document": (
        BASE + "---  # here\ntenant: {}\n",
        "a second YAML document starts here: a tenant file is one document, take the `---` out",
    ),
    "too deep": (BASE + f"users: {'[' * 100000}  # here\n", "nested deeper than 32 levels: make it flatter"),
    "control character": (
        BASE + "# \x07 here\n",
        "a control character stands here: take it out, or write it as an escape in double quotes",
    ),
    "escape of no character": (
        client(f'grant_types: []\nclient_secret: "{CANARY}\\UFFFFFFFF"  # here'),
        "not valid YAML: an escape stands for no character: correct its digits",
    ),
    "unknown escape": (
        client(f'grant_types: []\nclient_secret: "{CANARY}\\q"  # here'),
        'not valid YAML: a backslash escapes in "...": put the value in single quotes, where it does not',
    ),
    "tag handle": (
        client(f"grant_types: []\nclient_secret: !{CANARY}!x y  # here"),
        "not valid YAML: check the indentation, the colons and the quotes here",
    ),
    "tab": (
        BASE + "mfa:\n\tpolicy: never  # here\n",
        "not valid YAML: indent with spaces, never tabs, and put text that starts with @, %, ` in quotes",
    ),
    "special character": (
        client(f"grant_types: []\nclient_secret: @{CANARY}  # here"),
        "not valid YAML: indent with spaces, never tabs, and put text that starts with @, %, ` in quotes",
    ),
    "two colons": (
        client(f"grant_types: []\nclient_secret: {CANARY}: x  # here"),
        "not valid YAML: a colon too many here, or none before: put text with `: ` in quotes",
    ),
    "no space after the colon": (
        client(f"grant_types: []\nclient_secret:{CANARY}  # here\nrealms: []"),
        "not valid YAML: a key without its colon: write `key: value`, with a space after the colon",
    ),
    "open quote": (
        client(f'grant_types: []\nclient_secret: "{CANARY}  # here'),
        "not valid YAML: the quote that opens here is never closed: close it",
    ),
    "open list": (
        client("grant_types: [password  # here\nrealms: []"),
        "not valid YAML: the list that opens here is not closed: check the commas, and end it with ]",
    ),
    "open mapping": (
        client("grant_types: []\nrefresh_token: {leeway: 0  # here"),
        "not valid YAML: the mapping that opens here is not closed: check the commas, and end it with }",
    ),
    "indentation": (
        BASE + "mfa:\n    factors: []\n  policy: never  # here\n",
        "not valid YAML: check the indentation, the colons and the quotes here",
    ),
}


@pytest.mark.parametrize(("text", "message"), YAML.values(), ids=YAML)
def test_yaml_that_is_not_taken_is_one_fault_with_line_and_mend(tmp_path: Path, text: str, message: str) -> None:
    line = marked_line(text.replace("\x07 here", "# here"))

    assert faults(tmp_path, text) == [(line, message)]


def test_alias_bomb_is_refused_without_being_expanded(tmp_path: Path) -> None:
    levels = "".join(f"  a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 30))

    found = faults(tmp_path, BASE + "users:\n  a0: &a0 [x]\n" + levels)

    assert all(line > 6 for line, _ in found)
    assert "anchors (&) and aliases (*) are not taken" in found[0][1] + found[1][1]

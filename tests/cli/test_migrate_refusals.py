"""`gatehouse migrate auth0` refuses what is no export, in one line and with exit code 2."""

from pathlib import Path

import pytest
import yaml

from tests.cli.migrating import run
from tests.support.auth0_rules import EXPORT

# Nine levels of aliases, each of nine, are half a billion values.
BOMB = "a0: &a0 [1]\n" + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 10))


def test_folder_without_an_export_is_refused(tmp_path: Path) -> None:
    (tmp_path / "package.json").write_text("{}")
    code, _, err = run(tmp_path, "-o", tmp_path / "moved")
    assert code == 2
    assert "no export of Auth0's Deploy CLI" in err


def test_own_folder_of_the_export_is_refused(tmp_path: Path) -> None:
    (tmp_path / "tenant.yaml").write_text("clients: []\n")
    code, _, err = run(tmp_path, "-o", tmp_path, "--force")
    assert (code, err) == (2, f"{tmp_path} is the export's own folder: name another one.\n")
    assert (tmp_path / "tenant.yaml").read_text() == "clients: []\n"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[1]", "no export of Auth0's Deploy CLI"),
        ("a: [", "not valid YAML"),
        (BOMB, "holds more than"),
        ("a: &a\n  b: *a\n", "holds more than"),
        ("a: " + "[" * 3000, "cannot be read"),
        ("a: !!python/object/apply:os.getcwd []\n", "not valid YAML"),
    ],
    ids=["list", "syntax", "aliases", "circle", "depth", "tag"],
)
def test_file_that_is_no_export_is_refused_in_one_line(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "export.yaml").write_text(text)
    code, out, err = run(tmp_path / "export.yaml", "-o", tmp_path / "moved")
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert said in err
    assert not (tmp_path / "moved").exists()


@pytest.mark.parametrize("option", ["--keywords", "--client-ids"])
@pytest.mark.parametrize("text", ["[]", "{", '"SECRET"'])
def test_option_file_that_is_no_object_is_refused(tmp_path: Path, option: str, text: str) -> None:
    (tmp_path / "given.json").write_text(text)
    code, _, err = run(EXPORT, "-o", tmp_path / "moved", option, tmp_path / "given.json")
    assert (code, err) == (2, f"{tmp_path / 'given.json'}: must be a JSON object.\n")


def test_script_outside_of_the_export_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "secret.js").write_text(
        "function (user, context, callback) { callback(null, user, context); } // CANARY"
    )
    (tmp_path / "export").mkdir()
    export = {"rules": [{"name": "Out", "script": "../secret.js"}]}
    (tmp_path / "export" / "tenant.yaml").write_text(yaml.safe_dump(export))
    run(tmp_path / "export", "-o", tmp_path / "moved")
    text = (tmp_path / "moved" / "auth0_rules" / "rule_01_out.py").read_text()
    assert "CANARY" not in text and "its script is not in the export" in text

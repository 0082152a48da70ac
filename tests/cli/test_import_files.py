"""`gatehouse users import`: files in each layout, broken, huge or strange, spoil no row but their own."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Gatehouse
from tests.cli.imports import faults, find, imported, row, summary


def test_csv_has_dotted_columns_and_json(shared: Gatehouse, key: str) -> None:
    header = "email,user_id,blocked,app_metadata.plan,user_metadata\n"
    text = header + f'{key}@example.com,{key},true,007,"{{""a"": 1}}"\n'
    ran = imported(shared, "-", "--json", "--state", str(shared.directory / "state"), typed=text)
    user = find(shared, f"auth0|{key}")

    assert (ran.code, summary(ran)) == (0, [1, 1, 0, 0])
    assert (user.blocked, user.app_metadata, user.user_metadata) == (True, {"plan": "007"}, {"a": 1})


def test_line_that_is_no_json_is_a_fault_of_its_row(shared: Gatehouse, key: str, tmp_path: Path) -> None:
    file = tmp_path / "people.ndjson"
    file.write_bytes(b"\n".join([b"{no json", json.dumps(row(key)).encode(), b"\xff", b"[1]", b""]))
    ran = imported(shared, str(file), "--json", "--report", str(tmp_path / "report"))

    assert (ran.code, summary(ran)) == (3, [4, 1, 0, 3])
    assert faults(tmp_path / "report") == [(1, "", "FORMAT"), (3, "", "FORMAT"), (4, "", "INVALID_TYPE")]


def test_array_that_breaks_off_keeps_the_rows_before(shared: Gatehouse, key: str, tmp_path: Path) -> None:
    file = tmp_path / "people.json"
    file.write_text(json.dumps([row(key), row(key, 1)])[:-20], "utf-8")
    ran = imported(shared, str(file), "--json")

    assert (ran.code, summary(ran)) == (3, [2, 1, 0, 1])


@pytest.mark.parametrize("content", [b"", b"  \n", b"hello", b"\x1f\x8bbroken"])
def test_file_that_cannot_be_read_exits_with_2(shared: Gatehouse, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "people").write_bytes(content)

    assert imported(shared, str(tmp_path / "people")).code == 2
    assert imported(shared, str(tmp_path / "nothing")).code == 2


def test_integer_of_too_many_digits_is_a_fault_of_its_row(shared: Gatehouse, key: str, tmp_path: Path) -> None:
    file = tmp_path / "people.json"
    file.write_text(f'[{{"logins_count": {"9" * 5000}}}, {json.dumps(row(key))}]', "utf-8")
    ran = imported(shared, str(file), "--json", "--report", str(tmp_path / "report"))

    assert (ran.code, summary(ran)) == (3, [2, 1, 0, 1])
    assert faults(tmp_path / "report") == [(1, "", "FORMAT")]


def test_text_of_no_people_is_refused_whole(shared: Gatehouse, tmp_path: Path) -> None:
    file = tmp_path / "README.md"
    file.write_text("# Some words\n\nThese lines are no rows.\n" * 20, "utf-8")
    ran = imported(shared, str(file))

    assert (ran.code, ran.out) == (2, "")
    assert "holds no rows of people" in ran.err


def test_header_that_names_a_column_twice_is_refused(shared: Gatehouse, key: str) -> None:
    text = f"email,name,email\n{key}@example.com,A,{key}-b@example.com\n"
    ran = imported(shared, "-", "--state", str(shared.directory / "state"), typed=text)

    assert (ran.code, ran.err) == (2, "Columns 1 and 3 of the CSV's header have the same name.\n")


def test_file_in_utf_16_is_refused_with_the_encoding_that_it_needs(shared: Gatehouse, key: str, tmp_path: Path) -> None:
    file = tmp_path / "people.csv"
    file.write_bytes(f"email,name\n{key}@example.com,A\n".encode("utf-16"))
    ran = imported(shared, str(file))

    assert ran.code == 2
    assert ran.err.endswith("in UTF-8.\n")


@pytest.mark.parametrize(
    "form", ["[{}]", "lines", '{{"users": [{}]}}', '{{"start": 0, "x": [], "users": [{}], "total": 3}}']
)
def test_half_a_surrogate_pair_is_refused_by_name_in_each_layout(
    shared: Gatehouse, key: str, tmp_path: Path, form: str
) -> None:
    changes: list[dict[str, Any]] = [{"name": "\ud800"}, {"user_metadata": {"x": ["\ud800"]}}, {}]
    rows = [json.dumps(row(key, number, **more)) for number, more in enumerate(changes)]
    file = tmp_path / "people.json"
    file.write_text("\n".join(rows) if form == "lines" else form.format(",".join(rows)), "utf-8")
    ran = imported(shared, str(file), "--json", "--report", str(tmp_path / "report"))

    assert (ran.code, summary(ran)) == (3, [3, 1, 0, 2])
    assert faults(tmp_path / "report") == [(1, "name", "FORMAT"), (2, "user_metadata", "FORMAT")]


def test_row_of_a_list_that_is_too_long_spoils_no_other(shared: Gatehouse, key: str, tmp_path: Path) -> None:
    file = tmp_path / "people.json"
    file.write_text(f"[{json.dumps(row(key, name='a' * 3_000_000))}, {{no json}}, {json.dumps(row(key, 1))}]", "utf-8")
    ran = imported(shared, str(file), "--json", "--report", str(tmp_path / "report"))

    assert (ran.code, summary(ran)) == (3, [3, 1, 0, 2])
    assert faults(tmp_path / "report") == [(1, "", "MAX_LENGTH"), (2, "", "FORMAT")]


@pytest.mark.parametrize("text", ['{"users": [', '{"users": ', '{"users": [{"email": "a', '{"user', "[", '{"a": 1'])
def test_file_that_breaks_off_before_its_first_row_ends_is_refused(
    shared: Gatehouse, tmp_path: Path, text: str
) -> None:
    (tmp_path / "people.json").write_text(text, "utf-8")
    ran = imported(shared, str(tmp_path / "people.json"))

    assert (ran.code, ran.out) == (2, "")
    assert "holds no rows of people" in ran.err


@pytest.mark.parametrize("text", ["[]", '{"users": []}', '{"start": 0, "users": [ ], "total": 0}'])
def test_list_without_people_is_no_failure(shared: Gatehouse, tmp_path: Path, text: str) -> None:
    (tmp_path / "people.json").write_text(text, "utf-8")
    ran = imported(shared, str(tmp_path / "people.json"), "--json")

    assert (ran.code, summary(ran)) == (0, [0, 0, 0, 0])


@pytest.mark.parametrize("form", ["lines", "csv"])
def test_megabytes_of_blank_lines_are_passed_over(shared: Gatehouse, key: str, tmp_path: Path, form: str) -> None:
    rows = [json.dumps(row(key)), json.dumps(row(key, 1))]
    if form == "csv":
        rows = ["email,user_id", f"{key}-0@example.com,{key}0"]
    blanks = "\n" * (200_000 if form == "csv" else 20_000_000)
    file = tmp_path / "people.gz"
    file.write_bytes(gzip.compress(f"{' ' * 200_000}\n{rows[0]}\n{blanks}{rows[1]}\n".encode(), 1))
    ran = imported(shared, str(file), "--json")

    people = 1 if form == "csv" else 2
    assert (ran.code, summary(ran)) == (0, [people, people, 0, 0])


def test_line_of_a_csv_that_is_too_long_spoils_no_other(shared: Gatehouse, key: str, tmp_path: Path) -> None:
    file = tmp_path / "people.csv"
    long = "," * 3_000_000
    file.write_text(f"email,user_id\n{long}\n{key}-0@example.com,{key}0\n", "utf-8")
    ran = imported(shared, str(file), "--json", "--report", str(tmp_path / "report"))

    assert (ran.code, summary(ran)) == (3, [2, 1, 0, 1])
    assert faults(tmp_path / "report") == [(1, "", "FORMAT")]

"""`gatehouse users import`: people of a file become people of a realm, whatever happens on the way."""

import gzip
import hashlib
import itertools
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import bcrypt
import pytest

from infra.stage.people import People
from tests.cli.conftest import Gatehouse, Ran
from tests.support.http import Http

EMPLOYEES = ("--realm", "employees")
PASSWORD = "correct horse"
HASH = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).decode()
TIME = "2021-03-05T16:28:52.462Z"
EPOCH_S = 1_614_961_732
_numbers = itertools.count(1)

Write = Callable[..., str]


@pytest.fixture
def key() -> str:
    """A word that the people of no other test have."""
    return f"moved{next(_numbers)}x"


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes rows to a file, and returns its path."""

    def to_file(*rows: Any, name: str = "people.json") -> str:
        path = tmp_path / name
        path.write_text(json.dumps(rows), "utf-8")
        return str(path)

    return to_file


def imported(shared: Gatehouse, file: str, *options: str, typed: str | None = None) -> Ran:
    return shared.run("users", "import", file, *EMPLOYEES, *options, typed=typed)


def summary(ran: Ran) -> list[int]:
    counts = json.loads(ran.out)
    assert list(counts) == ["total", "inserted", "updated", "failed"]
    return list(counts.values())


def row(key: str, number: int = 0, **more: Any) -> dict[str, Any]:
    return {"email": f"{key}-{number}@example.com", "user_id": f"{key}{number}", "password_hash": HASH} | more


def faults(path: Path) -> list[tuple[int, str, str]]:
    lines = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    assert all(list(line) == ["row", "field", "code", "message"] for line in lines)
    return [(line["row"], line["field"], line["code"]) for line in lines]


def find(shared: Gatehouse, who: str) -> Any:
    return People.of(shared.stage, "employees").find(who)


def test_imported_person_logs_in_with_the_old_password(shared: Gatehouse, http: Http, key: str, write: Write) -> None:
    file = write(row(key, username=key, name="Some Body", email_verified=True, app_metadata={"plan": "gold"}))
    ran = imported(shared, file, "--json")
    user = find(shared, f"{key}-0@example.com")

    assert (ran.code, summary(ran), ran.err) == (0, [1, 1, 0, 0], "")
    assert (user.user_id, user.name, user.email_verified) == (f"auth0|{key}0", "Some Body", True)
    assert user.app_metadata == {"plan": "gold"}
    assert http.login(username=key, password=PASSWORD).status_code == 200
    assert http.login(username=key, password="wrong").status_code == 400


def test_export_of_auth0_keeps_times_counts_and_ids(shared: Gatehouse, key: str, tmp_path: Path) -> None:
    exported = row(
        key, user_id=f"auth0|{key}", created_at=TIME, updated_at=TIME, last_login=TIME, logins_count=7,
        identities=[{"provider": "auth0", "user_id": key, "connection": "Users", "isSocial": False}],
    )  # fmt: skip
    file = tmp_path / "export.json.gz"
    file.write_bytes(gzip.compress(json.dumps(exported).encode() + b"\n"))
    ran = imported(shared, str(file), "--json")
    user = find(shared, f"auth0|{key}")

    assert (ran.code, summary(ran)) == (0, [1, 1, 0, 0])
    assert (user.created_at, user.last_login, user.logins_count) == (EPOCH_S, EPOCH_S, 7)


def test_csv_has_dotted_columns_and_json(shared: Gatehouse, key: str) -> None:
    header = "email,user_id,blocked,app_metadata.plan,user_metadata\n"
    text = header + f'{key}@example.com,{key},true,007,"{{""a"": 1}}"\n'
    ran = imported(shared, "-", "--json", "--state", str(shared.directory / "state"), typed=text)
    user = find(shared, f"auth0|{key}")

    assert (ran.code, summary(ran)) == (0, [1, 1, 0, 0])
    assert (user.blocked, user.app_metadata, user.user_metadata) == (True, {"plan": "007"}, {"a": 1})


@pytest.mark.parametrize(
    ("changes", "field", "code"),
    [
        ({"email": None}, "email", "OBJECT_REQUIRED"),
        ({"email": 5}, "email", "INVALID_TYPE"),
        ({"email": "nobody"}, "email", "FORMAT"),
        ({"surprise": 1}, "surprise", "NOT_PASSED"),
        ({"blocked": "yes"}, "blocked", "INVALID_TYPE"),
        ({"name": "x" * 301}, "name", "MAX_LENGTH"),
        ({"phone_number": "030 1234"}, "phone_number", "PATTERN"),
        ({"picture": "javascript:1"}, "picture", "FORMAT"),
        ({"app_metadata": {"email": 1}}, "app_metadata", "NOT_PASSED"),
        ({"user_metadata": json.loads("[" * 40 + "]" * 40)}, "user_metadata", "INVALID_TYPE"),
        ({"user_metadata": {"a": json.loads("[" * 40 + "]" * 40)}}, "user_metadata", "NOT_PASSED"),
        ({"user_metadata": {"a": "x" * 70_000}}, "user_metadata", "MAX_LENGTH"),
        ({"user_metadata": {"a": "é" * 33_000}}, "user_metadata", "MAX_LENGTH"),
        ({"created_at": "yesterday"}, "created_at", "FORMAT"),
        ({"logins_count": -1}, "logins_count", "MINIMUM"),
        ({"user_id": "with blank"}, "user_id", "PATTERN"),
    ],
)  # fmt: skip
def test_unfit_row_is_reported_and_the_others_are_in(  # noqa: PLR0913, PLR0917 (fixtures, and what a row is about)
    shared: Gatehouse, key: str, write: Write, tmp_path: Path, changes: dict[str, Any], field: str, code: str
) -> None:
    unfit = row(key) | changes
    ran = imported(shared, write(unfit, row(key, 1)), "--json", "--report", str(tmp_path / "report"))

    assert (ran.code, summary(ran)) == (3, [2, 1, 0, 1])
    assert faults(tmp_path / "report") == [(1, field, code)]
    assert HASH not in (tmp_path / "report").read_text("utf-8") + ran.out + ran.err


def test_metadata_of_a_row_are_measured_in_utf8(shared: Gatehouse, key: str, write: Write) -> None:
    metadata = {"a": "é" * 30_000}
    ran = imported(shared, write(row(key, user_metadata=metadata)), "--json")

    assert (ran.code, summary(ran)) == (0, [1, 1, 0, 0])
    assert find(shared, f"{key}-0@example.com").user_metadata == metadata


def test_row_without_email_is_refused_as_at_auth0(shared: Gatehouse, key: str, write: Write, tmp_path: Path) -> None:
    ran = imported(shared, write({"user_id": key}, row(key)), "--report", str(tmp_path / "report"))

    assert (ran.code, faults(tmp_path / "report")) == (3, [(1, "email", "OBJECT_REQUIRED")])


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


def test_somebody_who_is_there_is_a_duplicate(shared: Gatehouse, key: str, write: Write, tmp_path: Path) -> None:
    imported(shared, write(row(key, username=key)))
    again = [
        row(key),
        row(key, user_id="other"),
        {"email": f"{key}@else.example", "username": key.upper()},
        row(key, 1),
    ]
    ran = imported(shared, write(*again), "--json", "--report", str(tmp_path / "report"))

    assert (ran.code, summary(ran)) == (3, [4, 1, 0, 3])
    assert faults(tmp_path / "report") == [
        (1, "user_id", "DUPLICATED_USER"),
        (2, "email", "DUPLICATED_USER"),
        (3, "username", "DUPLICATED_USER"),
    ]


def test_second_row_of_a_name_is_a_duplicate_in_a_dry_run_too(
    shared: Gatehouse, key: str, write: Write, tmp_path: Path
) -> None:
    file = write(row(key), row(key, user_id="other"))
    reports = []
    for options in (("--dry-run",), ()):
        ran = imported(shared, file, "--json", "--report", str(tmp_path / "report"), *options)
        reports.append((ran.code, summary(ran), faults(tmp_path / "report")))

    assert reports[0] == reports[1] == (3, [2, 1, 0, 1], [(2, "email", "DUPLICATED_USER")])


def test_rows_of_django_are_known_by_their_fields(shared: Gatehouse, key: str, write: Write) -> None:
    fields = {"username": key, "email": f"{key}@example.com", "password": "!", "is_active": False, "first_name": "Ann"}
    ran = imported(shared, write({"model": "auth.user", "pk": f"{key}9", "fields": fields}), "--json")
    user = find(shared, key)

    assert (ran.code, summary(ran)) == (0, [1, 1, 0, 0])
    assert (user.user_id, user.blocked, user.given_name) == (f"{key}9", True, "Ann")


def test_user_id_of_another_realm_is_refused(shared: Gatehouse, key: str, write: Write, tmp_path: Path) -> None:
    file = write(row(key))
    shared.run("users", "import", file, "--realm", "customers")
    ran = imported(shared, file, "--report", str(tmp_path / "report"))

    assert (ran.code, faults(tmp_path / "report")) == (3, [(1, "user_id", "DUPLICATED_USER")])


def test_upsert_replaces_metadata_and_leaves_password_and_block(
    shared: Gatehouse, http: Http, key: str, write: Write
) -> None:
    imported(shared, write(row(key, username=key, app_metadata={"a": 1}, name="Before")))
    other = bcrypt.hashpw(b"other", bcrypt.gensalt(4)).decode()
    change = row(key, password_hash=other, app_metadata={"b": 2}, blocked=True)
    ran = imported(shared, write(change), "--upsert", "--json")
    user = find(shared, key)

    assert (ran.code, summary(ran)) == (0, [1, 0, 1, 0])
    assert (user.app_metadata, user.name, user.blocked) == ({"b": 2}, "Before", False)
    assert http.login(username=key, password=PASSWORD).status_code == 200


def test_upsert_replaces_a_custom_hash_until_the_first_login(
    shared: Gatehouse, http: Http, key: str, write: Write
) -> None:
    def custom(password: str) -> dict[str, Any]:
        value = hashlib.sha256(password.encode()).hexdigest()
        stored = {"algorithm": "sha256", "hash": {"value": value, "encoding": "hex"}}
        return {"email": f"{key}@example.com", "user_id": key, "username": key, "custom_password_hash": stored}

    imported(shared, write(custom("first horse of nobody")))
    imported(shared, write(custom("second horse of nobody")), "--upsert")
    before = [
        http.login(username=key, password=password).status_code
        for password in ("first horse of nobody", "second horse of nobody")
    ]
    imported(shared, write(custom("third horse of nobody")), "--upsert")
    after = [
        http.login(username=key, password=password).status_code
        for password in ("second horse of nobody", "third horse of nobody")
    ]

    assert (before, after) == ([400, 200], [200, 400])


def test_upsert_gives_a_hash_to_who_has_none(shared: Gatehouse, http: Http, key: str, write: Write) -> None:
    imported(shared, write({"email": f"{key}-0@example.com", "user_id": f"{key}0", "username": key}))
    before = http.login(username=key, password=PASSWORD).status_code
    imported(shared, write(row(key)), "--upsert")

    assert (before, http.login(username=key, password=PASSWORD).status_code) == (400, 200)


def test_row_of_two_people_is_a_conflict(shared: Gatehouse, key: str, write: Write, tmp_path: Path) -> None:
    imported(shared, write(row(key), row(key, 1)))
    mixed = row(key, user_id=f"{key}1")
    ran = imported(shared, write(mixed), "--upsert", "--report", str(tmp_path / "report"))

    assert (ran.code, faults(tmp_path / "report")) == (3, [(1, "email", "CONFLICT_EMAIL")])


def test_resume_after_the_end_has_nothing_to_do_and_refuses_another_file(
    shared: Gatehouse, key: str, write: Write
) -> None:
    file = write(row(key), row(key))
    first, again = imported(shared, file, "--json"), imported(shared, file, "--resume", "--json")
    write(row(key), row(key, 1))
    changed = imported(shared, file, "--resume")

    assert (first.code, again.code, changed.code) == (3, 0, 2)
    assert summary(first) == summary(again) == [2, 1, 0, 1]


@pytest.mark.parametrize("option", ["--report", "--state"])
def test_output_onto_the_people_is_refused_and_the_file_stays(
    shared: Gatehouse, key: str, write: Write, tmp_path: Path, option: str
) -> None:
    file = write(row(key))
    before, link = Path(file).read_bytes(), tmp_path / "link"
    link.hardlink_to(file)
    onto = [imported(shared, file, option, name) for name in (file, str(link))]

    assert [ran.code for ran in onto] == [2, 2]
    assert Path(file).read_bytes() == before


def test_integer_of_too_many_digits_is_a_fault_of_its_row(shared: Gatehouse, key: str, tmp_path: Path) -> None:
    file = tmp_path / "people.json"
    file.write_text(f'[{{"logins_count": {"9" * 5000}}}, {json.dumps(row(key))}]', "utf-8")
    ran = imported(shared, str(file), "--json", "--report", str(tmp_path / "report"))

    assert (ran.code, summary(ran)) == (3, [2, 1, 0, 1])
    assert faults(tmp_path / "report") == [(1, "", "FORMAT")]


def test_imported_people_are_in_the_total(shared: Gatehouse, key: str, write: Write) -> None:
    shared.run("users", "count", *EMPLOYEES)
    imported(shared, write(*(row(key, number) for number in range(60))))
    counted = json.loads(shared.run("users", "count", *EMPLOYEES, "--json").out)

    assert counted["total_before"] == counted["users"]


def test_text_of_no_people_is_refused_whole(shared: Gatehouse, tmp_path: Path) -> None:
    file = tmp_path / "README.md"
    file.write_text("# Some words\n\nThese lines are no rows.\n" * 20, "utf-8")
    ran = imported(shared, str(file))

    assert (ran.code, ran.out) == (2, "")
    assert "holds no rows of people" in ran.err


def test_rejected_rows_without_a_report_lead_to_one(shared: Gatehouse, key: str, write: Write, tmp_path: Path) -> None:
    file = write(row(key, shoe_size=42))
    without, with_one = imported(shared, file), imported(shared, file, "--report", str(tmp_path / "report"))

    assert (without.code, with_one.code) == (3, 3)
    assert "--report FILE" in without.err
    assert with_one.err == ""


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


def test_hash_export_of_auth0s_support_logs_in(shared: Gatehouse, http: Http, key: str, tmp_path: Path) -> None:
    exported = {
        "_id": {"$oid": "5dea9f9c82dd7c0e76e4ec93"},
        "alt_id": key,
        "passwordHash": HASH,
        "password_set_date": {"$date": TIME},
        "tenant": "acme",
        "connection": "Username-Password-Authentication",
        "_tmp_is_unique": True,
        "identifiers": [{"type": "email", "value": f"{key}@example.com", "verified": True}],
    }
    file = tmp_path / "hashes.ndjson"
    file.write_text(json.dumps(exported) + "\n", "utf-8")
    ran = imported(shared, str(file), "--json")
    user = find(shared, f"auth0|{key}")

    assert (ran.code, summary(ran)) == (0, [1, 1, 0, 0])
    assert (user.email_verified, user.last_password_reset) == (True, EPOCH_S)
    assert http.login(username=f"{key}@example.com", password=PASSWORD).status_code == 200


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


def test_terminal_shows_how_many_people_are_in_and_how_fast(
    shared: Gatehouse, key: str, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Rich takes stderr for a terminal then.
    monkeypatch.setenv("TTY_COMPATIBLE", "1")
    rows = [row(key, number) for number in range(250)]
    shown = imported(shared, write(*rows))
    as_json = imported(shared, write(*(one | {"name": "B"} for one in rows)), "--upsert", "--json")

    assert (shown.code, shown.out) == (0, "250 rows: 250 inserted, 0 updated, 0 failed.\n")
    assert re.search(r"200 people, [1-9][0-9]*/s", shown.err)
    assert (as_json.code, summary(as_json), as_json.err) == (0, [250, 0, 250, 0], "")

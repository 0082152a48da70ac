"""`gatehouse users import`: people of a file become people of a realm, whatever happens on the way."""

import gzip
import hashlib
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import bcrypt
import pytest

from tests.cli.conftest import Gatehouse
from tests.cli.imports import EMPLOYEES, HASH, PASSWORD, faults, find, imported, row, summary
from tests.support.http import Http

TIME = "2021-03-05T16:28:52.462Z"
EPOCH_S = 1_614_961_732

Write = Callable[..., str]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes rows to a file, and returns its path."""

    def to_file(*rows: Any, name: str = "people.json") -> str:
        path = tmp_path / name
        path.write_text(json.dumps(rows), "utf-8")
        return str(path)

    return to_file


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


def test_imported_people_are_in_the_total(shared: Gatehouse, key: str, write: Write) -> None:
    shared.run("users", "count", *EMPLOYEES)
    imported(shared, write(*(row(key, number) for number in range(60))))
    counted = json.loads(shared.run("users", "count", *EMPLOYEES, "--json").out)

    assert counted["total_before"] == counted["users"]


def test_rejected_rows_without_a_report_lead_to_one(shared: Gatehouse, key: str, write: Write, tmp_path: Path) -> None:
    file = write(row(key, shoe_size=42))
    without, with_one = imported(shared, file), imported(shared, file, "--report", str(tmp_path / "report"))

    assert (without.code, with_one.code) == (3, 3)
    assert "--report FILE" in without.err
    assert with_one.err == ""


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

"""`gatehouse users export`: the people of a realm as JSON Lines, without secrets unless they are asked for."""

import json
import os
import stat
from pathlib import Path
from typing import Any

import pytest

from chalicelib.errors import TemporarilyUnavailable
from chalicelib.model.user import User
from chalicelib.store.configuration.vault import Vault
from infra.cli.people.exporting import _write
from infra.errors import OperatorError
from infra.move.leaving import export
from infra.stage.people import People
from tests.cli.conftest import Gatehouse, Ran
from tests.support.fixed import Clock
from tests.support.http import Http
from tests.support.mfa import enrol, mfa_api_login
from tests.support.people import PASSWORD, PeopleMaker

EMPLOYEES = ("--realm", "employees")
SECRET_MEMBERS = ("password_hash", "password_history", "mfa_factors", "recovery_code_hash", "factor_history")


def exported(gatehouse: Gatehouse, *options: str, output: str = "-") -> Ran:
    return gatehouse.run("users", "export", *EMPLOYEES, "-o", output, *options)


def rows_of(text: str) -> dict[str, dict[str, Any]]:
    rows = [json.loads(line) for line in text.splitlines()]
    by_id = {row["user_id"]: row for row in rows}
    assert len(by_id) == len(rows), "nobody is in twice"
    return by_id


def test_export_has_every_person_without_a_secret(shared: Gatehouse, people: PeopleMaker, tmp_path: Path) -> None:
    user = people.make(name="Ada Lovelace", app_metadata={"plan": "gold"}, blocked=True, phone_number="+4915112345678")
    stored = People.of(shared.stage, "employees").find(user.user_id)
    file = tmp_path / "people.ndjson"
    ran = exported(shared, output=str(file))
    rows = rows_of(file.read_text("utf-8"))
    row = rows[user.user_id]

    assert (ran.code, ran.out, ran.err) == (0, f"{len(rows)} people written.\n", "")
    assert set(rows) == {one.user_id for one in People.of(shared.stage, "employees").records.all()}
    assert (row["email"], row["username"], row["name"]) == (user.email, user.username, "Ada Lovelace")
    assert (row["blocked"], row["app_metadata"], row["phone_number"]) == (True, {"plan": "gold"}, "+4915112345678")
    assert row["created_at"].endswith("Z")
    assert not [name for one in rows.values() for name in SECRET_MEMBERS if name in one]
    assert stored.password_hash not in file.read_text("utf-8")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert list(tmp_path.glob("*people*")) == [file], "nothing is left beside it"


def test_secrets_come_with_their_option_and_a_warning(
    shared: Gatehouse, people: PeopleMaker, http: Http, clock: Clock
) -> None:
    user = people.make()
    token = mfa_api_login(http, user.username).json()["access_token"]
    enrolled = enrol_by_api(http, clock, user.username, token)
    ran = exported(shared, "--with-secrets")
    row = rows_of(ran.out)[user.user_id]
    stored = People.of(shared.stage, "employees").find(user.user_id)

    assert (ran.code, row["password_hash"]) == (0, stored.password_hash)
    assert "delete it" in ran.err
    assert [one["totp"]["secret"] for one in row["mfa_factors"]] == [enrolled[0]]
    assert row["recovery_code_hash"]
    assert enrolled[1] not in ran.out, "the recovery code itself is nowhere stored"
    assert [one["action"] for one in row["factor_history"]] == ["added"]
    plain = exported(shared)
    assert not [text for text in (*enrolled, stored.password_hash, row["recovery_code_hash"]) if text in plain.out]


def enrol_by_api(http: Http, clock: Clock, username: str, token: str) -> tuple[str, str]:
    """Return the secret and the recovery code of a new, confirmed app."""
    made = enrol(http, clock, username, token)
    return made.app.secret, made.recovery_code


def test_standard_output_has_rows_alone(shared: Gatehouse, people: PeopleMaker) -> None:
    user = people.make()
    ran = exported(shared)

    assert user.user_id in rows_of(ran.out)
    assert ran.err.endswith("people written.\n")


def test_one_person_is_exported_by_any_name(shared: Gatehouse, people: PeopleMaker) -> None:
    user = people.make()
    ran = exported(shared, "--user", user.email)
    absent = exported(shared, "--user", "nobody@example.com")

    assert (ran.code, list(rows_of(ran.out))) == (0, [user.user_id])
    assert (absent.code, absent.out) == (2, "")


def test_person_who_goes_between_two_pages_is_left_out(
    shared: Gatehouse, people: PeopleMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export, "PAGE", 1)
    first, second, third = (people.make() for _ in range(3))
    whole = list(rows_of(exported(shared).out))
    people.of("employees").delete(second)

    assert list(rows_of(exported(shared).out)) == [one for one in whole if one != second.user_id]
    assert {first.user_id, third.user_id} < set(whole)


@pytest.mark.parametrize("output", ["no-such-folder/people", ".", "/dev/full", "/dev/null", "x" * 300])
def test_file_that_cannot_be_written_is_named(shared: Gatehouse, output: str) -> None:
    ran = exported(shared, output=output)

    assert (ran.code, ran.out) == (2, "")
    assert output in ran.err


def test_disk_that_is_full_is_told_at_the_end_too() -> None:
    with pytest.raises(OperatorError, match="No space left"), Path("/dev/full").open("w", encoding="utf-8") as full:
        try:
            _write(iter([{"email": "a@example.com"}]), full)
        finally:
            # What is left in the buffer would fail once more.
            os.dup2(os.open(os.devnull, os.O_WRONLY), full.fileno())


@pytest.mark.parametrize("target", ["people.old", "no-such-file"])
def test_link_is_replaced_and_what_it_leads_to_stays(shared: Gatehouse, tmp_path: Path, target: str) -> None:
    old, link = tmp_path / "people.old", tmp_path / "people"
    old.write_text("before")
    link.symlink_to(tmp_path / target)
    ran = exported(shared, output=str(link))

    assert (ran.code, link.is_symlink(), stat.S_IMODE(link.stat().st_mode)) == (0, False, 0o600)
    assert sorted(one.name for one in tmp_path.iterdir() if one.is_file()) == ["people", "people.old"]
    assert old.read_text() == "before"


def test_export_that_fails_leaves_the_file_before_as_it_was(
    shared: Gatehouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "people"
    file.write_text("before")

    def fail(_: User) -> dict[str, object]:
        raise ZeroDivisionError

    monkeypatch.setattr(export, "row_of", fail)
    with pytest.raises(ZeroDivisionError):
        exported(shared, output=str(file))

    assert [(one.name, one.read_text()) for one in tmp_path.iterdir() if one.is_file()] == [("people", "before")]


def test_password_of_an_exported_person_is_that_of_the_imported_one(
    shared: Gatehouse, people: PeopleMaker, http: Http, tmp_path: Path
) -> None:
    user = people.make(name="Grace", user_metadata={"theme": "dark"})
    assert http.login(username=user.username).status_code == 200
    file = tmp_path / "person.ndjson"
    exported(shared, "--with-secrets", "--user", user.user_id, output=str(file))
    before = People.of(shared.stage, "employees").find(user.user_id)
    people.of("employees").delete(user)
    ran = shared.run("users", "import", str(file), *EMPLOYEES, "--json")
    after = People.of(shared.stage, "employees").find(user.user_id)

    assert (ran.code, json.loads(ran.out)["inserted"]) == (0, 1)
    assert (after.known_addresses, after.logins_count, after.created_at) == (
        before.known_addresses, before.logins_count, before.created_at
    )  # fmt: skip
    assert http.login(username=user.username, password=PASSWORD).status_code == 200


def test_export_that_aws_cuts_off_leaves_no_secret_anywhere(  # noqa: PLR0913, PLR0917 (fixtures)
    shared: Gatehouse, people: PeopleMaker, http: Http, clock: Clock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    user = people.make()
    token = mfa_api_login(http, user.username).json()["access_token"]
    secret, code = enrol_by_api(http, clock, user.username, token)

    def fail(*_: object) -> str:
        raise TemporarilyUnavailable(reason="decrypt: InternalServerError")

    monkeypatch.setattr(Vault, "open_key", fail)
    file = tmp_path / "people"
    ran = shared.run("--verbose", "users", "export", *EMPLOYEES, "--with-secrets", "-o", str(file))
    stored = People.of(shared.stage, "employees").find(user.user_id)

    assert (ran.code, "InternalServerError" in ran.err) == (1, True)
    assert not [text for text in (secret, code, stored.password_hash) if text in ran.out + ran.err]
    assert not [one for one in tmp_path.iterdir() if one.name.lstrip(".").startswith("people")]

"""People with hashes of other servers log in by the old hash, once, and by bcrypt from then on.

foreign_hashes.json was made by passlib 1.7.4, Node's crypto and the packages argon2 and bcryptjs of npm, each named
beside its hash: none of them verifies here.
"""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.directories.dynamodb import DynamoDirectory
from chalicelib.model.user import User
from chalicelib.passwords.hash import hash_password, verify
from infra.move.people.faults import RowFault
from infra.move.people.hashes import stored_hash, stored_history
from tests.support.fixed import BCRYPT_COST
from tests.support.http import Http
from tests.support.people import PeopleMaker

VECTORS = json.loads(Path(__file__).with_name("foreign_hashes.json").read_text("utf-8"))
STORED = [stored_hash(vector["row"]) for vector in VECTORS]
A_MD5 = {"value": "0" * 32, "encoding": "hex"}


def name_of(vector: dict[str, Any]) -> str:
    return str(vector["row"]["custom_password_hash"]["algorithm"])


@pytest.mark.parametrize("vector", VECTORS, ids=name_of)
def test_foreign_hash_logs_in_and_becomes_bcrypt(http: Http, people: PeopleMaker, vector: dict[str, Any]) -> None:
    person = people.make(password="to be replaced")
    records = people.of("employees").records
    records.set_password_hash(person.user_id, [stored_hash(vector["row"])], 1, ends_families=False)

    wrong = http.login(username=person.username, password=vector["password"] + "x")
    first = http.login(username=person.username, password=vector["password"])
    found = people.of("employees").find(person.user_id)
    second = http.login(username=person.username, password=vector["password"])

    assert (wrong.status_code, wrong.json()["error"]) == (400, "invalid_grant")
    assert (first.status_code, second.status_code) == (200, 200)
    assert found.password_hash.startswith(f"$2b${BCRYPT_COST:02}$")


def test_password_that_nfc_changes_matches_as_it_was_typed() -> None:
    typed = "e\u0301t\u00e9"
    row = {"algorithm": "md5", "hash": {"value": hashlib.md5(typed.encode()).hexdigest(), "encoding": "hex"}}  # noqa: S324

    assert verify(typed, stored_hash({"custom_password_hash": row}))


@settings(max_examples=300, deadline=None)
@given(st.sampled_from([*STORED, hash_password("p", BCRYPT_COST)]), st.data())
def test_damaged_stored_form_never_raises(stored: str, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(stored) - 1))
    mutated = stored[:place] + data.draw(st.text(max_size=2)) + stored[place + 1 :]

    assert verify("not the password", mutated) is False


@pytest.mark.parametrize(
    ("custom", "code", "field"),
    [
        ({"algorithm": "md5", "hash": A_MD5 | {"value": "0" * 30}}, "FORMAT", "hash.value"),
        ({"algorithm": "md5", "hash": {"value": "0" * 32}}, "OBJECT_REQUIRED", "hash.encoding"),
        ({"algorithm": "md6", "hash": A_MD5}, "ENUM_MISMATCH", "algorithm"),
        ({"algorithm": "md4", "hash": A_MD5}, "NOT_PASSED", "algorithm"),
        ({"algorithm": "hmac", "hash": A_MD5 | {"digest": "md4", "key": {"value": "k"}}}, "NOT_PASSED", "hash.digest"),
        (
            {"algorithm": "hmac", "hash": A_MD5 | {"digest": "whirlpool", "key": {"value": "k"}}},
            "NOT_PASSED",
            "hash.digest",
        ),
        ({"algorithm": "ldap", "hash": {"value": "{CRYPT}abc"}}, "NOT_PASSED", "hash.value"),
        ({"algorithm": "bcrypt", "hash": {"value": "$2b$15$" + "O" * 53}}, "MAXIMUM", "hash.value"),
        (
            {"algorithm": "pbkdf2", "hash": {"value": "$pbkdf2-sha512$i=9000000$AAAA$" + "A" * 86}},
            "MAXIMUM",
            "hash.value",
        ),
        (
            {"algorithm": "argon2", "hash": {"value": "$argon2id$v=19$m=4194304,t=1,p=1$" + "A" * 22 + "$" + "A" * 43}},
            "MAXIMUM",
            "hash.value",
        ),
        # Little memory, but 80,000 threads, one after the other.
        (
            {"algorithm": "argon2", "hash": {"value": "$argon2id$v=19$m=16,t=10000,p=2$" + "A" * 22 + "$" + "A" * 43}},
            "MAXIMUM",
            "hash.value",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_hash_that_is_not_verified_is_refused_without_its_value(custom: dict[str, Any], code: str, field: str) -> None:
    with pytest.raises(RowFault) as refused:
        stored_hash({"custom_password_hash": custom})

    assert (refused.value.code, refused.value.field) == (code, f"custom_password_hash.{field}")
    assert custom["hash"]["value"] not in str(refused.value)


@pytest.mark.parametrize("scheme", ["scrypt", "firebase-scrypt"])
def test_scrypt_with_more_rounds_than_its_blocks_allow_is_nobodys(scheme: str) -> None:
    # RFC 7914, section 2: N is less than 2^(128 * r / 8).
    assert verify("a password", f"${scheme}$ln=16,r=1,p=1${'A' * 22}${'A' * 43}") is False


def test_two_hashes_in_a_row_are_refused() -> None:
    with pytest.raises(RowFault) as refused:
        stored_hash(
            {"password_hash": "$2b$10$" + "O" * 53, "custom_password_hash": {"algorithm": "md5", "hash": A_MD5}}
        )

    assert refused.value.code == "NOT_PASSED"


def test_foreign_person_costs_the_foreign_hash_and_then_what_an_unknown_one_does(people: PeopleMaker) -> None:
    compared: list[str] = []

    def verified(password: str, stored: str) -> bool:
        compared.append(stored)
        return stored != "the dummy" and verify(password, stored)

    realm = people.of("employees")
    directory = DynamoDirectory(realm.realm, realm.users, BCRYPT_COST, "the dummy", verified)
    for stored in (STORED[0], "$no hash$"):
        for password in (VECTORS[0]["password"], "wrong"):
            compared.clear()
            directory.has_password(User("employees|1", password_hash=stored), password)
            assert compared == [stored, "the dummy"]


def test_history_that_a_request_has_no_time_to_check_is_refused() -> None:
    # About 0.4 s each, which one hash may take.
    dear = f"$pbkdf2-sha512$i=600000$AAAA${'A' * 86}"
    history = [dear] * 24

    assert stored_history({"password_history": history[:2]}) == history[:2]
    with pytest.raises(RowFault) as refused:
        stored_history({"password_history": history})
    assert (refused.value.field, refused.value.code) == ("password_history", "MAXIMUM")

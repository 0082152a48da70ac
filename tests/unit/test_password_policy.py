"""The objections of a realm to a new password (NIST SP 800-63B-4 3.1.1.2; docs/run/passwords.md)."""

import unicodedata
from dataclasses import replace
from typing import Any

import pytest

from chalicelib.model.tenant import PasswordPolicy
from chalicelib.model.user import User
from chalicelib.passwords.hash import hash_password
from chalicelib.passwords.policy import Objection, objections

COST = 4
FINE = "four quiet words here"
SOMEBODY = User(
    user_id="staff|1",
    username="jdoe42",
    email="jane.doe@example.com",
    name="Jane Dœrfler-O'Hara",
    given_name="Jane",
    family_name="Dœrfler-O'Hara",
    nickname="Jay Dee",
    user_metadata={"name": "Kestrel", "first": "Ottilie", "last": "Ngô", "language": "walloon", "age": 1984},
)
SHORT, LONG, BREACHED = Objection.TOO_SHORT, Objection.TOO_LONG, Objection.BREACHED
LISTED, PERSONAL, REUSED = Objection.IN_DICTIONARY, Objection.PERSONAL, Objection.REUSED


def against(password: str, person: User = SOMEBODY, is_breached: bool = False, **policy: Any) -> tuple[Objection, ...]:
    return objections(password, person, PasswordPolicy(**policy), is_breached)


@pytest.mark.parametrize("length", [8, 9, 64, 128, 1024])
def test_password_of_a_length_that_is_asked_for_is_taken(length: int) -> None:
    assert against("x" * length) == ()


@pytest.mark.parametrize(
    "password",
    [
        FINE,
        "aaaa bbbb cccc dddd",
        "12121212121212",
        "all in lower case",
        "fifteen  spaces",
        "🐎🔋📎✅🐎🔋📎✅",
        "пароль из слов",
        "  spaces around  ",
    ],
)
def test_no_kind_of_character_is_asked_for(password: str) -> None:
    assert against(password) == ()


@pytest.mark.parametrize(("password", "least"), [("seven77", 8), ("", 8), ("x" * 14, 15), ("x" * 127, 128)])
def test_shorter_password_is_too_short(password: str, least: int) -> None:
    assert against(password, min_length=least) == (SHORT,)


def test_length_is_counted_in_characters_after_nfc() -> None:
    decomposed = unicodedata.normalize("NFD", "é" * 7)

    assert len(decomposed) == 14
    assert against(decomposed) == (SHORT,)
    assert against("🐎" * 8) == ()


def test_password_over_1024_characters_is_too_long() -> None:
    assert against("x" * 1025) == (LONG,)


def test_breached_password_is_refused() -> None:
    assert against(FINE, is_breached=True) == (BREACHED,)


@pytest.mark.parametrize("password", ["gatehouse", "GateHouse", "GATEHOUSE", "strasse 12", "Straße 12"])
def test_word_of_the_dictionary_is_refused_in_any_case(password: str) -> None:
    assert against(password, dictionary=("Gatehouse", "STRASSE 12")) == (LISTED,)


@pytest.mark.parametrize("password", ["gatehouse 7", "my gatehouse", "gate house"])
def test_more_than_a_word_of_the_dictionary_is_taken(password: str) -> None:
    assert against(password, dictionary=("gatehouse",)) == ()


@pytest.mark.parametrize(
    "password",
    [
        "jdoe42 is here",
        "JDOE42-and-more",
        "jane.doe 2026",
        "i am jane!",
        "DŒRFLER's cat",
        "the o'hara's",
        "jay dee and i",
        "xxkestrelxx",
        "ottilie1234",
    ],
)
def test_password_that_holds_a_name_is_refused_in_any_case(password: str) -> None:
    assert against(password) == (PERSONAL,)


@pytest.mark.parametrize("password", ["example.com 12", "ngô ngô ngô", "walloon bread", "1984 1984", "doe a deer a"])
def test_other_data_and_short_names_are_no_names(password: str) -> None:
    assert against(password) == ()


def test_names_are_not_looked_for_where_the_realm_says_so() -> None:
    assert against("jdoe42 is here", no_personal_info=False) == ()


def test_nobody_in_particular_has_no_names() -> None:
    assert against(FINE, User(user_id="staff|2")) == ()


@pytest.fixture(scope="module")
def veteran() -> User:
    """Somebody who had the passwords number 1 to 4, and has number 5."""
    *former, present = (hash_password(f"password number {number}", COST) for number in range(1, 6))
    return replace(SOMEBODY, password_hash=present, password_history=former[::-1])


@pytest.mark.parametrize(
    ("history", "reused"), [(0, set()), (1, {5}), (2, {4, 5}), (4, {2, 3, 4, 5}), (24, {1, 2, 3, 4, 5})]
)
def test_last_passwords_are_refused_as_far_as_the_history_goes(veteran: User, history: int, reused: set[int]) -> None:
    refused = {
        number for number in range(1, 7) if against(f"password number {number}", veteran, history=history) == (REUSED,)
    }

    assert refused == reused


def test_person_without_a_password_reuses_none() -> None:
    assert against(FINE, history=24) == ()


def test_all_reasons_come_at_once(veteran: User) -> None:
    known = replace(veteran, password_hash=hash_password("jdoe42", COST))

    assert against("jdoe42", known, is_breached=True, history=1, dictionary=("jdoe42",)) == (
        SHORT,
        BREACHED,
        LISTED,
        PERSONAL,
        REUSED,
    )

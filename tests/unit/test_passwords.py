"""Passwords and their hashes."""

import hashlib
import re
import unicodedata
from base64 import b64encode

import bcrypt
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from chalicelib.passwords.hash import (
    BCRYPT_LIMIT_BYTES,
    dummy_hash,
    hash_password,
    is_foreign_hash,
    needs_rehash,
    verify,
)

COST = 4
PLAIN = re.compile(r"\$2b\$04\$[./A-Za-z0-9]{53}")
LONG = re.compile(r"\$bcrypt-sha256\$v=2,t=2b,r=4\$[./A-Za-z0-9]{22}\$[./A-Za-z0-9]{31}")
# What can come off the wire: any text without lone surrogates.
TEXT = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=100)


def nfc(text: str) -> str:
    return unicodedata.normalize("NFC", text)


@settings(max_examples=300)
@given(TEXT)
@example("p" * 72)
@example("p" * 73)
@example("é" * 36)
@example("é" * 37)
@example("\x00")
@example("p\x00q")
def test_password_has_its_own_hash(password: str) -> None:
    assert verify(password, hash_password(password, COST))


@settings(max_examples=300)
@given(TEXT, TEXT)
@example("p" * 72, "p" * 73)
@example("p" * 73, "p" * 72)
@example("p" * 73, "p" * 74)
@example("p" * 500, "p" * 501)
def test_other_password_has_another_hash(password: str, other: str) -> None:
    assume(nfc(password) != nfc(other))

    assert not verify(other, hash_password(password, COST))


@pytest.mark.parametrize(
    ("password", "other"),
    [("pass", "pass\x00pass"), ("pass\x00pass", "pass"), ("pass", "pass\x00"), ("\x00", "\x00\x00")],
    ids=ascii,
)
def test_nul_makes_another_password(password: str, other: str) -> None:
    """bcrypt ends its key with a NUL and repeats it, so that NULs of the password's own can spell the same key."""
    assert not verify(other, hash_password(password, COST))


@settings(max_examples=200)
@given(st.data(), TEXT)
def test_change_of_one_character_is_another_password(data: st.DataObject, password: str) -> None:
    place = data.draw(st.integers(0, len(password) - 1))
    char = data.draw(st.characters(exclude_categories=["Cs"]))
    changed = password[:place] + char + password[place + 1 :]
    assume(nfc(changed) != nfc(password))

    assert not verify(changed, hash_password(password, COST))


@pytest.mark.parametrize("length", [1, 8, 64, 72, 73, 128, 200, 1024])
def test_password_of_any_length_has_its_own_hash_alone(length: int) -> None:
    stored = hash_password("p" * length, COST)

    assert verify("p" * length, stored)
    assert not verify("p" * (length + 1), stored)
    assert not verify("p" * (length - 1) + "q", stored)


@pytest.mark.parametrize("char", ["p", "é", "漢", "😀"])
def test_limit_of_bcrypt_counts_bytes_and_cuts_nothing(char: str) -> None:
    fits = char * (BCRYPT_LIMIT_BYTES // len(char.encode()))

    assert len(fits.encode()) == BCRYPT_LIMIT_BYTES
    assert PLAIN.fullmatch(hash_password(fits, COST))
    assert LONG.fullmatch(hash_password(fits + "p", COST))
    assert not verify(fits, hash_password(fits + "p", COST))
    assert not verify(fits + "p", hash_password(fits, COST))


@pytest.mark.parametrize(
    "typed", [" pass word", "pass word ", "pass  word", "password", "pass\tword", "pass\u00a0word"]
)
def test_spaces_count(typed: str) -> None:
    stored = hash_password("pass word", COST)

    assert verify("pass word", stored)
    assert not verify(typed, stored)


def test_case_counts() -> None:
    assert not verify("PassWord", hash_password("password", COST))


@pytest.mark.parametrize("text", ["café", "Å", "가", "ệ", "é" * 36, "é" * 60])
def test_composed_and_decomposed_are_one_password(text: str) -> None:
    composed, decomposed = nfc(text), unicodedata.normalize("NFD", text)

    assert composed != decomposed
    assert verify(decomposed, hash_password(composed, COST))
    assert verify(composed, hash_password(decomposed, COST))


@pytest.mark.parametrize(
    ("stored", "typed"), [("A", "\uff21"), ("fi", "\ufb01"), ("2", "²"), ("ss", "ß"), ("a", "\u0430")]
)
def test_characters_that_only_look_alike_are_others(stored: str, typed: str) -> None:
    assert not verify(typed, hash_password(stored, COST))
    assert not verify(stored, hash_password(typed, COST))


@pytest.mark.parametrize("password", ["😀", "👩\u200d👩\u200d👧", "😀" * 30])
def test_emoji_is_a_password(password: str) -> None:
    assert verify(password, hash_password(password, COST))
    assert not verify(password + "\u200d", hash_password(password, COST))


@pytest.mark.parametrize("password", ["p", "p" * 73])
def test_each_hash_has_its_own_salt(password: str) -> None:
    assert hash_password(password, COST) != hash_password(password, COST)


def test_bare_sha256_of_a_long_password_does_not_stand_in_for_it() -> None:
    password = "p" * 80
    _, _, _, salt, checksum = hash_password(password, COST).split("$")
    stolen = b64encode(hashlib.sha256(password.encode()).digest())

    assert bcrypt.hashpw(stolen, f"$2b$04${salt}".encode()).decode()[-31:] != checksum


# bcrypt's own vectors (Openwall crypt_blowfish, wrapper.c), and passlib's for bcrypt-sha256 version 2.
KNOWN = [
    ("U*U", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"),
    ("U*U*", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.VGOzA784oUp/Z0DY336zx7pLYAy0lwK"),
    ("password", "$bcrypt-sha256$v=2,t=2b,r=5$5Hg1DKFqPE8C2aflZ5vVoe$wOK1VFFtS8IGTrGa7.h5fs0u84qyPbS"),
    ("t\u00e1\u0411\u2113\u0259", "$bcrypt-sha256$v=2,t=2b,r=5$.US1fQ4TQS.ZTz/uJ5Kyn.$pzzgp40k8reM1CuQb03PvE0IDPQSdV6"),
    ("abc123" * 12 + "qwr", "$bcrypt-sha256$v=2,t=2b,r=5$X1g1nh3g0v4h6970O68cxe$CBF9csfEdW68xv3DwE6xSULXMtqEFP."),
    ("abc123" * 12 + "xyz", "$bcrypt-sha256$v=2,t=2b,r=5$X1g1nh3g0v4h6970O68cxe$zC/1UDUG2ofEXB6Onr2vvyFzfhEOS3S"),
]


@pytest.mark.parametrize(("password", "stored"), KNOWN)
def test_hashes_of_others_are_understood(password: str, stored: str) -> None:
    assert verify(password, stored)
    assert not verify(password + "x", stored)


@pytest.mark.parametrize("prefix", ["$2a$", "$2b$", "$2y$"])
def test_bcrypt_of_each_maker_is_verified_and_renewed(prefix: str) -> None:
    stored = prefix + bcrypt.hashpw(b"password", bcrypt.gensalt(COST)).decode()[4:]

    assert is_foreign_hash(stored)
    assert verify("password", stored)
    assert not verify("Password", stored)
    assert needs_rehash(stored, COST) is (prefix != "$2b$")


def test_long_password_never_matches_a_hash_whose_maker_cut_it() -> None:
    cut = bcrypt.hashpw(b"p" * 72, bcrypt.gensalt(COST)).decode()

    assert not verify("p" * 80, cut)


@pytest.mark.parametrize("cost", [4, 9, 10, 14])
def test_bcrypt_of_a_bearable_cost_is_taken_over(cost: int) -> None:
    assert is_foreign_hash(f"$2b${cost:02}$" + "a" * 53)


@pytest.mark.parametrize(
    "stored",
    [
        "",
        "password",
        "$2b$03$" + "a" * 53,
        "$2b$15$" + "a" * 53,
        "$2b$31$" + "a" * 53,
        "$2b$4$" + "a" * 53,
        "$2x$10$" + "a" * 53,
        "$2$10$" + "a" * 53,
        "$2b$10$" + "a" * 52,
        "$2b$10$" + "a" * 54,
        "$2b$10$" + "a" * 52 + "+",
        "$2b$10$" + "a" * 53 + "\n",
        " $2b$10$" + "a" * 53,
        "$2b$1\u0660$" + "a" * 53,
        "$argon2id$v=19$m=65536,t=3,p=4$c2FsdHNhbHQ$aGFzaGhhc2g",
        "$bcrypt-sha256$v=2,t=2b,r=5$5Hg1DKFqPE8C2aflZ5vVoe$wOK1VFFtS8IGTrGa7.h5fs0u84qyPbS",
    ],
)
def test_what_is_no_bearable_bcrypt_is_not_taken_over(stored: str) -> None:
    assert not is_foreign_hash(stored)


@pytest.mark.parametrize("password", ["p", "p" * 73])
def test_hash_of_another_cost_is_renewed(password: str) -> None:
    stored = hash_password(password, COST)

    assert not needs_rehash(stored, COST)
    assert needs_rehash(stored, COST + 1)


@settings(max_examples=100)
@given(TEXT)
def test_nobody_has_the_dummy_hash(password: str) -> None:
    assert not verify(password, dummy_hash(COST))


def test_dummy_hash_is_a_bcrypt_of_the_cost_and_new_each_time() -> None:
    assert PLAIN.fullmatch(dummy_hash(COST))
    assert dummy_hash(COST) != dummy_hash(COST)


@pytest.mark.parametrize("password", ["p" * 73, "p" * 15_000, "é" * 37, "\x00" * 100], ids=len)
@pytest.mark.parametrize("other", ["p", "p" * 100], ids=len)
def test_long_password_is_refused_and_never_raises(password: str, other: str) -> None:
    assert not verify(password, hash_password(other, COST))
    assert not verify(password, dummy_hash(COST))

"""A password costs the same however it is written; hashes that another server made without NFC."""

import time
import unicodedata
from collections.abc import Callable

import bcrypt
import pytest

from chalicelib.model.tenant import BreachedPasswordDetection, PasswordPolicy
from chalicelib.model.user import User
from chalicelib.passwords.breached import is_refused
from chalicelib.passwords.hash import MAX_LENGTH, dummy_hash, hash_password, is_hash_as_typed, verify
from chalicelib.passwords.policy import Objection, objections

COST = 4
# Marks of two classes in turn: NFC sorts them, at a cost that grows with the square of their number.
MARKS = "\u0301\u0316"
COMPOSED = "caf\u00e9 au lait"
DECOMPOSED = unicodedata.normalize("NFD", COMPOSED)
STORED = pytest.mark.parametrize(
    "stored",
    [hash_password("p", COST), hash_password("p" * 100, COST), dummy_hash(COST)],
    ids=["short", "long", "nobody"],
)


@pytest.fixture
def bcrypts(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """The secrets of all comparisons that the test does: nothing else tells one bcrypt from two."""
    made: list[bytes] = []
    checkpw: Callable[[bytes, bytes], bool] = bcrypt.checkpw

    def counted(secret: bytes, stored: bytes) -> bool:
        made.append(secret)
        return checkpw(secret, stored)

    monkeypatch.setattr(bcrypt, "checkpw", counted)
    return made


def foreign(password: str, prefix: str = "$2b$") -> str:
    """Return the hash of a server that does not normalise."""
    return prefix + bcrypt.hashpw(password.encode(), bcrypt.gensalt(COST)).decode()[4:]


def fastest_ms(action: Callable[[], object]) -> float:
    def once() -> float:
        started = time.perf_counter()
        action()
        return 1000 * (time.perf_counter() - started)

    return min(once() for _ in range(5))


@STORED
def test_password_of_15_kb_of_marks_costs_as_any_other(stored: str) -> None:
    assert fastest_ms(lambda: verify(MARKS * 4000, stored)) < 2 * fastest_ms(lambda: verify("wrong", stored)) + 1


@STORED
@pytest.mark.parametrize("password", ["p" * (MAX_LENGTH + 1), MARKS * 4000, DECOMPOSED * 1000], ids=len)
def test_password_over_the_limit_costs_one_bcrypt_and_never_matches(
    bcrypts: list[bytes], stored: str, password: str
) -> None:
    assert not verify(password, stored)
    assert len(bcrypts) == 1


def test_nothing_hashes_a_password_that_could_never_log_in() -> None:
    with pytest.raises(ValueError, match="too long"):
        hash_password("p" * (MAX_LENGTH + 1), COST)


@pytest.mark.parametrize(
    "password", ["p" * (MAX_LENGTH + 1), MARKS * 4000, "\u0958" * MAX_LENGTH], ids=["typed", "marks", "after NFC"]
)
def test_new_password_over_the_limit_is_refused_for_that_alone_and_at_once(password: str) -> None:
    policy = PasswordPolicy(dictionary=("word",), history=3)
    person = User("staff|1", username="somebody", password_hash=hash_password("p", COST))
    asked: list[str] = []

    def ask(one: str) -> bool:
        asked.append(one)
        return False

    assert objections(password, person, policy, is_breached=False) == (Objection.TOO_LONG,)
    if len(password) > MAX_LENGTH:
        detection = BreachedPasswordDetection(asks_range_api=True)
        assert fastest_ms(lambda: is_refused(password, detection, ask, print)) < 5
        assert asked == []


@pytest.mark.parametrize("prefix", ["$2a$", "$2b$", "$2y$"])
def test_foreign_hash_of_the_decomposed_form_matches_the_same_keys(prefix: str) -> None:
    stored = foreign(DECOMPOSED, prefix)

    assert verify(DECOMPOSED, stored)
    assert is_hash_as_typed(DECOMPOSED, stored)
    assert not verify(DECOMPOSED + "x", stored)


@pytest.mark.parametrize("password", ["cafe", COMPOSED, "\u212b".lower(), "p" * 72])
def test_own_hash_and_what_nfc_leaves_alone_are_not_taken_as_typed(password: str) -> None:
    assert not is_hash_as_typed(password, hash_password(password, COST))
    assert not is_hash_as_typed(DECOMPOSED, hash_password(DECOMPOSED, COST))


@STORED
@pytest.mark.parametrize(
    ("typed", "count"),
    [("wrong", 1), (COMPOSED, 1), (DECOMPOSED, 2), ("e\u0301" * 30, 1)],
    ids=["ascii", "nfc", "nfd", "long nfd"],
)
def test_wrong_password_costs_what_its_letters_say_whoever_is_tried(
    bcrypts: list[bytes], stored: str, typed: str, count: int
) -> None:
    assert not verify(typed, stored)
    assert len(bcrypts) == count

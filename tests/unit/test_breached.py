"""Breached passwords: the filter that ships, how it is built, and Pwned Passwords' range API (docs/adr/0015)."""

import hashlib
import re
import subprocess
import sys
import unicodedata
import zipfile
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.model.tenant import BreachedPasswordDetection
from chalicelib.passwords.breached import is_refused
from chalicelib.passwords.breached_filter import FILE, BreachedFilter, is_breached, load_shipped
from chalicelib.passwords.hash import verify
from chalicelib.passwords.range_api import RangeApiFailure, connect, is_pwned
from chalicelib.tls import tls_context
from infra.build.breached_filter import SOURCES, BadSource, build
from tests.support.range_api import RangeServer, serving_ranges

PROJECT = Path(__file__).parents[2]
DOCS = PROJECT / "docs" / "run" / "passwords.md"
PASSWORD = "of no list that anybody has"
SMALL = [f"password {number}" for number in range(2000)]
STRANGERS = 200_000
WORD = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20)


# The filter that ships


@pytest.mark.parametrize(
    "password",
    ["123456", "password", "12345678", "qwerty", "iloveyou", "letmein", "trustno1", "Password1!", "1q2w3e4r5t"],
)
def test_common_password_is_breached(password: str) -> None:
    assert is_breached(password)


@pytest.mark.parametrize("password", ["iLoveYou", "ILOVEYOU", "TrustNo1"])
def test_case_makes_no_new_password(password: str) -> None:
    assert is_breached(password)


@pytest.mark.parametrize("password", ["AUTH0-TEST-", "AUTH0-TEST-anything", "Paaf213XXYYZZ", "Paat739!!WWXXYYZZ"])
def test_password_that_auth0_keeps_for_tests_is_breached(password: str) -> None:
    assert is_breached(password)
    assert password not in load_shipped()


@pytest.mark.parametrize(
    "password",
    [
        "correct horse battery staple",
        "a different directory",
        "bob's long password",
        "auth0-test-anything",
        "paaf213xxyyzz",
        "",
        " iloveyou ",
        "p" * 100_000,
        "\0",
        "🐎🔋📎✅🐎🔋📎✅",
    ],
)
def test_password_that_nobody_leaked_is_not_breached(password: str) -> None:
    assert not is_breached(password)


def test_one_in_65536_of_other_passwords_is_taken_for_a_breached_one() -> None:
    taken = sum(f"stranger {number} to every list" in load_shipped() for number in range(STRANGERS))

    # 3 are expected; more than 12 come by chance once in some 30,000 filters.
    assert taken <= 12


def test_numbers_in_the_docs_are_those_of_the_filter() -> None:
    text = DOCS.read_text("utf-8")

    assert f"{load_shipped().entries:,} passwords" in text
    assert f"{FILE.stat().st_size:,} bytes" in text
    assert hashlib.sha256(FILE.read_bytes()).hexdigest() in text
    assert all(source.archive.removesuffix(".tgz").split("-py3")[0] in text for source in SOURCES)


def test_hash_in_the_docs_is_of_the_password_that_they_log_in_with() -> None:
    text = DOCS.read_text("utf-8")
    (stored,) = re.findall(r'password_hash: "([^"]+)"', text)
    (password,) = re.findall(r"--data-urlencode password=(\S+)", text)

    assert is_breached(password)
    assert verify(password, stored)


def test_filter_is_not_opened_before_it_is_needed() -> None:
    code = (
        "import chalicelib.wiring; from chalicelib.passwords.breached_filter import load_shipped; "
        "print(load_shipped.cache_info().misses)"
    )
    ran = subprocess.run([sys.executable, "-c", code], cwd=PROJECT, capture_output=True, text=True, check=True)

    assert ran.stdout == "0\n"


# Building one


def test_every_password_of_the_list_is_in_the_filter() -> None:
    small = BreachedFilter(build(SMALL))

    assert [word for word in SMALL if word not in small] == []
    assert small.entries == len(SMALL)


@settings(max_examples=100)
@given(st.sets(WORD, max_size=30))
def test_filter_of_any_words_holds_them_all(words: set[str]) -> None:
    small = BreachedFilter(build(words))

    assert all(word in small for word in words)


def test_composed_and_decomposed_spelling_are_one_password() -> None:
    small = BreachedFilter(build([unicodedata.normalize("NFD", "Überpaß")]))

    assert unicodedata.normalize("NFC", "überpaß") in small


def test_filter_of_the_same_list_is_the_same_to_the_byte() -> None:
    assert build([*reversed(SMALL), *(word.upper() for word in SMALL[:10])]) == build(SMALL)
    # What it was on the day that the format was fixed: an old file must stay readable.
    assert (
        hashlib.sha256(build(SMALL)).hexdigest() == "a40731a4103e247fee09d669e96abed2f919d36457c35f0e45dfb0f85f17628b"
    )


def test_file_of_another_kind_is_no_filter() -> None:
    with pytest.raises(ValueError, match="no filter of breached passwords"):
        BreachedFilter(b"PK\x03\x04" + bytes(40))


def test_list_that_was_changed_is_not_built_from(tmp_path: Path) -> None:
    source = SOURCES[1]
    with zipfile.ZipFile(tmp_path / source.archive, "w") as wheel:
        wheel.writestr(source.member, b"another list")

    with pytest.raises(BadSource, match="holds another"):
        source.lines(tmp_path)


# The range API


@pytest.fixture
def ranges() -> Iterator[RangeServer]:
    with serving_ranges() as server:
        yield server


def test_password_that_the_range_api_counts_is_pwned(ranges: RangeServer) -> None:
    ranges.leak(PASSWORD, count=3)

    assert is_pwned(PASSWORD, ranges.connect)


@pytest.mark.parametrize("count", [None, 0], ids=["absent", "padding"])
def test_password_that_the_range_api_does_not_count_is_not_pwned(ranges: RangeServer, count: int | None) -> None:
    ranges.leak("another one", count=9)
    if count is not None:
        ranges.leak(PASSWORD, count)

    assert not is_pwned(PASSWORD, ranges.connect)


def test_five_digits_of_the_sha1_are_all_that_leaves(ranges: RangeServer) -> None:
    is_pwned(PASSWORD, ranges.connect)

    ((line, headers),) = ranges.seen
    digest = hashlib.sha1(PASSWORD.encode(), usedforsecurity=False).hexdigest().upper()
    assert line == f"GET /range/{digest[:5]} HTTP/1.1"
    assert headers["Add-Padding"] == "true"
    assert digest[5:] not in str(headers)
    assert PASSWORD not in str(headers)
    assert set(headers) == {"Host", "Accept-Encoding", "Add-Padding", "User-Agent"}


@pytest.mark.parametrize("status", [429, 500, 503, 301])
def test_range_api_that_refuses_is_a_failure(ranges: RangeServer, status: int) -> None:
    ranges.status = status

    with pytest.raises(RangeApiFailure, match=f"^status {status}$"):
        is_pwned(PASSWORD, ranges.connect)


def test_range_api_that_is_silent_is_a_failure_after_the_timeout(ranges: RangeServer) -> None:
    ranges.is_silent = True

    with pytest.raises(RangeApiFailure, match=r"^TimeoutError$") as caught:
        is_pwned(PASSWORD, ranges.connect)
    assert PASSWORD not in repr(caught.value)


def test_range_api_that_nobody_serves_is_a_failure() -> None:
    with pytest.raises(RangeApiFailure, match=r"^ConnectionRefusedError$"):
        is_pwned(PASSWORD, lambda: HTTPConnection("127.0.0.1", 1, timeout=0.2))


def test_range_api_that_speaks_no_http_is_a_failure(ranges: RangeServer) -> None:
    ranges.speaks_http = False

    with pytest.raises(RangeApiFailure, match=r"^BadStatusLine$"):
        is_pwned(PASSWORD, ranges.connect)


def test_answer_in_another_form_counts_nothing(ranges: RangeServer) -> None:
    ranges.body = b"<html>\xff\xfe</html>\r\n::\r\n\r\n" + b"A" * 35

    assert not is_pwned(PASSWORD, ranges.connect)


# Both together

OFF = BreachedPasswordDetection(enabled=False, asks_range_api=True)
FILTER = BreachedPasswordDetection()
BOTH = BreachedPasswordDetection(asks_range_api=True)


@pytest.mark.parametrize(
    ("detection", "password", "refused", "asked"),
    [
        (OFF, "iloveyou", False, False),
        (FILTER, "iloveyou", True, False),
        (FILTER, PASSWORD, False, False),
        (BOTH, "iloveyou", True, False),
        (BOTH, PASSWORD, True, True),
    ],
)
def test_range_api_is_asked_only_where_it_is_wanted_and_the_filter_does_not_know(
    detection: BreachedPasswordDetection, password: str, refused: bool, asked: bool
) -> None:
    questions: list[str] = []

    def knows(asked_for: str) -> bool:
        questions.append(asked_for)
        return True

    warnings: list[str] = []
    assert is_refused(password, detection, knows, warnings.append) is refused
    assert (bool(questions), warnings) == (asked, [])


def test_range_api_that_fails_shuts_nobody_out_and_is_told() -> None:
    def fails(_: str) -> bool:
        raise RangeApiFailure("TimeoutError")

    warnings: list[str] = []
    assert not is_refused(PASSWORD, BOTH, fails, warnings.append)
    assert [re.sub(r":.*", "", warning) for warning in warnings] == ["Pwned Passwords gave no answer (TimeoutError)"]


def test_range_api_shares_the_tls_context_of_aws() -> None:
    assert tls_context() is tls_context()
    assert vars(connect())["_context"] is tls_context()

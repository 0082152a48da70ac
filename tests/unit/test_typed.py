"""Codes and phone numbers as people copy them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.mfa.typed import phone_number, plain_code

# White space, dashes and what cannot be seen, each by one of its kind and those that real programs put there.
BETWEEN = [
    " ", "\t", "\n", "\r\n", "\x0b", "\x85", "\u00a0", "\u1680", "\u2003", "\u2009", "\u202f", "\u2028", "\u3000",
    "-", "\u2010", "\u2011", "\u2012", "\u2013", "\u2014", "\u2212", "\ufe63", "\uff0d",
    "\u00ad", "\u200b", "\u200d", "\u200e", "\u202a", "\u2060", "\ufeff", "\u034f", "\u115f", "\u3164", "\ufe0f",
    "\U000e0100", "\U000e0020",
]  # fmt: skip


@pytest.mark.parametrize("between", BETWEEN, ids=ascii)
def test_code_is_read_whatever_stands_around_and_between(between: str) -> None:
    assert plain_code(f"{between}123{between}456{between}") == "123456"
    assert plain_code(f"ABCD{between * 2}EF01") == "ABCDEF01"


def test_full_width_digits_and_letters_are_those_of_ascii() -> None:
    assert plain_code("\uff11\uff12\uff13\u3000\uff14\uff15\uff16") == "123456"
    assert plain_code("\uff21\uff42") == "Ab"


@pytest.mark.parametrize("typed", ["123.456", "123/456", "12345", "\u0661\u0662\u0663\u0664\u0665\u0666", "\x00123456"])
def test_what_is_no_code_does_not_become_one(typed: str) -> None:
    assert plain_code(typed) != "123456"


def test_what_is_far_too_long_is_no_code() -> None:
    assert plain_code("123456" + " " * 16_000) == ""


@pytest.mark.parametrize(
    "typed",
    [
        "+1 415 555 0100", "+1 (415) 555-0100", "+1.415.555.0100", "001 415 555 0100", "0014155550100",
        "+1\u00a0415\u202f555\u20110100", "\u202a+14155550100\u202c", " +14155550100 ", "(+1) 415\u2013555\u20120100",
        "\uff0b\uff11 415 555 0100",
    ],
)  # fmt: skip
def test_number_is_read_as_people_write_it(typed: str) -> None:
    assert phone_number(typed) == "+14155550100"


@pytest.mark.parametrize("typed", ["+44 (0)20 7946 0000", "+12025550100\n", "+12025550100\n+12025550101", "0415"])
def test_what_may_be_another_number_does_not_become_one(typed: str) -> None:
    assert phone_number(typed)[:1] != "+" or not phone_number(typed)[1:].isdigit()


@given(st.text(max_size=300))
def test_any_text_is_read_and_what_was_read_is_read_the_same(text: str) -> None:
    assert plain_code(plain_code(text)) == plain_code(text)
    assert phone_number(text) == phone_number(text)

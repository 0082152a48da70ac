"""What a person types as username. Rows C-17 and C-18 of the case list."""

import re
import unicodedata

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from chalicelib.identifiers import MAX_LENGTH, canonical, digest, is_acceptable

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=50)


@settings(max_examples=2000)
@given(TEXT)
@example("\u0345\u0301")
@example("İ\u0323")
@example("\u1fb4")
def test_canonical_form_is_its_own_canonical_form(typed: str) -> None:
    assert canonical(canonical(typed)) == canonical(typed)


@settings(max_examples=500)
@given(TEXT)
def test_canonical_form_is_composed_and_trimmed(typed: str) -> None:
    form = canonical(typed)

    assert unicodedata.is_normalized("NFC", form)
    assert form == form.strip()


@settings(max_examples=500)
@given(TEXT, st.sampled_from(["NFC", "NFD"]), st.text(" \u00a0\u3000", max_size=3))
def test_spelling_of_a_name_changes_nothing(typed: str, form: str, blank: str) -> None:
    # The type of `form` is a literal that hypothesis cannot name.
    spelled = unicodedata.normalize(form, typed)  # type: ignore[arg-type]

    assert canonical(blank + spelled + blank) == canonical(typed)


@settings(max_examples=500)
@given(st.text("abcxyzABCXYZ0123456789.@-_+éÉüÜжЖ", max_size=50))
def test_case_of_a_name_changes_nothing_c17(typed: str) -> None:
    assert canonical(typed.upper()) == canonical(typed.lower()) == canonical(typed)


@pytest.mark.parametrize(
    ("one", "same"),
    [
        ("ana", "ANA"),
        ("ana", " Ana\u00a0"),
        ("Straße", "STRASSE"),
        ("ΣΊΣΥΦΟΣ", "σίσυφος"),
        ("caf\u00e9", "CAFE\u0301"),
        ("K", "k"),
        ("\u212a", "k"),
        ("ﬁona", "FIONA"),
    ],
)
def test_names_of_one_canonical_form_c18(one: str, same: str) -> None:
    assert canonical(one) == canonical(same)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param("i", "\u0131", id="dotless i"),
        pytest.param("i", "\u0130", id="dotted capital I"),
        pytest.param("ana", "\u0430na", id="Cyrillic a"),
        pytest.param("ana", "\uff41na", id="fullwidth a"),
        pytest.param("ana", "a na", id="space inside"),
        pytest.param("ana", "a\u200bna", id="zero width space"),
        pytest.param("ana", "ána", id="accent"),
        pytest.param("a2", "a²", id="superscript"),
    ],
)
def test_names_of_two_canonical_forms_c18(one: str, other: str) -> None:
    assert canonical(one) != canonical(other)


@pytest.mark.parametrize(
    "typed", ["a", "alice@example.com", "a" * MAX_LENGTH, "漢" * MAX_LENGTH, "a b", "a\u200bb", "😀"]
)
def test_name_of_1_to_320_characters_is_acceptable(typed: str) -> None:
    assert is_acceptable(typed)


@pytest.mark.parametrize("typed", ["", "a" * (MAX_LENGTH + 1)])
def test_name_of_another_length_is_not(typed: str) -> None:
    assert not is_acceptable(typed)


@pytest.mark.parametrize("number", [*range(0x20), *range(0x7F, 0xA0)])
def test_control_character_is_not_acceptable_a14(number: int) -> None:
    char = chr(number)

    assert not any(map(is_acceptable, (f"{char}alice", f"al{char}ice", f"alice{char}", char)))


@settings(max_examples=300)
@given(TEXT)
def test_digest_is_16_hex_digits_of_the_canonical_form(typed: str) -> None:
    assert re.fullmatch("[0-9a-f]{16}", digest(typed))
    assert digest(typed) == digest(canonical(typed))


def test_digest_holds_nothing_of_the_name() -> None:
    assert digest("alice") == "2bd806c97f0e00af"
    assert digest("alice") != digest("bob")

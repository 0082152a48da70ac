"""Identifiers, as users type them."""

import hashlib
import hmac
import re
import unicodedata

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from chalicelib.identifiers import MAX_LENGTH, canonical, digest, is_acceptable, is_new_name, spellings, trim

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
def test_case_of_a_name_changes_nothing(typed: str) -> None:
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
def test_names_of_one_canonical_form(one: str, same: str) -> None:
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
def test_names_of_two_canonical_forms(one: str, other: str) -> None:
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
def test_control_character_is_trimmed_at_the_ends_and_not_acceptable_inside(number: int) -> None:
    char = chr(number)

    assert not any(map(is_acceptable, (f"al{char}ice", f"{char}al{char}ice", char)))
    assert all(map(is_new_name, (f"{char}alice", f"alice{char}", f" {char}\u200b{char} alice")))
    assert {canonical(f"{char}alice"), canonical(f"alice{char}")} == {"alice"}


# Some of each range of Default_Ignorable_Code_Point.
INVISIBLE = (
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b\u180e\u180f\u200b\u200c\u200d\u200e\u200f\u202a\u202e\u2060\u2064"
    "\u2066\u2069\u206f\u3164\ufe00\ufe0f\ufeff\uffa0\ufff0\U0001bca0\U0001d173\U0001d17a\U000e0001\U000e007f\U000e0fff"
)


@pytest.mark.parametrize("char", INVISIBLE, ids=ascii)
def test_invisible_character_is_trimmed_at_the_ends_and_refused_inside_new_names(char: str) -> None:
    assert {canonical(name) for name in (f"{char}alice", f"alice{char}", f"{char} \n{char}alice\t{char}")} == {"alice"}
    assert all(map(is_new_name, (f"{char}alice", f"alice{char}")))
    assert not any(map(is_new_name, (f"al{char}ice", f"a@{char}example.com", char)))
    assert is_acceptable(f"al{char}ice")
    assert canonical(f"al{char}ice") != "alice" or char in "\u1160\u115f"


@pytest.mark.parametrize("name", ["alice", "a b", "漢", "😀", "é", "\u0915\u094d", "\u05d0\u05b0", "a\u0301\u0316"])
def test_name_that_shows_may_be_given(name: str) -> None:
    assert is_new_name(name)
    assert trim(f" {name}\ufeff") == name


@pytest.mark.parametrize(
    "domain",
    [
        "bücher.example",
        "BÜCHER.Example",
        "bu\u0308cher.example",
        "xn--bcher-kva.example",
        "XN--BCHER-KVA.EXAMPLE",
        "\uff42ücher\uff0eexample",
        "bücher。example",
        "b\u00adücher.example",
    ],
    ids=ascii,
)
def test_domain_of_an_email_is_one_name_in_unicode_and_punycode(domain: str) -> None:
    assert canonical(f"Ana@{domain}") == "ana@bücher.example"


@pytest.mark.parametrize(
    ("one", "same"),
    [
        ("straße.de", "xn--strae-oqa.de"),
        ("☃.net", "xn--n3h.net"),
        ("faß.xn--p1ai", "fass.рф"),
        ("例え.テスト", "xn--r8jz45g.xn--zckzah"),
        ("βόλος.com", "xn--nxasmm1c.com"),
    ],
    ids=ascii,
)
def test_other_domains_of_one_canonical_form(one: str, same: str) -> None:
    assert canonical(f"a@{one}") == canonical(f"a@{same}")


@pytest.mark.parametrize(
    "name",
    [
        "a@xn--zzzzzzzzz.com",
        "a@xn--abc-.com",
        "a@xn--.com",
        "a@xn--" + "a" * 300,
        "a@xn--b\u00fccher.com",
        "a_b@under_score.é",
        "a@é..com",
        "xn--bcher-kva",
        "xn--bcher-kva.example",
    ],
    ids=ascii,
)
def test_what_is_no_domain_keeps_its_form(name: str) -> None:
    assert canonical(name) == name
    assert spellings(name) == (name,)


@settings(max_examples=1000)
@given(st.text("xn-.aéßς\u03c3☃ü1bcherkva\uff38\uff2e。@\u00ad\u200d", max_size=30), TEXT)
@example("xn--ss", "ß")
def test_canonical_form_of_an_email_is_its_own_canonical_form(domain: str, name: str) -> None:
    form = canonical(f"{name}@{domain}")

    assert canonical(form) == form


@settings(max_examples=500)
@given(TEXT, st.text("xn-.aéß@\u200b", max_size=20))
def test_canonical_form_follows_from_the_form_of_before(name: str, domain: str) -> None:
    """Names that were one stay one: who typed another spelling of a stored name goes on being found."""
    typed = f"{name}@{domain}"

    assert canonical(spellings(typed)[0]) == canonical(typed)


@pytest.mark.parametrize("name", ["alice", " Alice\t", "a@example.com", "Straße", "a@EXAMPLE.com", "al\u200bice"])
def test_name_whose_form_has_not_changed_has_one_spelling(name: str) -> None:
    assert spellings(name) == (canonical(name),)


def mac(purpose: str, data: bytes) -> bytes:
    """A stage key of these tests."""
    return hmac.digest(b"a key", purpose.encode() + data, "sha256")


@settings(max_examples=300)
@given(TEXT)
def test_digest_is_16_hex_digits_of_the_canonical_form(typed: str) -> None:
    assert re.fullmatch("[0-9a-f]{16}", digest(typed, mac))
    assert digest(typed, mac) == digest(canonical(typed), mac)


def test_digest_hangs_on_the_key() -> None:
    assert digest("alice", mac) != digest("alice", lambda _, data: hmac.digest(b"another", data, "sha256"))
    assert digest("alice", mac) != digest("bob", mac)
    assert digest("alice", mac) not in hashlib.sha256(b"alice").hexdigest()

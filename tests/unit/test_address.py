"""Addresses: one way to write each, one name for what the counters take for one place."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.model.address import is_listed, network, parsed

NO_ADDRESSES = [
    "", " ", "nonsense", "1.2.3", "1.2.3.4.5", "1.2.3.4/32", "01.2.3.4", "1.2.3.4:80", "[::1]", "fe80::1%eth0",
    "\u0661.2.3.4", "::ffff:1.2.3", "test-invoke-source-ip",
]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "address", "counted"),
    [
        ("192.0.2.7", "192.0.2.7", "192.0.2.7"),
        (" 192.0.2.7 ", "192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7", "192.0.2.7"),
        ("::FFFF:C000:207", "192.0.2.7", "192.0.2.7"),
        ("2001:DB8:0:1:0:0:0:9", "2001:db8:0:1::9", "2001:db8:0:1::/64"),
        ("2001:db8:0:1:ffff:ffff:ffff:ffff", "2001:db8:0:1:ffff:ffff:ffff:ffff", "2001:db8:0:1::/64"),
        ("2001:db8:0:2::", "2001:db8:0:2::", "2001:db8:0:2::/64"),
        ("::1", "::1", "::/64"),
    ],
)
def test_address_has_one_way_to_write_it_and_one_name_for_the_counters_m14(
    text: str, address: str, counted: str
) -> None:
    assert (parsed(text), network(text)) == (address, counted)


@pytest.mark.parametrize("text", NO_ADDRESSES)
def test_what_is_no_address_stands_for_itself_and_on_no_list(text: str) -> None:
    assert parsed(text) is None
    assert network(text) == text
    assert not is_listed(text, ("0.0.0.0/0", "::/0"))


@given(st.text(max_size=60))
def test_any_text_is_answered(text: str) -> None:
    assert network(parsed(text) or text) == network(text)
    assert is_listed(text, ("0.0.0.0/0", "::/0")) is (parsed(text) is not None)


@pytest.mark.parametrize(
    ("text", "allowlist", "expected"),
    [
        ("192.0.2.7", (), False),
        ("192.0.2.7", ("192.0.2.7",), True),
        ("192.0.2.7", ("192.0.2.9/24",), True),
        ("192.0.2.7", ("198.51.100.0/24", "2001:db8::/32"), False),
        ("::ffff:192.0.2.7", ("192.0.2.7",), True),
        ("2001:db8::1", ("192.0.2.7", "2001:db8::/48"), True),
        ("2001:db8::2", ("2001:db8::1",), False),
    ],
)
def test_list_holds_addresses_and_networks_m17(text: str, allowlist: tuple[str, ...], expected: bool) -> None:
    assert is_listed(text, allowlist) is expected

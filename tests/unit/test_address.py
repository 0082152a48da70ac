"""Addresses: one way to write each, one name for what the counters take for one place."""

from ipaddress import IPv4Address, IPv6Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.model.address import is_listed, network, networks, parse_address

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
def test_address_has_one_way_to_write_it_and_one_name_for_the_counters(text: str, address: str, counted: str) -> None:
    assert (parse_address(text), network(text)) == (address, counted)


@pytest.mark.parametrize("text", NO_ADDRESSES)
def test_what_is_no_address_stands_for_itself_and_on_no_list(text: str) -> None:
    assert parse_address(text) is None
    assert network(text) == text
    assert not is_listed(text, ("0.0.0.0/0", "::/0"))


@given(st.text(max_size=60))
def test_any_text_is_answered(text: str) -> None:
    assert network(parse_address(text) or text) == network(text)
    assert is_listed(text, ("0.0.0.0/0", "::/0")) is (parse_address(text) is not None)


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
def test_list_holds_addresses_and_networks(text: str, allowlist: tuple[str, ...], expected: bool) -> None:
    assert is_listed(text, allowlist) is expected


EMBEDDED = {
    "6to4": "2002:c000:0207::1",
    "6to4, another subnet": "2002:c000:0207:ffff::9",
    "teredo": "2001:0:4136:e378:8000:63bf:3fff:fdf8",
    "teredo, another port": "2001:0:4136:e378:0:1234:3fff:fdf8",
    "nat64": "64:ff9b::192.0.2.7",
    "nat64, local": "64:ff9b:1::192.0.2.7",
    "nat64, local, another prefix": "64:ff9b:1:2:3:4:192.0.2.7",
    "mapped": "::ffff:192.0.2.7",
    "translated": "::ffff:0:192.0.2.7",
    "compatible": "::192.0.2.7",
}


@pytest.mark.parametrize("text", EMBEDDED.values(), ids=EMBEDDED)
def test_address_that_embeds_an_ipv4_address_counts_as_it(text: str) -> None:
    assert networks(text) == ("192.0.2.7",)
    assert is_listed(text, ("192.0.2.0/24",))
    assert not is_listed(text, ("192.0.3.0/24",))


@pytest.mark.parametrize("text", [EMBEDDED["6to4"], EMBEDDED["teredo"], EMBEDDED["nat64"]])
def test_address_that_embeds_an_ipv4_address_is_listed_and_written_as_itself_too(text: str) -> None:
    assert is_listed(text, ("2001::/32", "2002::/16", "64:ff9b::/96"))
    assert ":" in str(parse_address(text))


@pytest.mark.parametrize(
    ("text", "counted"),
    [
        ("2001:db8:1:2:0:5efe:192.0.2.7", ("2001:db8:1:2::/64", "2001:db8:1::/48")),
        ("2001:db8:1:2:200:5efe:192.0.2.7", ("2001:db8:1:2::/64", "2001:db8:1::/48")),
        ("2001:1::c000:207", ("2001:1::/64", "2001:1::/48")),
        ("2003:c000:0207::1", ("2003:c000:207::/64", "2003:c000:207::/48")),
        ("64:ff9b:2::192.0.2.7", ("64:ff9b:2::/64", "64:ff9b:2::/48")),
        ("2002::1", ("2002::/64", "2002::/48")),
        ("::", ("::/64", "::/48")),
        ("::1", ("::/64", "::/48")),
    ],
    ids=[
        "isatap",
        "isatap-global",
        "beside-teredo",
        "beside-6to4",
        "beside-nat64",
        "6to4-of-nobody",
        "any",
        "loopback",
    ],
)
def test_address_whose_ipv4_part_is_freely_chosen_or_nobodys_counts_as_ipv6(
    text: str, counted: tuple[str, ...]
) -> None:
    assert networks(text) == counted


@given(st.ip_addresses(v=6), st.integers(0, 2**80 - 1))
def test_addresses_of_one_48_have_one_wide_network(address: IPv6Address, host: int) -> None:
    neighbour = IPv6Address(int(address) >> 80 << 80 | host)
    names = networks(str(address)), networks(str(neighbour))

    assert all(network(text) == of[0] for text, of in zip(map(str, (address, neighbour)), names, strict=True))
    assert len({of[1] for of in names if len(of) > 1}) <= 1


@given(st.ip_addresses(v=4))
def test_ipv4_address_has_one_network(address: IPv4Address) -> None:
    assert networks(str(address)) == (str(address),)

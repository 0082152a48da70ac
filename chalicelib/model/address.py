"""Addresses: parse them, find the networks that counters know them by, and look them up in allowlists."""

import re
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

MAX_PORT = 65_535
_QUOTED = re.compile(r'"([^"]*)"')
_WITH_PORT = re.compile(
    r"(?:(?P<v4>[0-9.]+)|\[(?P<v6>[^\[\]]*:[^\[\]]*)\])(?::(?P<port>[0-9]{1,5}))?|(?P<bare>[0-9A-Fa-f:.]+)"
)
# A provider gives one customer such a network: every address in it is theirs (RFC 6177).
IPV6_PREFIX = 64
# A provider gives a larger customer such a network, which has 65,536 of the smaller ones.
WIDE_IPV6_PREFIX = 48


@dataclass(frozen=True, slots=True)
class _Embedding:
    """A block of IPv6 addresses that embed an IPv4 address. shift: the bits to its right. mask: is XORed with it."""

    block: IPv6Network
    shift: int = 0
    mask: int = 0


# A sender cannot choose the IPv4 address in these: answers are routed by it. ISATAP's can be chosen, so it is left out.
_EMBEDDINGS = (
    # Translated and compatible (RFC 2765 2.1, RFC 4291 2.5.5.1); a mapped one is IPv4 already.
    _Embedding(IPv6Network("::ffff:0:0:0/96")),
    _Embedding(IPv6Network("::/96")),
    # NAT64, and its block for local use as /96 (RFC 6052 2.1, RFC 8215).
    _Embedding(IPv6Network("64:ff9b::/96")),
    _Embedding(IPv6Network("64:ff9b:1::/48")),
    # 6to4 (RFC 3056 2), and the client's side of Teredo (RFC 4380 4).
    _Embedding(IPv6Network("2002::/16"), shift=80),
    _Embedding(IPv6Network("2001::/32"), mask=0xFFFF_FFFF),
)


def parse_address(text: str) -> str | None:
    """Return an IP address in its one canonical form, or None if the text is no address.

    An IPv4 address that is mapped into IPv6 is written as IPv4. Source: RFC 5952, RFC 4291 2.5.5.2.
    """
    address = _address(text)
    return str(address) if address else None


def parse_forwarded(text: str) -> str | None:
    """Return the address of an entry that a proxy wrote, in the form of parse_address. Quotes and a port are cut.

    A port is cut only after an IPv4 address or after brackets, where it cannot be part of the address.
    Source: RFC 7239 6.
    """
    quoted = _QUOTED.fullmatch(text.strip())
    found = _WITH_PORT.fullmatch(quoted[1] if quoted else text.strip())
    if not found or int(found["port"] or 0) > MAX_PORT:
        return None
    return parse_address(found["v4"] or found["v6"] or found["bare"])


def network(text: str) -> str:
    """Return the network by which counters know an address: an IPv6 address's /64, an IPv4 address itself.

    An IPv6 address that embeds an IPv4 address counts as that one. A text that is no address is returned as it is:
    API Gateway's console calls from `test-invoke-source-ip`.
    """
    return networks(text)[0]


# Cached, as one request asks several times for the networks of its address.
@lru_cache(maxsize=128)
def networks(text: str) -> tuple[str, ...]:
    """Return the network of an address and, if that is a /64, the /48 around it."""
    address = _address(text)
    if address is None:
        return (text,)
    counted = _find_embedded(address) or address
    if isinstance(counted, IPv4Address):
        return (str(counted),)
    return tuple(str(IPv6Network((counted, prefix), strict=False)) for prefix in (IPV6_PREFIX, WIDE_IPV6_PREFIX))


def is_listed(text: str, allowlist: tuple[str, ...]) -> bool:
    """Return whether one of these addresses and CIDR blocks holds an address, or the IPv4 address that it embeds.

    A text that is no address is never listed.
    """
    address = _address(text)
    if address is None:
        return False
    forms = (address, _find_embedded(address) or address)
    return any(form in block for block in _blocks(allowlist) for form in forms)


@lru_cache(maxsize=128)
def _address(text: str) -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address(text.strip())
    except ValueError:
        return None
    if isinstance(address, IPv4Address):
        return address
    # A zone means something on one link alone.
    return None if address.scope_id else address.ipv4_mapped or address


def _find_embedded(address: IPv4Address | IPv6Address) -> IPv4Address | None:
    """Return the IPv4 address that an IPv6 address embeds; None if there is none that a host can have."""
    if isinstance(address, IPv4Address):
        return None
    for embedding in _EMBEDDINGS:
        if address in embedding.block:
            ipv4 = IPv4Address(int(address) >> embedding.shift & 0xFFFF_FFFF ^ embedding.mask)
            # No host has an address of 0.0.0.0/8; ::1 and :: look like one.
            return ipv4 if ipv4.packed[0] else None
    return None


@lru_cache(maxsize=16)
def _blocks(allowlist: tuple[str, ...]) -> tuple[IPv4Network | IPv6Network, ...]:
    return tuple(ip_network(entry, strict=False) for entry in allowlist)

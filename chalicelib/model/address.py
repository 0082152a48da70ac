"""Addresses: how one is written, what the counters take for one place, and whether a list holds it."""

from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

# What a provider gives one customer: every address in it is theirs (RFC 6177).
IPV6_PREFIX = 64


def parsed(text: str) -> str | None:
    """Return the one way to write an IP address, an IPv4 address that is mapped into IPv6 as IPv4; None for no address.

    Source: RFC 5952, RFC 4291 2.5.5.2.
    """
    address = _address(text)
    return str(address) if address else None


# A request asks several times for that of its one address.
@lru_cache(maxsize=128)
def network(text: str) -> str:
    """Return what the counters know an address by: an IPv6 address by its /64, an IPv4 address by itself.

    What is no address stands for itself: API Gateway's console calls from `test-invoke-source-ip`.
    """
    address = _address(text)
    if isinstance(address, IPv6Address):
        return str(IPv6Network((address, IPV6_PREFIX), strict=False))
    return str(address) if address else text


def is_listed(text: str, allowlist: tuple[str, ...]) -> bool:
    """Whether one of these addresses and CIDR blocks holds an address; nothing holds what is no address."""
    address = _address(text)
    return address is not None and any(address in block for block in _blocks(allowlist))


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


@lru_cache(maxsize=16)
def _blocks(allowlist: tuple[str, ...]) -> tuple[IPv4Network | IPv6Network, ...]:
    return tuple(ip_network(entry, strict=False) for entry in allowlist)

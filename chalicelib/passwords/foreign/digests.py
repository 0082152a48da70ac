"""The digests of foreign hashes, by Auth0's names for them."""

import hashlib
from collections.abc import Callable
from typing import Any

# The length of each digest in bytes.
SIZES = {"md4": 16, "md5": 16, "ripemd160": 20, "sha1": 20, "sha224": 28, "sha256": 32, "sha384": 48, "sha512": 64}


def digest_of(name: str) -> Callable[..., Any]:
    """Return the function that begins this digest with some bytes, as hmac takes it (PEP 247). name: one of SIZES."""
    # Any: hashlib's objects and pycryptodome's have no type in common that hmac takes too.
    # OpenSSL 3 keeps MD4 in a provider that a runtime need not load, and some builds have no RIPEMD-160.
    if name == "md4":
        from Crypto.Hash import MD4  # noqa: PLC0415 (of people with such a hash alone)

        return MD4.new
    if name == "ripemd160":
        from Crypto.Hash import RIPEMD160  # noqa: PLC0415 (of people with such a hash alone)

        return RIPEMD160.new
    return _begin(name)


def _begin(name: str) -> Callable[..., Any]:
    def begin(octets: bytes = b"") -> Any:
        return hashlib.new(name, octets, usedforsecurity=False)

    return begin

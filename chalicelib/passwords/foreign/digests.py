"""The digests of foreign hashes, by Auth0's names for them."""

import hashlib
from collections.abc import Callable
from typing import Any

# The length of each digest in bytes. OpenSSL 3 keeps MD4 in a provider that a runtime need not load.
SIZES = {"md5": 16, "ripemd160": 20, "sha1": 20, "sha224": 28, "sha256": 32, "sha384": 48, "sha512": 64}


def digest_of(name: str) -> Callable[..., Any]:
    """Return the function that begins this digest with some bytes, as hmac takes it (PEP 247). name: one of SIZES."""

    # Any: hashlib gives its objects no public type.
    def begin(octets: bytes = b"") -> Any:
        return hashlib.new(name, octets, usedforsecurity=False)

    return begin

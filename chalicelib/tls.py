"""TLS as every connection of this process has it. ssl is imported at the first, which some processes never open."""

from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import ssl


@cache
def tls_context() -> "ssl.SSLContext":
    """Return the context that trusts the system's authorities. Its making takes 35 ms, as it reads them all."""
    import ssl  # noqa: PLC0415

    return ssl.create_default_context()


def has_authorities() -> bool:
    """Return whether the context trusts an authority. A folder of them is read as needed, so it counts for none."""
    return tls_context().cert_store_stats()["x509_ca"] > 0

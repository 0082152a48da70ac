"""What the fields of one client must say of each other."""

from infra.tenant.jwks import key_faults
from infra.tenant.raw import Entry, Found
from infra.tenant.values import MONTH_S

# What each method has no use for, and why.
NO_SECRET = {
    "none": "a public client (`token_endpoint_auth_method: none`) keeps no secret",
    "private_key_jwt": "a client with private_key_jwt signs with its key",
}


def client_faults(client: Entry) -> Found:
    """Yield the path and message of each fault of a client's fields together."""
    method = client.fields.get("token_endpoint_auth_method", "client_secret_post")
    if isinstance(method, str):
        yield from _method_faults(client, method)
        yield from _jwks_faults(client, method)
    yield from _lifetime_faults(client.part("refresh_token"))


def _method_faults(client: Entry, method: str) -> Found:
    if method in NO_SECRET and client.has("client_secret"):
        yield (*client.path, "client_secret"), f"{NO_SECRET[method]}: take `client_secret` out"
    if method != "none":
        return
    if client.fields.get("is_token_endpoint_ip_header_trusted") is True:
        path = (*client.path, "is_token_endpoint_ip_header_trusted")
        yield (
            path,
            "the address that a public client forwards is never trusted: take this out, or choose another method",
        )
    for path, grant_type in client.texts("grant_types"):
        if grant_type == "client_credentials":
            yield path, "a public client may not have `client_credentials`: take it out, or choose another method"


def _jwks_faults(client: Entry, method: str) -> Found:
    if method == "private_key_jwt" and not client.has("jwks"):
        yield client.path, "`jwks` is missing, which private_key_jwt needs: add the client's public keys"
    if method != "private_key_jwt" and client.has("jwks"):
        mend = "take `jwks` out, or write `token_endpoint_auth_method: private_key_jwt`"
        yield (*client.path, "jwks"), f"only private_key_jwt has a use for keys: {mend}"
    if method != "private_key_jwt" and client.fields.get("strict_audience") is True:
        yield (*client.path, "strict_audience"), "only private_key_jwt has an audience: take `strict_audience` out"
    for key in client.part("jwks").entries("keys"):
        yield from key_faults(key)


def _lifetime_faults(policy: Entry) -> Found:
    # An idle lifetime that is left out follows the absolute one; one that is written must fit in it.
    total = policy.number("token_lifetime", MONTH_S)
    is_infinite = any(
        policy.fields.get(key) is True for key in ("infinite_token_lifetime", "infinite_idle_token_lifetime")
    )
    if not is_infinite and policy.number("idle_token_lifetime", 0) > total:
        path = (*policy.path, "idle_token_lifetime")
        yield (
            path,
            f"`idle_token_lifetime` is longer than the {total} seconds of `token_lifetime`: make it as long at most",
        )

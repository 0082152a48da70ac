"""Check the fields of one client against each other."""

from collections.abc import Iterator

from infra.tenant.checks.jwks import key_faults
from infra.tenant.checks.partial import Findings, entries, is_given, is_missing, texts
from infra.tenant.schema import PUBLIC, Client, TenantFile
from infra.tenant.yaml_lines import Steps

KEYS = "private_key_jwt"
# Why these methods have no secret.
NO_SECRET = {
    PUBLIC: "a public client (`token_endpoint_auth_method: none`) keeps no secret",
    KEYS: "a client with private_key_jwt signs with its key",
}


def client_checks(file: TenantFile) -> Iterator[Findings]:
    """Yield the checks of each client: each yields paths and messages."""
    for path, client in entries(("clients",), file.clients):
        for check in (_secret, _trusted_address, _public_grants, _jwks, _strict_audience, _lifetimes, _keys):
            yield check(path, client)


def _keys(path: Steps, client: Client) -> Findings:
    for around, key in entries((*path, "jwks", "keys"), client.jwks.keys if client.jwks else ()):
        yield from key_faults(around, key)


def _secret(path: Steps, client: Client) -> Findings:
    method = client.token_endpoint_auth_method
    if method in NO_SECRET and is_given(client, "client_secret"):
        yield (*path, "client_secret"), f"{NO_SECRET[method]}: take `client_secret` out"


def _trusted_address(path: Steps, client: Client) -> Findings:
    if client.is_public and client.is_token_endpoint_ip_header_trusted:
        yield (
            (*path, "is_token_endpoint_ip_header_trusted"),
            "the address that a public client forwards is never trusted: take this out, or choose another method",
        )


def _public_grants(path: Steps, client: Client) -> Findings:
    if client.is_public:
        for place, grant_type in texts(client, "grant_types", path=path):
            if grant_type == "client_credentials":
                yield place, "a public client may not have `client_credentials`: take it out, or choose another method"


def _jwks(path: Steps, client: Client) -> Findings:
    signs = client.token_endpoint_auth_method == KEYS
    if signs and is_missing(client, "jwks"):
        yield path, "`jwks` is missing, which private_key_jwt needs: add the client's public keys"
    if not signs and is_given(client, "jwks"):
        mend = "take `jwks` out, or write `token_endpoint_auth_method: private_key_jwt`"
        yield (*path, "jwks"), f"only private_key_jwt has a use for keys: {mend}"


def _strict_audience(path: Steps, client: Client) -> Findings:
    if client.token_endpoint_auth_method != KEYS and client.strict_audience:
        yield (*path, "strict_audience"), "only private_key_jwt has an audience: take `strict_audience` out"


def _lifetimes(path: Steps, client: Client) -> Findings:
    # The default of the idle lifetime follows the absolute one; a written one must not exceed it.
    policy = client.refresh_token
    is_infinite = policy.infinite_token_lifetime or policy.infinite_idle_token_lifetime
    if not is_infinite and policy.idle_token_lifetime > policy.token_lifetime:
        yield (
            (*path, "refresh_token", "idle_token_lifetime"),
            f"`idle_token_lifetime` is longer than the {policy.token_lifetime} seconds of `token_lifetime`: "
            "make it as long at most",
        )

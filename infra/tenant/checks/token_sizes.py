"""Check that roles fit into tokens: KMS signs 4096 bytes, and a longer token fails the login."""

import json
from collections.abc import Iterator

from chalicelib.model.login import Access, Login
from chalicelib.scopes import OIDC_SCOPES
from chalicelib.store.aws.kms import MAX_MESSAGE_BYTES
from chalicelib.tokens.claims import TYP, make_access_token_claims
from infra.tenant.checks.partial import Findings, entries
from infra.tenant.schema import Api, Client, Role, TenantFile
from infra.tenant.yaml_lines import Steps

# What the file does not say, as long as it is in most stages: API Gateway's own issuer is 63 letters long.
ISSUER = f"https://{'i' * 54}/"
JTI, KID = "j" * 43, "k" * 43
OWN_ID = "0" * 24
NOW = 1_800_000_000


def token_size_checks(file: TenantFile) -> Iterator[Findings]:
    """Yield a check for each role: it yields the APIs whose longest token of somebody with that role is too long."""
    for path, role in entries(("roles",), file.roles):
        for api in file.apis:
            if api.enforce_policies or api.has_permissions_claim:
                yield _too_long(file, path, role, api)


def _too_long(file: TenantFile, path: Steps, role: Role, api: Api) -> Findings:
    permitted = {one.value for one in role.permissions if one.api == api.identifier}
    clients = [client for _, client in entries((), file.clients) if client.has_password_grant and permitted]
    sizes = (token_size(api, client, permitted) for client in clients)
    if (size := max(sizes, default=0)) > MAX_MESSAGE_BYTES:
        yield (
            path,
            f"with role `{role.name}` alone, a token for API `{api.identifier}` can have {size:,} bytes to sign, and "
            f"{MAX_MESSAGE_BYTES:,} are signed: give the role fewer permissions there, or the scopes shorter names",
        )


def token_size(api: Api, client: Client, permitted: set[str]) -> int:
    """Return the bytes to sign of a refreshed token with all scopes that somebody with a role can have at a client."""
    scopes = tuple(scope.value for scope in api.scopes if _may_ask(client, api, scope.value))
    permissions = tuple(one for one in scopes if one in permitted)
    access = Access(
        api.identifier,
        (*OIDC_SCOPES, *(permissions if api.enforce_policies else scopes)),
        token_dialect=api.token_dialect,
        permissions=permissions if api.has_permissions_claim else None,
    )
    realm = max(client.realms, key=len, default="")
    login = Login(
        sub=f"{realm}|{OWN_ID}",
        client_id=client.client_id,
        gty=("refresh_token", "password"),
        amr=("pwd", "otp", "mfa"),
        auth_time=NOW,
    )
    header = {"alg": api.signing_alg, "kid": KID, "typ": TYP[api.token_dialect]}
    claims = make_access_token_claims(ISSUER, login, access, JTI, NOW)
    return sum(map(_encoded_size, (header, claims))) + 1


def _may_ask(client: Client, api: Api, scope: str) -> bool:
    if client.apis is None:
        return True
    bounds = [bound.scope for bound in client.apis if bound.audience == api.identifier]
    return any(bound is None or scope in bound for bound in bounds)


def _encoded_size(part: dict[str, object]) -> int:
    """Return the length of a part of a JWS, in base64url without padding."""
    size = len(json.dumps(part, separators=(",", ":"), ensure_ascii=False).encode())
    return -(-size * 4 // 3)

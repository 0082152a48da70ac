"""Write curl lines for the logins of a tenant file, ready to paste."""

import shlex
from pathlib import Path

from chalicelib.model.tenant import PASSWORD, PASSWORD_REALM
from infra.tenant.schema import Client, TenantFile, User


def curl_lines(url: str, file: TenantFile, with_secrets: bool, ca_file: Path | None) -> str:
    """Return a curl line for each user whom a client can log in.

    with_secrets: False replaces secrets and passwords by placeholders. ca_file: the authority that curl trusts.
    """
    lines = []
    audience = [f"audience={api.identifier}" for api in file.apis[:1]]
    for realm, users in file.users.items():
        grant = PASSWORD if realm == file.tenant.default_directory else PASSWORD_REALM
        client = client_for(file, realm, grant)
        if client:
            common = [*_grant(grant, realm), *_client(client, with_secrets)]
            for user in users:
                who = f"# {user.username or user.email} of {realm}{' (blocked)' if user.blocked else ''}"
                lines.append(f"{who}\n{_curl(url, ca_file, [*common, *_user(user, with_secrets), *audience])}")
    return "\n".join([*lines, _plain_curl(f"{url}.well-known/jwks.json", ca_file)])


def client_for(file: TenantFile, realm: str, grant: str) -> Client | None:
    """Return the first client that logs people of a realm in by a grant, with its credentials in the body; or None."""
    able = [client for client in file.clients if grant in client.grant_types and realm in client.realms]
    plain = [client for client in able if client.token_endpoint_auth_method in ("client_secret_post", "none")]
    return next(iter(plain), None)


def _grant(grant: str, realm: str) -> list[str]:
    return [f"grant_type={grant}", *([f"realm={realm}"] if grant == PASSWORD_REALM else [])]


def _client(client: Client, with_secrets: bool) -> list[str]:
    pairs = [f"client_id={client.client_id}"]
    if client.token_endpoint_auth_method == "none":
        return pairs
    return [*pairs, f"client_secret={client.client_secret if with_secrets else 'CLIENT_SECRET'}"]


def _user(user: User, with_secrets: bool) -> list[str]:
    return [f"username={user.username or user.email}", f"password={user.password if with_secrets else 'PASSWORD'}"]


def _curl(url: str, ca_file: Path | None, pairs: list[str]) -> str:
    data = " \\\n".join(f"  --data-urlencode {shlex.quote(pair)}" for pair in pairs)
    return f"{_plain_curl(f'{url}oauth/token', ca_file)} \\\n{data}\n"


def _plain_curl(url: str, ca_file: Path | None) -> str:
    return f"curl --cacert {shlex.quote(str(ca_file))} {url}" if ca_file else f"curl {url}"

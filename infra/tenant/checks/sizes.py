"""Check that each part of a tenant file that requests read is small enough to be read often."""

from collections.abc import Iterable, Iterator

from chalicelib.store.configuration.config import MAX_DOCUMENT_BYTES, size_bytes
from infra.tenant.checks.partial import Findings, entries
from infra.tenant.part import Part
from infra.tenant.schema import ClientGrant, TenantFile
from infra.tenant.yaml_lines import Steps


def size_checks(file: TenantFile) -> Iterator[Findings]:
    """Yield a check for each part that becomes one document of the config table."""
    sections = [vars(file)[name] for name in ("tenant", "mfa", "attack_protection", "keys") if name in vars(file)]
    yield _fault(("tenant",), "the tenant, with `mfa`, `attack_protection` and `keys`,", sections)
    for path, realm in entries(("realms",), file.realms):
        yield _fault(path, f"realm `{vars(realm).get('name')}`", [realm])
    for path, api in entries(("apis",), file.apis):
        yield _fault(path, f"API `{vars(api).get('identifier')}`", [api])
    for path, role in entries(("roles",), file.roles):
        yield _fault(path, f"role `{vars(role).get('name')}`", [role])
    for path, client in entries(("clients",), file.clients):
        client_id = vars(client).get("client_id")
        yield _fault(path, f"client `{client_id}`, with its client grants,", [client, *_grants(file, client_id)])


def _grants(file: TenantFile, client_id: str | None) -> list[ClientGrant]:
    grants = vars(file).get("client_grants", ())
    return [grant for _, grant in entries((), grants) if vars(grant).get("client_id") == client_id]


def _fault(path: Steps, what: str, parts: Iterable[Part]) -> Findings:
    # warnings: of a part of a faulty file, which may lack fields.
    dumped = (part.model_dump(mode="json", exclude={"client_secret"}, warnings=False) for part in parts)
    size = sum(map(size_bytes, dumped))
    if size > MAX_DOCUMENT_BYTES:
        yield path, f"{what} takes {size:,} bytes, and {MAX_DOCUMENT_BYTES:,} at most are stored: make it smaller"

"""More stages on the moto that the tests share, each from a tenant file of its own, and clients of them."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from app import app
from chalicelib import wiring
from chalicelib.settings import Settings
from infra.aws import Stage, reach
from infra.provision import apply, up
from infra.tenant_file import Client, TenantFile
from tests.conftest import BCRYPT_COST, ISSUER
from tests.support.http import Http

ADDRESS = "10.255.0.1"


def provisioned(name: str, file: TenantFile) -> Stage:
    """Bring a stage of this name to what the file says, without its users. Needs moto, so the `stage` fixture first."""
    reached = reach(name)
    up(reached, file)
    apply(reached, file)
    return reached


def with_tenant(file: TenantFile, **changes: str | None) -> TenantFile:
    """Return the file with other values in its tenant section."""
    return file.model_copy(update={"tenant": file.tenant.model_copy(update=changes)})


def with_client(file: TenantFile, **fields: Any) -> TenantFile:
    """Return the file with one client more, whose fields are as a tenant file has them."""
    return file.model_copy(update={"clients": (*file.clients, Client.model_validate(fields))})


@contextmanager
def client_of(stage: Stage, world: wiring.World) -> Iterator[Http]:
    """Put the handler on this stage until the block ends, and yield a client of it."""
    services = wiring.build(Settings(stage.name, ISSUER, BCRYPT_COST), stage.clients, world)
    before = app.services, app.emit
    client = Http(app, ADDRESS)
    app.services, app.emit = lambda: services, client.log.append
    try:
        yield client
    finally:
        app.services, app.emit = before

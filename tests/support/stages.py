"""More stages on the moto that the tests share, each from a tenant file of its own, and clients of them."""

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from chalicelib import wiring
from chalicelib.settings import Settings
from infra.gateway.proxy_event import GatewayStage
from infra.stage.aws import Stage, reach
from infra.stage.provision import apply, up
from infra.stage.seed import seed_users
from infra.tenant.schema import TenantFile
from tests.support.config import document_of
from tests.support.fixed import BCRYPT_COST, ISSUER
from tests.support.function_aws import function_aws
from tests.support.http import Http

_numbers = itertools.count(1)


def provision_stage(name: str, file: TenantFile, **tenant: str | None) -> Stage:
    """Make a stage of this name from the file, with other values in its tenant section. moto must run."""
    changed = file.model_copy(update={"tenant": file.tenant.model_copy(update=tenant)})
    reached = reach(name)
    up(reached, changed)
    apply(reached, changed)
    seed_users(reached, changed, BCRYPT_COST)
    return replace(reached, aws=function_aws())


@contextmanager
def client_of(
    stage: Stage, externals: wiring.Externals, issuer: str = ISSUER, api: GatewayStage | None = None
) -> Iterator[Http]:
    """Yield a client of an application on this stage, from an address of its own.

    issuer: the setting. api: API Gateway's stage; by default the API is at the root of its host.
    """
    services = wiring.build(Settings(stage.name, issuer, BCRYPT_COST), stage.aws, externals)
    number = next(_numbers)
    yield Http(lambda: services, f"10.255.{number >> 8 & 255}.{number & 255}", api)


@contextmanager
def change_mfa(stage: Stage, **changes: object) -> Iterator[None]:
    """Change the stage's policy of second factors until the block ends, for applications made in it."""
    config, tenant = stage.config(), document_of(stage, "tenant")
    config.put("tenant", tenant | {"mfa": tenant["mfa"] | changes})
    try:
        yield
    finally:
        config.put("tenant", tenant)


@contextmanager
def change_protection(stage: Stage, **sections: dict[str, object]) -> Iterator[None]:
    """Change sections of the stage's attack protection until the block ends, for applications made in it."""
    config = stage.config()
    tenant = document_of(stage, "tenant")
    before = tenant["attack_protection"]
    changed = {name: before[name] | changes for name, changes in sections.items()}
    config.put("tenant", tenant | {"attack_protection": before | changed})
    try:
        yield
    finally:
        config.put("tenant", tenant)

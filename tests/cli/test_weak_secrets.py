"""Client secrets that can be guessed, or that everybody knows: `up` and `apply` take them for dev alone."""

import pytest

from infra.errors import OperatorError
from infra.tenant.client_secrets import require_strong_secrets
from infra.tenant.schema import TenantFile
from tests.cli.conftest import Gatehouse
from tests.support.tables import table_names
from tests.support.tenant_documents import client, demo_document, small_document

DEMOS = [one["client_secret"] for one in demo_document()["clients"] if "client_secret" in one]
WEAK = ["x", "x" * 21, *DEMOS]
REFUSAL = (
    "Stage {} takes no client secret under 22 characters, and none of the demo tenant: app, other. "
    "Leave `client_secret` out there, and `gatehouse apply` makes one.\n"
)


@pytest.mark.parametrize("command", ["up", "apply"])
@pytest.mark.parametrize("options", [(), ("--dry-run",)], ids=["", "dry"])
@pytest.mark.parametrize("secret", WEAK, ids=lambda secret: f"{len(secret)} characters")
def test_weak_secret_is_refused_before_anything_is_done(
    gatehouse: Gatehouse, command: str, options: tuple[str, ...], secret: str
) -> None:
    clients = [client(client_secret=secret), client(client_id="other", client_secret=secret), client(client_id="fine")]
    ran = getattr(gatehouse, command)(small_document(clients=clients), *options)

    assert (ran.code, ran.out, ran.err) == (2, "", REFUSAL.format(gatehouse.stage.name))
    assert secret == "x" or secret not in ran.err
    assert not [one for one in tables(gatehouse) if one.startswith(gatehouse.stage.prefix)]


def tables(gatehouse: Gatehouse) -> list[str]:
    return table_names(gatehouse.stage.clients.dynamodb)


def test_demo_tenant_as_it_is_goes_to_no_other_stage(gatehouse: Gatehouse) -> None:
    ran = gatehouse.up(demo_document())

    assert (ran.code, "demo-backend, demo-basic, demo-m2m" in ran.err) == (2, True)


@pytest.mark.parametrize("secret", ["x" * 22, None])
def test_secret_of_22_characters_and_one_that_is_made_are_taken(gatehouse: Gatehouse, secret: str | None) -> None:
    document = small_document(clients=[client(client_secret=secret)])

    assert [gatehouse.up(document).code, gatehouse.apply(document).code] == [0, 0]


def test_dev_takes_the_demos(demo: TenantFile) -> None:
    require_strong_secrets("dev", demo)
    with pytest.raises(OperatorError):
        require_strong_secrets("Dev", demo)

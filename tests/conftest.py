"""The stage that the tests share: moto, provisioned by the real tools, behind the real handler."""

import itertools
import os
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import settings as hypothesis_settings

from chalicelib import wiring
from chalicelib.http.routes import Services
from chalicelib.settings import Settings
from chalicelib.wiring.management import build_management
from infra.local.emulated_aws import local_aws
from infra.stage.aws import Stage, reach
from infra.stage.provision import apply, up
from infra.stage.seed import seed_users
from infra.tenant.file import load
from infra.tenant.schema import TenantFile
from tests.support.fake_aws.in_process import answering_by_moto, answering_items
from tests.support.fixed import BCRYPT_COST, DEMO, EMAIL_FROM, ISSUER, Clock, Hashes
from tests.support.function_aws import function_aws
from tests.support.http import Http
from tests.support.management import Backend
from tests.support.once import speed_up_moto
from tests.support.people import PeopleMaker

IS_ON_MOTO = os.environ.get("TESTS_ON") == "moto"
UNTRACED = ("cli", "clients", "deploy", "pages", "security")

hypothesis_settings.register_profile("fixed", derandomize=True, deadline=None)
hypothesis_settings.load_profile("fixed")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave out of the coverage the folders whose tests cost most under it, and cover what others do."""
    folders = [Path(__file__).parent / name for name in UNTRACED]
    for item in items:
        if any(item.path.is_relative_to(folder) for folder in folders):
            item.add_marker(pytest.mark.untraced)


@pytest.fixture(scope="session", autouse=True)
def quick() -> Iterator[None]:
    """Spare the libraries work that they would do over and over."""
    with speed_up_moto():
        yield


@pytest.fixture(scope="session", autouse=True)
def items_answered() -> Iterator[None]:
    """Let the fake answer for DynamoDB's items, unless the environment has TESTS_ON=moto."""
    with answering_by_moto() if IS_ON_MOTO else answering_items():
        yield


@pytest.fixture(autouse=True)
def moto_answers(request: pytest.FixtureRequest) -> Iterator[None]:
    """Let moto answer in a test that is about moto, or about what only moto has."""
    with answering_by_moto() if request.node.get_closest_marker("on_moto") else nullcontext():
        yield


@pytest.fixture(scope="session")
def demo() -> TenantFile:
    """The demo tenant."""
    return load(DEMO)


@pytest.fixture(scope="session")
def stage(demo: TenantFile) -> Iterator[Stage]:
    """One stage on moto for all tests of this process, provisioned as the cloud is."""
    with local_aws():
        reached = reach("test")
        up(reached, demo)
        apply(reached, demo)
        seed_users(reached, demo, BCRYPT_COST)
        reached.clients.sesv2().create_email_identity(EmailIdentity=EMAIL_FROM)
        # What the functions do, and what tests see of it, goes by the functions' own path.
        yield replace(reached, aws=function_aws())


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def hashes() -> Hashes:
    return Hashes()


@pytest.fixture
def externals(clock: Clock, hashes: Hashes) -> wiring.Externals:
    """Externals that stand still: time and ids are the test's."""
    ids = (f"jti-{number}" for number in itertools.count(1))
    return wiring.Externals(clock=clock, pause=clock.pause, new_id=lambda: next(ids), verify=hashes.verify)


@pytest.fixture
def services(stage: Stage, externals: wiring.Externals) -> Services:
    """The real services on the shared stage, with nothing cached."""
    return wiring.build(Settings(stage.name, ISSUER, BCRYPT_COST, email_from=EMAIL_FROM), stage.aws, externals)


_addresses = itertools.count(1)


@pytest.fixture
def http(services: Services) -> Http:
    """A client of an application of its own, from an address that no other test has."""
    number = next(_addresses)
    return Http(lambda: services, source_ip=f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}")


@pytest.fixture
def people(stage: Stage) -> PeopleMaker:
    """Makes people whom no other test knows."""
    return PeopleMaker(stage, BCRYPT_COST)


@pytest.fixture
def managing(stage: Stage, externals: wiring.Externals) -> Services:
    """The real services of the Management API on the shared stage, with nothing cached."""
    return build_management(Settings(stage.name, ISSUER, BCRYPT_COST, email_from=EMAIL_FROM), stage.aws, externals)


@pytest.fixture
def backend(stage: Stage, services: Services, managing: Services) -> Backend:
    """A client of the Management API with every scope, from an address that no other test has."""
    number = next(_addresses)
    address = f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"
    return Backend.of(stage, Http(lambda: services, address, management=lambda: managing))

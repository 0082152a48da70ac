"""The legacy store that tests of moving people share."""

from collections.abc import Iterator

import pytest

from chalicelib import wiring
from infra.stage.aws import Stage
from tests.support.http import Http
from tests.support.legacy import Store, client_with_legacy


@pytest.fixture
def store() -> Store:
    return Store()


@pytest.fixture
def moving(stage: Stage, externals: wiring.Externals, store: Store) -> Iterator[Http]:
    """A client of an application whose default realm has the legacy store."""
    with client_with_legacy(stage, externals, store) as client:
        yield client

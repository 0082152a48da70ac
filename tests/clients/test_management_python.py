"""auth0-python's management client, unchanged, against a local run over HTTPS."""

from collections.abc import Callable

import httpx
import pytest

from tests.support.limits import WAIT_S
from tests.support.local_run import LocalProcess
from tests.support.management_sdk import CASES, Served

# The SDK's own sources have such texts.
pytestmark = pytest.mark.filterwarnings("ignore:invalid escape sequence")


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
def test_management_client_of_python_drives_a_local_run(case: Callable[[Served], None], trusted: LocalProcess) -> None:
    with httpx.Client(timeout=WAIT_S) as connection:
        case(Served(trusted.url, connection))

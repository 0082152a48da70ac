"""docs/use/openapi.yaml beside the code: the same paths, methods and errors. `make fuzz` tries the answers."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from app import app
from chalicelib import errors
from chalicelib.http.management import ROUTES as MANAGEMENT_ROUTES
from infra.gateway.responses import load_gateway_responses
from tests.support.management import Backend

DOCUMENT = Path(__file__).parents[2] / "docs" / "use" / "openapi.yaml"
TOLD: dict[str, Any] = yaml.safe_load(DOCUMENT.read_text("utf-8"))
# Of a method that the document does not have.
UNTOLD = {"method_not_allowed"}


def subclasses(kind: type[errors.WireError]) -> Iterator[type[errors.WireError]]:
    for one in kind.__subclasses__():
        yield one
        yield from subclasses(one)


def enums(node: Any) -> Iterator[str]:
    """Find every error code that the document tells of."""
    if isinstance(node, dict):
        for name in ("error", "errorCode"):
            yield from node.get(name, {}).get("enum", []) if isinstance(node.get(name), dict) else []
    for inner in node.values() if isinstance(node, dict) else node if isinstance(node, list) else []:
        yield from enums(inner)


def test_document_has_the_paths_that_are_served() -> None:
    assert set(TOLD["paths"]) == {*app.routes, *(route.path for route in MANAGEMENT_ROUTES)}


@pytest.mark.parametrize("path", TOLD["paths"])
def test_document_has_the_methods_that_a_path_takes(backend: Backend, path: str) -> None:
    allowed = backend.http.request("PUT", path).headers["Allow"]
    told = {method.upper() for method in TOLD["paths"][path]}

    # A HEAD of the Management API is its GET without the body, as everywhere.
    assert told | ({"HEAD"} if path.startswith("/api/v2/") and "GET" in told else set()) == set(allowed.split(", "))


def test_document_has_every_error_that_the_server_or_api_gateway_answers() -> None:
    own = {kind.error for kind in subclasses(errors.WireError)}
    gateways = {response.error for response in load_gateway_responses().values()}

    assert set(enums(TOLD)) == (own | gateways) - UNTOLD

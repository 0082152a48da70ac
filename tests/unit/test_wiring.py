"""The composition root: everything is wired, and built when it should be."""

import importlib
import pkgutil
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import chalicelib
from app import ROUTES, app
from chalicelib import grants, wiring
from chalicelib.cold_start import warm_up
from chalicelib.flows.token import TokenFlow
from chalicelib.http.application import METHODS
from chalicelib.http.routes import Services
from chalicelib.http.wire import RequestReader
from infra.stage.aws import Stage

ROOT = Path(chalicelib.__file__).parent


@pytest.fixture
def fresh() -> Iterator[None]:
    """A process that has built nothing yet, before and after."""
    wiring.services.cache_clear()
    yield
    wiring.services.cache_clear()


@pytest.mark.usefixtures("fresh", "stage")
def test_services_are_built_once_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GATEHOUSE_STAGE", "test")
    monkeypatch.setenv("GATEHOUSE_ISSUER", "https://login.example.com/")

    assert wiring.services() is wiring.services()
    assert wiring.services()[RequestReader].issuer == "https://login.example.com/"


@pytest.mark.usefixtures("fresh")
def test_function_builds_while_it_starts(monkeypatch: pytest.MonkeyPatch, stage: Stage) -> None:
    monkeypatch.setenv("GATEHOUSE_STAGE", stage.name)
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "gatehouse-test")
    warm_up(wiring.services)

    assert wiring.services.cache_info().currsize == 1


@pytest.mark.usefixtures("fresh")
def test_deployment_that_looks_at_the_routes_builds_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_LAMBDA_FUNCTION_NAME", raising=False)
    warm_up(wiring.services)

    assert wiring.services.cache_info().currsize == 0


@pytest.mark.usefixtures("fresh")
def test_function_with_bad_settings_starts_and_lets_the_request_say_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GATEHOUSE_STAGE", raising=False)
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "gatehouse-test")
    warm_up(wiring.services)

    assert wiring.services.cache_info().currsize == 0


def test_every_grant_is_wired(services: Services) -> None:
    modules = [
        importlib.import_module(f"chalicelib.grants.{found.name}") for found in pkgutil.iter_modules(grants.__path__)
    ]
    wired = {type(grant).__module__ for grant in services[TokenFlow].grants.values()}

    assert {module.__name__ for module in modules} == wired


def test_service_of_every_route_is_wired(services: Services) -> None:
    for route in ROUTES:
        assert type(services[route.service]) is route.service


def test_every_path_takes_every_method_so_that_the_wrong_ones_are_answered_by_us() -> None:
    assert {path: set(methods) for path, methods in app.routes.items()} == {path: set(METHODS) for path in app.routes}


def test_only_the_settings_read_the_environment() -> None:
    readers = [
        path.name for path in ROOT.rglob("*.py") if re.search(r"^(import|from) os\b", path.read_text(), re.MULTILINE)
    ]

    assert sorted(readers) == ["settings.py"]


def test_app_is_imported_where_processes_cannot_be_held_to_one_processor() -> None:
    elsewhere = "import os; del os.sched_getaffinity, os.sched_setaffinity; import app"
    subprocess.run([sys.executable, "-c", elsewhere], cwd=ROOT.parent, check=True)

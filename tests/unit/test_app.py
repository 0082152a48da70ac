"""The entry point, and what importing it does to a process."""

import gc
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import app
from chalicelib.cold_start import choose_processor

ROOT = Path(app.__file__).parent
# Tells what is different once the app is imported, and whether the services are built.
IMPORTING = """
import gc, json, os
def state():
    return {"affinity": sorted(os.sched_getaffinity(0)), "environ": dict(os.environ), "is_enabled": gc.isenabled()}
before = state()
import app
from chalicelib import wiring
print(json.dumps({
    "before": before, "after": state(), "frozen": gc.get_freeze_count(),
    "built": wiring.services.cache_info().currsize, "pid": os.getpid(),
}))
"""
STAGE = {
    "GATEHOUSE_STAGE": "test",
    "AWS_DEFAULT_REGION": "eu-west-1",
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
}


def imported(**environ: str) -> dict[str, Any]:
    """Import the app in a process of its own; return what that changed."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("GATEHOUSE_", "AWS_"))}
    done = subprocess.run(
        [sys.executable, "-c", IMPORTING], cwd=ROOT, env=kept | environ, check=True, capture_output=True, text=True
    )
    # Where this machine has settings of AWS's SDK, such as a proxy, a line of the log stands before it.
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer


def test_garbage_is_collected_once_the_app_is_there() -> None:
    assert app.app.routes
    assert gc.isenabled()


def test_import_changes_nothing_of_a_process_outside_lambda() -> None:
    found = imported(**STAGE)

    assert found["after"] == found["before"]
    assert found["before"]["is_enabled"]
    assert (found["frozen"], found["built"]) == (0, 0)


def test_import_in_lambda_builds_freezes_and_stays_on_one_processor() -> None:
    found = imported(**STAGE, AWS_LAMBDA_FUNCTION_NAME="gatehouse-test")

    assert found["after"]["is_enabled"]
    assert found["after"]["affinity"] == [choose_processor(set(found["before"]["affinity"]), found["pid"])]
    assert found["frozen"] > 10_000
    assert found["built"] == 1


def test_import_in_lambda_with_bad_settings_ends_the_start_all_the_same() -> None:
    found = imported(AWS_LAMBDA_FUNCTION_NAME="gatehouse-test")

    assert found["after"]["is_enabled"]
    assert (found["frozen"] > 10_000, found["built"]) == (True, 0)


def test_functions_of_the_schedules_are_where_lambda_looks_for_them() -> None:
    assert callable(app.tell_blocked) and callable(app.rotate_keys)
    assert [source.handler_string for source in app.app.event_sources] == ["app.tell_blocked", "app.rotate_keys"]

"""Run a client of Node, unchanged. `npm ci --prefix tests/clients/node` installs them, as `.ci/run` does."""

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.support.limits import WAIT_S

HERE = Path(__file__).parents[1] / "clients" / "node"
# `.ci/run` sets it, after it has installed them.
IS_REQUIRED = os.environ.get("TESTS_NODE") == "required"


def node(issuer: str, name: str, **more: str) -> dict[str, Any]:
    """Run a client against an issuer, and return what it prints. more: variables of its environment."""
    found = shutil.which("node")
    if found is None or not (HERE / "node_modules").is_dir():
        (pytest.fail if IS_REQUIRED else pytest.skip)("No clients of Node: npm ci --prefix tests/clients/node")
    environment = {"PATH": os.environ["PATH"], "ISSUER": issuer, **more}
    ran = subprocess.run(
        [found, f"{name}.mjs"], cwd=HERE, env=environment, capture_output=True, text=True, timeout=WAIT_S, check=False
    )
    assert ran.returncode == 0, ran.stderr
    printed: dict[str, Any] = json.loads(ran.stdout)
    return printed


def manage_by_node(issuer: str, ca_file: str) -> None:
    """Drive the Management API of an issuer by node-auth0's ManagementClient, and expect what Auth0 answers."""
    said = node(issuer, "management", NODE_EXTRA_CA_CERTS=ca_file)

    assert (said["made"], said["byEmail"], said["found"]) == ("node@example.com", 1, 1)
    assert (said["metadata"], said["moved"]) == ({"b": 2, "c": 3}, ["node2@example.com", False])
    assert (said["logins"], said["blocked"], said["unblocked"]) == ([400, 200], 403, 200)
    assert (said["guessed"], said["blocks"], said["lifted"]) == (429, ["node2@example.com"], [{"blocked_for": []}, 200])
    assert said["tokens"] == [1, 0, "invalid_grant"]
    assert said["role"] == ["Approves timesheets", ["approve:timesheets", "read:timesheets"]]
    assert said["held"] == [["approver"], ["approve:timesheets", "create:timesheets", "read:timesheets"], True]
    assert said["taken"] == [0, 0]
    assert said["tickets"] == [[303, "https://app.example.com/done"]] * 2
    assert (said["verified"], said["job"]) == (True, ["verification_email", "pending"])
    assert said["refusals"] == {
        "taken": [409, "auth0_idp_error"],
        "bad": [400, "invalid_body"],
        "role": [404, "not_found"],
        "ticket": [400, "invalid_body"],
        "scope": [403, "insufficient_scope"],
        "person": [401, "invalid_token"],
        "nonsense": [401, "invalid_token"],
        "gone": [404, "inexistent_user"],
    }
    assert said["bare"] == 401

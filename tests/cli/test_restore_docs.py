"""docs/run/restore.md: a realm is restored under its own name by the commands of the page."""

import re
import shlex
from pathlib import Path
from typing import Any

import boto3

from tests.cli.account import holdings
from tests.cli.conftest import Gatehouse
from tests.support.tenant_documents import small_document

PAGE = (Path(__file__).parents[2] / "docs" / "run" / "restore.md").read_text("utf-8")
TAKEN_DOWN = re.findall(r"^ {4}(aws .+)$", PAGE.partition("## Take a stage down for good")[2], re.MULTILINE)


def pascal(words: str) -> str:
    return "".join(word.capitalize() for word in words.split("-"))


def parameters(words: list[str]) -> dict[str, Any]:
    """Return what the AWS CLI makes of these options, as far as the page uses it."""
    found: dict[str, Any] = {}
    for position, word in enumerate(words):
        following = words[position + 1] if position + 1 < len(words) else "--"
        if not word.startswith("--"):
            continue
        if following.startswith("--"):
            name = word.removeprefix("--").removeprefix("no-")
            found[pascal(name)] = not word.startswith("--no-")
        elif re.fullmatch(r"[A-Za-z]+=(true|false)", following):
            name, _, value = following.partition("=")
            found[pascal(word[2:])] = {name: value == "true"}
        else:
            found[pascal(word[2:])] = following
    return {name.removesuffix("Enabled") + "Enabled" if "Protection" in name else name: v for name, v in found.items()}


def run_aws(line: str) -> dict[str, Any]:
    """Do what a line of the AWS CLI does."""
    _, service, operation, *words = shlex.split(line)
    client: Any = boto3.client(service)  # type: ignore[call-overload]  # the page says which service
    if service == "logs":
        # The one service of the page whose parameters begin with a small letter.
        client.delete_log_group(logGroupName=parameters(words)["LogGroupName"])
        return {}
    if operation == "wait":
        client.get_waiter(words[0].replace("-", "_")).wait(**parameters(words[1:]), WaiterConfig={"Delay": 0})
        return {}
    answer: dict[str, Any] = getattr(client, operation.replace("-", "_"))(**parameters(words))
    return answer


def test_stage_that_was_taken_down_by_the_page_comes_up_again(gatehouse: Gatehouse) -> None:
    name, document = gatehouse.stage.name, small_document()
    gatehouse.up(document)
    for table in ("users-staff", "config", "sessions", "attempts"):
        run_aws(f"aws dynamodb update-table --table-name gatehouse-{name}-{table} --no-deletion-protection-enabled")
    for line in TAKEN_DOWN:
        run_aws(line.replace("gatehouse-dev", f"gatehouse-{name}").replace("employees", "staff"))
    left = holdings(gatehouse.stage)
    ran = gatehouse.up(document)

    assert (left["tables"], left["stacks"]) == ({}, {})
    assert (ran.code, ran.err) == (0, "")
    assert gatehouse.up(document).out.endswith("nothing to change.\n")

"""`gatehouse up` on a change set or a change that CloudFormation refuses: it says the reasons, and no waiter's."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from infra.stage.aws import Stage
from infra.stage.cloudformation.stack_status import StackFailed, Unsound
from infra.stage.cloudformation.stacks import stack_changes, stage_stacks
from infra.stage.provision import up
from infra.tenant.file import load
from infra.tenant.schema import TenantFile
from tests.cli.account import holdings
from tests.cli.conftest import Gatehouse
from tests.cli.failed_stacks import fail, moto_stack
from tests.support.fixed import Clock
from tests.support.tenant_documents import small_document, write

EARLY = "The following validation failed: [AWS::EarlyValidation::PropertyValidation]. Use the DescribeEvents API."


@contextmanager
def answering(stage: Stage, **answers: Callable[[], dict[str, Any]]) -> Iterator[None]:
    """Answer CloudFormation's operations in place of moto."""

    def answer(model: Any, **_: Any) -> Any:
        if model.name not in answers:
            return None
        ok = type("Response", (), {"status_code": 200})
        return ok, answers[model.name]()

    stage.cloudformation.meta.events.register("before-call", answer)
    yield
    stage.cloudformation.meta.events.unregister("before-call", answer)


def tenant(gatehouse: Gatehouse) -> TenantFile:
    return load(Path(write(gatehouse.directory, small_document())))


def refused_up(gatehouse: Gatehouse) -> list[str]:
    """Bring the stage up by the clients that the test has changed, and return the lines of the failure."""
    with pytest.raises(StackFailed) as failure:
        up(gatehouse.stage, tenant(gatehouse))
    return str(failure.value).splitlines()


def proposal(status: str, reason: str = "") -> Callable[[], dict[str, Any]]:
    return lambda: {"Status": status, "StatusReason": reason, "Changes": [], "ChangeSetId": "an:arn"}


def test_refused_change_set_is_said_with_cloudformations_reason(gatehouse: Gatehouse) -> None:
    reason = "Template error: resource ConfigTable does not support attribute type"
    with answering(gatehouse.stage, DescribeChangeSet=proposal("FAILED", reason)):
        said = refused_up(gatehouse)

    assert said == [f"stack gatehouse-{gatehouse.stage.name}: its change set failed: {reason}"]


def test_early_validation_is_said_with_the_reasons_behind_it(gatehouse: Gatehouse) -> None:
    event = {
        "LogicalResourceId": "ConfigTable",
        "ValidationPath": "/Resources/ConfigTable",
        "ValidationStatusReason": "Resource of this name\nexists already",
    }
    with answering(
        gatehouse.stage,
        DescribeChangeSet=proposal("FAILED", EARLY),
        DescribeEvents=lambda: {"OperationEvents": [event, {"EventType": "STACK_EVENT"}]},
    ):
        said = refused_up(gatehouse)

    assert said[1:] == ["ConfigTable /Resources/ConfigTable: Resource of this name exists already"]


@pytest.mark.parametrize(
    "reason",
    [
        "The submitted information didn't contain changes. Submit different information to create a change set.",
        "No updates are to be performed.",
    ],
)
def test_empty_change_set_is_no_failure_in_either_wording(gatehouse: Gatehouse, reason: str) -> None:
    gatehouse.up(small_document())
    own, *_ = stage_stacks(gatehouse.stage.name, [])
    edited = replace(own, template=own.template + "# A comment.\n")
    with answering(gatehouse.stage, DescribeChangeSet=proposal("FAILED", reason)):
        assert stack_changes(gatehouse.stage, edited, dry_run=False) == []


def test_creation_that_cloudformation_rolls_back_is_said_resource_by_resource_and_made_again(
    gatehouse: Gatehouse,
) -> None:
    def roll_back(**_: Any) -> None:
        fail(moto_stack(gatehouse), "ROLLBACK_COMPLETE")

    events = gatehouse.stage.cloudformation.meta.events
    events.register("after-call.cloudformation.ExecuteChangeSet", roll_back)
    said = refused_up(gatehouse)
    events.unregister("after-call.cloudformation.ExecuteChangeSet", roll_back)

    assert said == [
        f"stack gatehouse-{gatehouse.stage.name} is ROLLBACK_COMPLETE",
        "TheTable (AWS::DynamoDB::Table): Table already exists, or the account has reached a limit",
    ]
    assert gatehouse.up(small_document()).code == 0
    assert {status for status, _ in holdings(gatehouse.stage)["stacks"].values()} == {"CREATE_COMPLETE"}


def test_creation_that_fails_takes_along_what_the_template_retains(gatehouse: Gatehouse) -> None:
    asked: list[Any] = []
    events = gatehouse.stage.cloudformation.meta.events

    def note(params: dict[str, Any], **_: Any) -> None:
        asked.append(params["RetainExceptOnCreate"])

    events.register("before-parameter-build.cloudformation.ExecuteChangeSet", note)
    up(gatehouse.stage, tenant(gatehouse))
    events.unregister("before-parameter-build.cloudformation.ExecuteChangeSet", note)

    assert asked == [True, True, True]


def test_change_set_that_takes_its_time_is_waited_for_and_not_for_ever(gatehouse: Gatehouse, clock: Clock) -> None:
    stage = replace(gatehouse.stage, pause=clock.pause)
    own, *_ = stage_stacks(stage.name, [])
    with (
        answering(stage, DescribeChangeSet=proposal("CREATE_IN_PROGRESS")),
        pytest.raises(Unsound, match="still at work after 10 minutes"),
    ):
        stack_changes(stage, own, dry_run=False)

    assert sum(clock.paused) == 600


def test_reason_that_cloudformation_does_not_give_is_no_fault_of_ours(gatehouse: Gatehouse) -> None:
    own, *_ = stage_stacks(gatehouse.stage.name, [])
    with (
        answering(gatehouse.stage, DescribeChangeSet=lambda: {"Status": "FAILED"}),
        pytest.raises(StackFailed, match="its change set failed: no reason given"),
    ):
        stack_changes(gatehouse.stage, own, dry_run=False)

"""Every AWS call of the help desk fails once, in each way: an error, and the same call again completes the change."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from chalicelib import wiring
from chalicelib.model.user import User
from chalicelib.store.aws.caller import AwsUnreachable
from infra.stage.aws import Stage
from infra.stage.second_factors import SecondFactors
from tests.support.attempts import counts_of, leave_failures
from tests.support.audit import audit_lines
from tests.support.faults import aws_error
from tests.support.fixed import Clock
from tests.support.function_aws import Ask, around_calls
from tests.support.help_desk import Desk
from tests.support.people import PeopleMaker

ERRORS = ("InternalServerError", "ProvisionedThroughputExceededException", "AccessDeniedException")
LOST = "answer lost"
# What changes nothing has nothing to lose.
CHANGING = ("UpdateItem", "TransactWriteItems", "DeleteItem", "CreateLogStream", "PutLogEvents")


@dataclass
class Spoiler:
    """Fails the call of a number, counted from 0. made: the operations so far."""

    number: int = -1
    kind: str = ""
    made: list[str] = field(default_factory=list)

    def __call__(self, operation: str, parameters: Mapping[str, Any], ask: Ask) -> dict[str, Any]:
        """Act around one call."""
        self.made.append(operation)
        if len(self.made) - 1 != self.number:
            return ask()
        if self.kind == LOST:
            ask()
            raise AwsUnreachable("ReadTimeoutError")
        raise aws_error(self.kind)


def troubled(stage: Stage, people: PeopleMaker, now: int) -> User:
    """Make a user who is slowed down, has an app, and has typed wrong codes."""
    user, factors = people.make(), SecondFactors.of(stage, "employees")
    factors.enroll(factors.find_session(user.user_id))
    leave_failures(stage, user, 100, now)
    stage.dynamo.put(f"{stage.prefix}attempts", {"pk": f"mfa#employees#{user.user_id}", "sk": "wrong", "wrong_otp": 9})
    return user


def is_done(stage: Stage, user: User, action: str) -> bool:
    """Return whether the whole change of an action is made."""
    item = counts_of(stage, user)
    if action == "unblock":
        return "u_failed" not in item
    wrong = stage.dynamo.query(f"{stage.prefix}attempts", "pk = :pk", {":pk": f"mfa#employees#{user.user_id}"})
    return (item["multifactor"], wrong) == ("", [])


@pytest.mark.parametrize("action", ["unblock", "reset-factors"])
def test_call_that_failed_at_any_call_of_aws_is_completed_by_the_next(
    stage: Stage, externals: wiring.Externals, people: PeopleMaker, clock: Clock, action: str
) -> None:
    desk, whole = Desk(stage, externals), Spoiler()
    user = troubled(stage, people, clock.now_s())
    assert not is_done(stage, user, action)
    with around_calls(stage, whole):
        assert desk.ask(action, user.username)["user_id"] == user.user_id
    assert is_done(stage, user, action)
    audited = whole.made.index("PutLogEvents")
    for number, operation in enumerate(whole.made):
        for kind in (*ERRORS, LOST) if operation in CHANGING else ERRORS:
            person = troubled(stage, people, clock.now_s())
            with around_calls(stage, Spoiler(number, kind)):
                failed = desk.ask(action, person.username)
            # Of a call before the audit line, and of that line, nothing is changed.
            assert number > audited or not is_done(stage, person, action), (operation, kind)
            is_result = number == len(whole.made) - 1
            assert ("error" in failed) != is_result, (operation, kind)
            assert set(failed) == ({"realm", "user_id"} if is_result else {"error", "error_description"})
            assert desk.ask(action, person.username)["user_id"] == person.user_id, (operation, kind)
            assert is_done(stage, person, action)
            assert audit_lines(stage)[-1].get("result") == "done"

"""The ways in which an AWS call fails, as data: what a try comes to, which calls can fail so, what is answered."""

import json
from collections.abc import Callable
from dataclasses import dataclass

from chalicelib.store.aws.budget import TRY_S
from chalicelib.store.aws.caller import AwsUnreachable
from chalicelib.store.aws.http_reply import Reply
from tests.faults.wire import Act, Call, Try, nothing
from tests.support.fixed import Clock

UNAVAILABLE = 503
# What a write that finds another state than it must find comes to, where it stays so.
REFUSALS = {
    "TransactWriteItems": 400,
    "UpdateItem users cred 2": 400,
    "PutItem sessions families/family": 400,
    "PutItem sessions jti/once": 401,
    "UpdateItem attempts mfa/wrong": 400,
    "UpdateItem sessions ticket/once": 400,
}


@dataclass(frozen=True)
class Fault:
    """One way to fail. name: its column. spoil: raises or answers for a try. applies: whether a call can fail so.

    is_retried: whether it is tried again, so that a fault of one try is healed. happens: whether the call was done
    when its try fails. status: what is answered if every try of the call of this name fails; None if the flow goes on.
    """

    name: str
    spoil: Act
    applies: Callable[[Call], bool] = lambda _: True
    is_retried: bool = True
    happens: bool = False
    status: Callable[[str], int | None] = lambda _: UNAVAILABLE


def error(one: Try, status: int, code: str) -> Reply:
    """Return an error in the words of its service."""
    if one.call.service == "sns":
        return one.answered(status, f"<ErrorResponse><Error><Code>{code}</Code></Error></ErrorResponse>")
    return one.answered(status, json.dumps({"__type": f"com.amazonaws#{code}", "message": "from AWS"}))


def is_write(call: Call) -> bool:
    return call.operation in ("PutItem", "UpdateItem", "DeleteItem", "TransactWriteItems", "Publish")


def is_conditional(call: Call) -> bool:
    members = [write for member in call.params.get("TransactItems", []) for write in member.values()]
    return any("ConditionExpression" in write for write in [call.params, *members])


def is_of_kms(call: Call) -> bool:
    return call.service == "kms"


def throttled(one: Try) -> Reply:
    codes = {
        "dynamodb": "ProvisionedThroughputExceededException",
        "kms": "ThrottlingException",
        "sns": "ThrottledException",
    }
    return error(one, 400, codes[one.call.service])


def broken(one: Try) -> Reply:
    codes = {"dynamodb": "InternalServerError", "kms": "KMSInternalException", "sns": "InternalErrorException"}
    return error(one, 500, codes[one.call.service])


def condition_failed(one: Try) -> Reply:
    if one.call.operation != "TransactWriteItems":
        return error(one, 400, "ConditionalCheckFailedException")
    reasons = [{"Code": "ConditionalCheckFailed"}] * len(one.call.params["TransactItems"])
    body = {"__type": "#TransactionCanceledException", "CancellationReasons": reasons}
    return one.answered(400, json.dumps(body))


def no_connection(_: Try) -> None:
    raise AwsUnreachable("ConnectTimeoutError")


def no_answer(_: Try) -> None:
    raise AwsUnreachable("ReadTimeoutError")


def reset(_: Try) -> None:
    raise AwsUnreachable("ConnectionClosedError")


FAULTS = (
    Fault("throttled", throttled),
    Fault("no connection", no_connection),
    Fault("no answer", no_answer),
    Fault("reset", reset),
    Fault("5xx", broken),
    Fault("denied", lambda one: error(one, 400, "AccessDeniedException"), is_retried=False),
    Fault(
        "condition",
        condition_failed,
        applies=is_conditional,
        is_retried=False,
        status=REFUSALS.get,
    ),
    Fault("key disabled", lambda one: error(one, 400, "DisabledException"), applies=is_of_kms, is_retried=False),
    Fault(
        "key going",
        lambda one: error(one, 400, "KMSInvalidStateException"),
        applies=is_of_kms,
        is_retried=False,
    ),
    Fault("reply lost", reset, applies=is_write, happens=True),
)


def spoiling(name: str, fault: Fault, tries: int, clock: Clock) -> tuple[Act, Act]:
    """Return what acts before and after a try, so that the first tries of the call of this name fail.

    Each of them takes as long as a try can. A transaction whose reply was lost is not done twice when it is sent again:
    DynamoDB knows it, moto does not.
    """

    def spoilt(one: Try) -> Reply | None:
        if one.call.name != name or one.number > tries:
            return None
        clock.advance(TRY_S)
        return fault.spoil(one)

    def known(one: Try) -> Reply | None:
        is_again = one.call.name == name and one.number > 1 and one.call.operation == "TransactWriteItems"
        return one.answered(200, "{}") if is_again else None

    return (known, spoilt) if fault.happens else (spoilt, nothing)

"""Several writes as one: all of them happen or none."""

from typing import TYPE_CHECKING, Any

from chalicelib.store.aws import call

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

# One member of TransactItems.
Write = dict[str, Any]


def commit(dynamodb: "DynamoDBClient", writes: tuple[Write, ...]) -> None:
    """Do all the writes; none is no call. Raises ConditionFailed where one's condition did not hold."""
    if writes:
        call(dynamodb.transact_write_items, TransactItems=writes)  # type: ignore[arg-type]  # the stub wants one TypedDict

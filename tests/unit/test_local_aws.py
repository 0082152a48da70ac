"""AWS inside this process: what a long run of it keeps, and what its transactions leave."""

import gc
import itertools
from typing import Any

import pytest
from botocore.exceptions import ClientError
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.dynamodb.models import dynamodb_backends
from moto.dynamodb.models.dynamo_type import DynamoType

from infra.local.emulated_aws import REGION
from infra.stage.aws import Stage
from infra.tenant.schema import TenantFile
from tests.support.http import Http
from tests.support.stages import provision_stage

_numbers = itertools.count(1)

pytestmark = pytest.mark.on_moto


@pytest.fixture
def stage(stage: Stage, demo: TenantFile) -> Stage:
    """A stage that moto keeps, items too. stage: the shared one, which keeps moto running."""
    return provision_stage(f"moto{next(_numbers)}", demo)


def live_items() -> int:
    """Count the DynamoDB items in memory, those that moto has no table for any more too.

    By name: an import here would do what the local run has to do by itself.
    """
    gc.collect()
    kinds = (type(one) for one in gc.get_objects())
    return sum(kind.__name__ == "Item" and kind.__module__.startswith("moto.dynamodb.") for kind in kinds)


def test_logins_leave_no_copies_of_the_store_in_memory(http: Http) -> None:
    http.login()
    before = live_items()
    assert before > 0

    for _ in range(5):
        assert http.login().status_code == 200

    assert live_items() == before


class Uncopied:
    """Stands in for an item that no transaction has any business with."""

    def __deepcopy__(self, memo: object) -> object:
        raise AssertionError("it was copied")


def put(stage: Stage, **attributes: str) -> None:
    item: Any = {name: {"S": value} for name, value in attributes.items()}
    stage.clients.dynamodb.put_item(TableName=f"{stage.prefix}sessions", Item=item)


def found(stage: Stage, pk: str, sk: str) -> dict[str, str] | None:
    item: Any = stage.clients.dynamodb.get_item(
        TableName=f"{stage.prefix}sessions", Key={"pk": {"S": pk}, "sk": {"S": sk}}
    ).get("Item")
    return item and {name: value["S"] for name, value in item.items()}


def transact(stage: Stage, **condition: str) -> None:
    """Put `new`, change `old` and delete `gone` in one transaction; the last has the condition that is given."""
    table = f"{stage.prefix}sessions"
    change: Any = {
        "TableName": table,
        "Key": {"pk": {"S": "transacted"}, "sk": {"S": "old"}},
        "UpdateExpression": "SET told = :told",
        "ExpressionAttributeValues": {":told": {"S": "changed"}},
    }
    gone: Any = {"TableName": table, "Key": {"pk": {"S": "transacted"}, "sk": {"S": "gone"}}, **condition}
    new: Any = {"TableName": table, "Item": {"pk": {"S": "new"}, "sk": {"S": "new"}}}
    stage.clients.dynamodb.transact_write_items(TransactItems=[{"Put": new}, {"Update": change}, {"Delete": gone}])


@pytest.fixture
def _items(stage: Stage) -> Any:
    """Two items in one partition, and one in another that must not be copied."""
    put(stage, pk="transacted", sk="old", told="as it was")
    put(stage, pk="transacted", sk="gone")
    items: Any = dynamodb_backends[DEFAULT_ACCOUNT_ID][REGION].tables[f"{stage.prefix}sessions"].items
    items[DynamoType({"S": "not copied"})] = {"any": Uncopied()}
    yield
    for partition in ("not copied", "transacted", "new"):
        items.pop(DynamoType({"S": partition}), None)


@pytest.mark.usefixtures("_items")
def test_transaction_that_holds_writes_everything_and_copies_nothing_else(stage: Stage) -> None:
    transact(stage)

    assert found(stage, "transacted", "old") == {"pk": "transacted", "sk": "old", "told": "changed"}
    assert found(stage, "transacted", "gone") is None
    assert found(stage, "new", "new") == {"pk": "new", "sk": "new"}


@pytest.mark.usefixtures("_items")
def test_transaction_that_does_not_hold_writes_nothing(stage: Stage) -> None:
    with pytest.raises(ClientError, match="ConditionalCheckFailed"):
        transact(stage, ConditionExpression="attribute_not_exists(pk)")

    assert found(stage, "transacted", "old") == {"pk": "transacted", "sk": "old", "told": "as it was"}
    assert found(stage, "transacted", "gone") == {"pk": "transacted", "sk": "gone"}
    assert found(stage, "new", "new") is None

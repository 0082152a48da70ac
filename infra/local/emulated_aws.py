"""AWS inside this process: moto, with each call made atomic, as AWS's calls are."""

import logging
import os
import threading
import warnings
from collections import defaultdict, deque
from collections.abc import Iterator
from contextlib import contextmanager
from copy import copy
from typing import TYPE_CHECKING, Any

from moto.core.botocore_stubber import BotocoreStubber
from moto.core.model_instances import model_data
from moto.core.models import MockAWS

if TYPE_CHECKING:
    from moto.dynamodb.models.dynamo_type import DynamoType
    from moto.dynamodb.models.table import Table

REGION = "eu-west-1"
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "local", "AWS_SECRET_ACCESS_KEY": "local", "AWS_DEFAULT_REGION": REGION}
# The machine's own files could name another endpoint, or a profile with a role to assume.
NO_FILES = {"AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull, "BOTO_CONFIG": os.devnull}


def use_own_environment() -> None:
    """Leave this process no setting of AWS's SDK but ours: any other could lead a call out of it.

    There are too many to name those that do: an endpoint a service, dual stack, FIPS, a proxy's certificates.
    """
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        del os.environ[name]
    os.environ |= CREDENTIALS | NO_FILES


@contextmanager
def local_aws() -> Iterator[None]:
    """Answer every AWS call of this process in memory until the block ends; nothing reaches the network.

    moto keeps plain dicts and runs in the callers' threads: without the lock two conditional writes can both succeed.
    """
    use_own_environment()
    # moto's CloudFormation leaves alarms out, and says so at length.
    logging.getLogger("moto").setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", message="Tried to parse AWS::(CloudWatch::Alarm|Logs::MetricFilter)")
    # Not mock_aws(): with TEST_SERVER_MODE or TEST_PROXY_MODE in the environment that one leads all calls elsewhere.
    with MockAWS({"core": {"mock_credentials": False}}), _one_call_at_a_time(), _small_transactions():
        _forget_copies()
        yield


def _forget_copies() -> None:
    """Keep moto from remembering every item and table that it ever made, copies too."""
    # moto knows its models once they are imported, which a first call would do.
    import moto.dynamodb.models  # noqa: F401, PLC0415

    for model in model_data["dynamodb"].values():
        model.instances_tracked = deque(maxlen=0)  # type: ignore[attr-defined]  # moto's metaclass adds it, and only moto's reset reads it


@contextmanager
def _one_call_at_a_time() -> Iterator[None]:
    unlocked = BotocoreStubber.__call__
    lock = threading.RLock()

    def call_alone(self: BotocoreStubber, *args: Any, **kwargs: Any) -> Any:
        with lock:
            return unlocked(self, *args, **kwargs)

    BotocoreStubber.__call__ = call_alone  # type: ignore[method-assign]  # the one place that all of moto's calls pass
    try:
        yield
    finally:
        BotocoreStubber.__call__ = unlocked  # type: ignore[method-assign]  # put back


@contextmanager
def _small_transactions() -> Iterator[None]:
    """Show each transaction the partitions alone that it writes to: moto copies all it sees, once for each write.

    Nobody else may read meanwhile, which the lock sees to.
    """
    # Imported here for the reason above.
    from moto.dynamodb.models import DynamoDBBackend  # noqa: PLC0415

    of_moto = DynamoDBBackend.transact_write_items

    def transact(self: DynamoDBBackend, transact_items: list[dict[str, Any]]) -> None:
        writes = [write for item in transact_items for write in item.values() if write["TableName"] in self.tables]
        whole = {write["TableName"]: self.tables[write["TableName"]] for write in writes}
        places = [place for write in writes if (place := _place(whole[write["TableName"]], write))]
        for name, table in whole.items():
            self.tables[name] = copy(table)
            self.tables[name].items = defaultdict(dict)
        for table, partition in places:
            _move(table, self.tables[table.name], partition)
        try:
            of_moto(self, transact_items)
        finally:
            for table, partition in places:
                _move(self.tables[table.name], table, partition)
            self.tables.update(whole)

    DynamoDBBackend.transact_write_items = transact  # type: ignore[method-assign]  # what moto's handler calls
    try:
        yield
    finally:
        DynamoDBBackend.transact_write_items = of_moto  # type: ignore[method-assign]  # put back


def _place(table: "Table", write: dict[str, Any]) -> "tuple[Table, DynamoType] | None":
    """Return the table and the partition of one write; None without a key, which moto refuses."""
    from moto.dynamodb.models.dynamo_type import DynamoType  # noqa: PLC0415

    key = {**write.get("Item", {}), **write.get("Key", {})}.get(table.hash_key_attr)
    return (table, DynamoType(key)) if key else None


def _move(source: "Table", target: "Table", partition: "DynamoType") -> None:
    """Let a partition be in another table just as it is, or is not, in the first."""
    if partition in source.items:
        target.items[partition] = source.items[partition]
    else:
        target.items.pop(partition, None)

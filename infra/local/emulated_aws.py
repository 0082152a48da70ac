"""Emulate AWS in this process: moto, with each call atomic, as AWS's calls are."""

import logging
import os
from collections import defaultdict, deque
from collections.abc import Iterator
from contextlib import contextmanager
from copy import copy
from typing import TYPE_CHECKING, Any

from moto.core.botocore_stubber import BotocoreStubber
from moto.core.model_instances import model_data
from moto.core.models import MockAWS

from infra.local.emails import whole_emails
from infra.local.key_ids import whole_key_ids
from infra.local.moto_transport import CALL_LOCK

if TYPE_CHECKING:
    from moto.dynamodb.models.dynamo_type import DynamoType
    from moto.dynamodb.models.table import Table

REGION = "eu-west-1"
# The stage that a local run makes in it.
STAGE = "dev"
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "local", "AWS_SECRET_ACCESS_KEY": "local", "AWS_DEFAULT_REGION": REGION}
# The machine's own files could name another endpoint, or a role to assume.
NO_FILES = {"AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull, "BOTO_CONFIG": os.devnull}


def use_own_environment() -> None:
    """Replace all settings of AWS's SDK in this process: others could send a call to the network.

    All AWS_ variables go, because there are too many to list: endpoints of services, dual stack, FIPS, certificates.
    """
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        del os.environ[name]
    os.environ |= CREDENTIALS | NO_FILES


@contextmanager
def local_aws() -> Iterator[None]:
    """Answer each AWS call of this process in memory until the block ends.

    moto stores plain dicts and runs in the callers' threads. Without a lock two conditional writes can both succeed.
    """
    use_own_environment()
    logging.getLogger("moto").setLevel(logging.ERROR)
    # They import moto's models, which the first stack would do.
    from infra.local.stacks import alarms, change_sets, managed_policies, table_settings, web_acls  # noqa: F401, PLC0415

    # Not mock_aws(): with TEST_SERVER_MODE or TEST_PROXY_MODE in the environment it sends calls to the network.
    with (
        MockAWS({"core": {"mock_credentials": False}}),
        _one_call_at_a_time(),
        _small_transactions(),
        whole_emails(),
        whole_key_ids(),
    ):
        _forget_copies()
        yield


def _forget_copies() -> None:
    """Stop moto from keeping each item and table that it ever made, copies too."""
    # moto registers its models when they are imported, which the first call would do.
    import moto.dynamodb.models  # noqa: F401, PLC0415

    for model in model_data["dynamodb"].values():
        model.instances_tracked = deque(maxlen=0)  # type: ignore[attr-defined]  # moto's metaclass adds it, and only moto's reset reads it


@contextmanager
def _one_call_at_a_time() -> Iterator[None]:
    unlocked = BotocoreStubber.__call__

    def call_alone(self: BotocoreStubber, *args: Any, **kwargs: Any) -> Any:
        with CALL_LOCK:
            return unlocked(self, *args, **kwargs)

    BotocoreStubber.__call__ = call_alone  # type: ignore[method-assign]  # the one place that botocore's calls pass
    try:
        yield
    finally:
        BotocoreStubber.__call__ = unlocked  # type: ignore[method-assign]  # put back


@contextmanager
def _small_transactions() -> Iterator[None]:
    """Let each transaction see only the partitions that it writes to: moto copies all that it sees, for each write.

    The lock keeps other calls from reading meanwhile.
    """
    # Imported here for the reason above.
    from moto.dynamodb.models import DynamoDBBackend  # noqa: PLC0415

    of_moto = DynamoDBBackend.transact_write_items

    def transact(self: DynamoDBBackend, transact_items: list[dict[str, Any]]) -> None:
        writes = [write for item in transact_items for write in item.values() if write["TableName"] in self.tables]
        whole = {write["TableName"]: self.tables[write["TableName"]] for write in writes}
        partitions = [found for write in writes if (found := _partition(whole[write["TableName"]], write))]
        for name, table in whole.items():
            self.tables[name] = copy(table)
            self.tables[name].items = defaultdict(dict)
        for table, partition in partitions:
            _copy_partition(table, self.tables[table.name], partition)
        try:
            of_moto(self, transact_items)
        finally:
            for table, partition in partitions:
                _copy_partition(self.tables[table.name], table, partition)
            self.tables.update(whole)

    DynamoDBBackend.transact_write_items = transact  # type: ignore[method-assign]  # what moto's handler calls
    try:
        yield
    finally:
        DynamoDBBackend.transact_write_items = of_moto  # type: ignore[method-assign]  # put back


def _partition(table: "Table", write: dict[str, Any]) -> "tuple[Table, DynamoType] | None":
    """Return the table and the partition of one write; None if it has no key, which moto refuses."""
    from moto.dynamodb.models.dynamo_type import DynamoType  # noqa: PLC0415

    key = {**write.get("Item", {}), **write.get("Key", {})}.get(table.hash_key_attr)
    return (table, DynamoType(key)) if key else None


def _copy_partition(source: "Table", target: "Table", partition: "DynamoType") -> None:
    """Copy a partition to another table, or delete it there if the source has none."""
    if partition in source.items:
        target.items[partition] = source.items[partition]
    else:
        target.items.pop(partition, None)

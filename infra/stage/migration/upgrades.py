"""Bring items of the version before into the present shape, several in one transaction, while logins go on."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from botocore.exceptions import ClientError

from chalicelib.errors import TemporarilyUnavailable
from chalicelib.model.account import Account
from chalicelib.model.clock import SystemClock
from chalicelib.model.storage import Item, Key, Write
from chalicelib.store.aws.calls import ConditionFailed
from chalicelib.store.configuration.rule_settings import RuleSettings
from chalicelib.store.configuration.vault import Vault, data_key_alias, sealer_of, store_data_key
from chalicelib.store.dynamo import Update, update_write
from chalicelib.store.families import FamilyStore
from chalicelib.store.people.upgrade import upgrade_writes
from infra.stage.aws import Stage
from infra.stage.migration.old_items import Kind

A = TypeVar("A")

# How many items are brought over in one transaction. A login that meets it waits for some milliseconds.
TOGETHER = 20
# How long to wait after each time that AWS throttles, beyond what its SDK waits.
PAUSES_S = (1, 2, 4, 8, 16, 32)
THROTTLED = (
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "ThrottlingException",
    "TransactionCanceledException",
)


@dataclass(slots=True, eq=False, repr=False)
class Upgrades:
    """Brings items over. realm_of: the realm of each table of users. must_stop: asked before each write."""

    stage: Stage
    realm_of: Mapping[str, str]
    must_stop: Callable[[], bool]

    def do(self, table: str, kind: Kind, items: list[Item]) -> int:
        """Bring items of one kind over; return how many. One that has changed since it was read is left as it is."""
        if kind is Kind.SETTINGS:
            settings = RuleSettings(self.stage.config(), Vault(self.stage.aws, self.stage.name), SystemClock(), 0)
            settings.write(settings.read())
            return len(items)
        done = 0
        for start in range(0, len(items), TOGETHER):
            if self.must_stop():
                break
            done += self._commit([self._writes(table, kind, item) for item in items[start : start + TOGETHER]])
        return done

    def reseal(self, stored: str, owner: str) -> str:
        """Return the stored form of a data key, sealed by the stage's multi-Region key. It never leaves KMS."""
        context, kms = {"gatehouse": owner}, self.stage.clients.kms
        alias, sealed = sealer_of(self.stage.name, stored)
        answer = be_patient(
            self.stage.pause,
            lambda: kms.re_encrypt(
                CiphertextBlob=sealed,
                SourceKeyId=alias,
                SourceEncryptionContext=context,
                DestinationKeyId=data_key_alias(self.stage.name),
                DestinationEncryptionContext=context,
            ),
        )
        return store_data_key(answer["CiphertextBlob"])

    def _writes(self, table: str, kind: Kind, item: Item) -> tuple[Write, ...]:
        if kind is Kind.PEOPLE:
            return upgrade_writes(table, item)
        if kind is Kind.FAMILIES:
            return FamilyStore(self.stage.dynamo, table).move_writes(item)
        key = Key(table, item["pk"], item.get("sk", ""))
        if kind is Kind.DATA_KEYS:
            owner = Account(self.realm_of[table], item["pk"].partition("#")[2]).key
            keys = {":before": item["data_key"], ":after": self.reseal(item["data_key"], owner)}
            return (update_write(key, Update("SET data_key = :after", "data_key = :before", keys)),)
        # Each update stamps its item.
        return (update_write(key, Update("", "attribute_exists(pk)")),)

    def _commit(self, changes: list[tuple[Write, ...]]) -> int:
        """Make changes together, or one by one if the condition of one fails; return how many were made."""
        writes = tuple(write for change in changes for write in change)
        try:
            be_patient(self.stage.pause, lambda: self.stage.dynamo.commit(writes))
        except ConditionFailed:
            return sum(self._commit([change]) for change in changes) if len(changes) > 1 else 0
        return len(changes)


def be_patient(pause: Callable[[float], None], do: Callable[[], A]) -> A:
    """Return the answer of an operation; pause and repeat it while AWS throttles."""
    for pause_s in PAUSES_S:
        try:
            return do()
        except (TemporarilyUnavailable, ClientError) as failure:
            if not _is_throttled(failure):
                raise
        pause(pause_s)
    return do()


def _is_throttled(failure: TemporarilyUnavailable | ClientError) -> bool:
    code = failure.response["Error"]["Code"] if isinstance(failure, ClientError) else failure.reason.rpartition(": ")[2]
    return code in THROTTLED

"""The emails that wait to be sent, in the attempts table. Requests put them there, and the schedule sends them."""

import json
import secrets
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from chalicelib.model.storage import Key, Value, Write
from chalicelib.store.aws.calls import ConditionFailed
from chalicelib.store.dynamo import Dynamo, Update, delete_write, update_write

# Returns the write that queues an email; none if the stage cannot send any.
Tell = Callable[["OutgoingMail"], tuple[Write, ...]]
# So many requests at once must not write under one key.
SHARDS = 4
# An email that could not be sent for so long is not sent any more.
LIFETIME_S = 86_400
# How many emails of a shard one run sends.
MOST_OF_A_SHARD = 64
ID_BYTES = 8


@dataclass(frozen=True, slots=True)
class OutgoingMail:
    """An email to send. It holds no code and no ticket: these are made when it is sent.

    kind: what it says. to: the address, as typed if nobody was looked up. user_id: of its user, "" if nobody was.
    values: what its kind takes.
    """

    kind: str
    realm: str
    to: str
    user_id: str = ""
    values: Mapping[str, Any] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class QueuedMail:
    """An outgoing email with its place in the queue."""

    mail: OutgoingMail
    shard: str
    queue_id: str


@dataclass(slots=True, eq=False, repr=False)
class OutgoingStore:
    """The queue of one stage: the oldest emails of each shard come first."""

    dynamo: Dynamo
    table: str

    def queue(self, mail: OutgoingMail, now_ms: int) -> None:
        """Put an email into the queue."""
        self.dynamo.update(*self._entry(mail, now_ms))

    def queue_write(self, mail: OutgoingMail, now_ms: int) -> Write:
        """Return the write that puts an email into the queue, for a transaction with what it tells of."""
        return update_write(*self._entry(mail, now_ms))

    def find_due(self, now_s: int) -> Iterator[QueuedMail]:
        """Return the emails that wait, the oldest of each shard first, a bounded number of each."""
        for shard in map(_shard_key, range(SHARDS)):
            for item in self.dynamo.query_first(self.table, "pk = :pk", {":pk": shard}, MOST_OF_A_SHARD):
                if item["expires_at"] > now_s:
                    yield QueuedMail(OutgoingMail(**json.loads(item["document"])), shard, item["sk"])

    def take(self, queued: QueuedMail) -> bool:
        """Take an email out of the queue to send it; return False if another run took it. One conditional write."""
        try:
            # A transaction, as DynamoDB recognises one that is sent again after its answer was lost.
            self.dynamo.commit((delete_write(Key(self.table, queued.shard, queued.queue_id), "attribute_exists(pk)"),))
        except ConditionFailed:
            return False
        return True

    def _entry(self, mail: OutgoingMail, now_ms: int) -> tuple[Key, Update]:
        queue_id = f"queued#{now_ms:015}#{secrets.token_hex(ID_BYTES)}"
        key = Key(self.table, _shard_key(secrets.randbelow(SHARDS)), queue_id)
        values: dict[str, Value] = {":document": json.dumps(asdict(mail)), ":end": now_ms // 1000 + LIFETIME_S}
        return key, Update("SET document = :document, expires_at = :end", "", values)


def _shard_key(number: int) -> str:
    return f"mail#{number}"

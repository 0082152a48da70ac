"""Accounts whose owners are to be told of something, in the attempts table, until they have been.

One is noted for a name that no user has as well: who sends the notices finds out if there is a user to tell.
"""

import hashlib
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

from chalicelib.model.account import Account
from chalicelib.model.storage import Item, Key
from chalicelib.store.aws.calls import ConditionFailed
from chalicelib.store.dynamo import Dynamo, Update, Value

# An attack on many names at once must not write all of its notices under one key.
SHARDS = 16
# Of what owners are told: a block of their account, or that their second factor was shown wrongly too often.
BLOCKS = "notice"
WRONG_CODES = "mfa-notice"
# How often one account's owner is told of a block at most.
QUIET_S = 3600
DAY_S = 86_400


@dataclass(frozen=True, slots=True)
class Notice:
    """A thing that an owner is to be told. noted_at: epoch seconds."""

    account: Account
    noted_at: int


@dataclass(frozen=True, slots=True)
class NoticeStore:
    """Keeps notices of one kind, one an account in quiet_s seconds."""

    dynamo: Dynamo
    table: str
    kind: str = BLOCKS
    quiet_s: int = QUIET_S

    def note(self, account: Account, now: int) -> None:
        """Note what an account's owner is to be told; nothing if that was noted within the last quiet_s."""
        noted = Update(
            "SET noted_at = :now, is_told = :no, expires_at = :end",
            "attribute_not_exists(noted_at) OR noted_at <= :quiet",
            {":now": now, ":no": 0, ":quiet": now - self.quiet_s, ":end": now + 2 * self.quiet_s},
        )
        with suppress(ConditionFailed):
            self.dynamo.update_and_read(self._key(account), noted)

    def untold(self, now: int) -> Iterator[Notice]:
        """Return the notices of the last quiet_s that nobody has taken yet."""
        for shard in range(SHARDS):
            for item in self._of_shard(shard, now - self.quiet_s):
                yield Notice(Account.of_key(item["sk"]), item["noted_at"])

    def take(self, notice: Notice) -> bool:
        """Whether this notice is ours to tell: one conditional write, which a second one fails."""
        values = {":yes": 1, ":no": 0, ":at": notice.noted_at}
        taken = Update("SET is_told = :yes", "is_told = :no AND noted_at = :at", values)
        try:
            self.dynamo.update_and_read(self._key(notice.account), taken)
        except ConditionFailed:
            return False
        return True

    def _of_shard(self, shard: int, since: int) -> list[Item]:
        values: dict[str, Value] = {":pk": f"{self.kind}#{shard}", ":no": 0, ":since": since}
        condition = "is_told = :no AND noted_at > :since"
        return self.dynamo.query(self.table, "pk = :pk", values, FilterExpression=condition)

    def _key(self, account: Account) -> Key:
        shard = hashlib.sha256(account.key.encode()).digest()[0] % SHARDS
        return Key(self.table, f"{self.kind}#{shard}", account.key)

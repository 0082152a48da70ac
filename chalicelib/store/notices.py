"""Notices for the owners of accounts, in the attempts table, until they are sent.

An account without a user gets notices too. The sender finds out if there is a user to send them to.
"""

import hashlib
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

from chalicelib.model.account import Account
from chalicelib.model.storage import Item, Key
from chalicelib.store.aws.calls import ConditionFailed
from chalicelib.store.dynamo import Dynamo, Update, Value

# An attack on many accounts at once must not write all its notices under one key.
SHARDS = 16
# The kinds of notices: of a blocked account, and of too many wrong codes of a second factor.
BLOCKS = "notice"
WRONG_CODES = "mfa-notice"
# An account's owner gets at most one notice of a block in this time.
QUIET_S = 3600
DAY_S = 86_400


@dataclass(frozen=True, slots=True)
class Notice:
    """A notice that is not sent yet. noted_at: epoch seconds."""

    account: Account
    noted_at: int


@dataclass(slots=True, eq=False, repr=False)
class NoticeStore:
    """Stores the notices of one kind, at most one in quiet_s seconds for each account."""

    dynamo: Dynamo
    table: str
    kind: str = BLOCKS
    quiet_s: int = QUIET_S

    def note(self, account: Account, now: int) -> None:
        """Store a notice for an account, unless one was stored within the last quiet_s."""
        noted = Update(
            "SET noted_at = :now, is_told = :no, expires_at = :end",
            "attribute_not_exists(noted_at) OR noted_at <= :quiet",
            {":now": now, ":no": 0, ":quiet": now - self.quiet_s, ":end": now + 2 * self.quiet_s},
        )
        with suppress(ConditionFailed):
            self.dynamo.update_and_read(self._key(account), noted)

    def find_untold(self, now: int) -> Iterator[Notice]:
        """Return the notices of the last quiet_s that were not taken yet."""
        for shard in range(SHARDS):
            for item in self._of_shard(shard, now - self.quiet_s):
                yield Notice(Account.of_key(item["sk"]), item["noted_at"])

    def take(self, notice: Notice) -> bool:
        """Take a notice to send it; return False if it was taken already. One conditional write."""
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

"""Notices for the owners of accounts, in the attempts table, until they are sent.

An account without a user gets notices too. The sender finds out if there is a user to send them to.
"""

import hashlib
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

from chalicelib.errors import TemporarilyUnavailable
from chalicelib.model.account import Account
from chalicelib.model.storage import Key
from chalicelib.store.aws.calls import ConditionFailed
from chalicelib.store.dynamo import Dynamo, Update

# An attack on many accounts at once must not write all its notices under one key.
SHARDS = 16
# How many notices of a shard one run sends. The next run sends the others.
MOST_OF_A_SHARD = 16
# The kinds of notices: of a blocked account, and of too many wrong codes of a second factor.
BLOCKS = "notice"
WRONG_CODES = "notice#codes"
# An account's owner gets at most one notice of a block in this time.
QUIET_S = 3600
DAY_S = 86_400
MINUTE_S = 60


@dataclass(frozen=True, slots=True)
class Notice:
    """A notice that is not sent yet. key: its place in the queue. found_at: when a run found it, in epoch seconds."""

    account: Account
    key: Key
    found_at: int


@dataclass(slots=True, eq=False, repr=False)
class NoticeStore:
    """The queue of the notices of one kind: those of a shard by minute, and by account in it.

    An account's owner is sent at most one in quiet_s seconds. A notice that waits for a day is not sent any more.
    """

    dynamo: Dynamo
    table: str
    kind: str = BLOCKS
    quiet_s: int = QUIET_S

    def note(self, account: Account, now: int) -> None:
        """Put a notice for an account into the queue, once a minute however often it is noted. One write."""
        key = Key(self.table, self._shard(_shard_of(account)), f"{now // MINUTE_S:010}#{account.key}")
        self.dynamo.update(key, Update("SET expires_at = :end", "", {":end": now + DAY_S}))

    def find_untold(self, now: int) -> Iterator[Notice]:
        """Return the notices that wait, the oldest minutes of each shard first, a bounded number of each."""
        for shard in map(self._shard, range(SHARDS)):
            for item in self.dynamo.query_first(self.table, "pk = :pk", {":pk": shard}, MOST_OF_A_SHARD):
                _, _, account = item["sk"].partition("#")
                notice = Notice(Account.of_key(account), Key(self.table, shard, item["sk"]), now)
                if item["expires_at"] > now:
                    yield notice
                else:
                    self._remove(notice)

    def take(self, notice: Notice) -> bool:
        """Take a notice out of the queue to send it; return False if its owner was sent one in the last quiet_s.

        One conditional write decides that.
        """
        now = notice.found_at
        told = Update(
            "SET told_at = :now, expires_at = :end",
            "attribute_not_exists(told_at) OR told_at <= :quiet",
            {":now": now, ":quiet": now - self.quiet_s, ":end": now + self.quiet_s},
        )
        try:
            self.dynamo.update_and_read(Key(self.table, f"{self.kind}#told#{notice.account.key}", "told"), told)
            is_first = True
        except ConditionFailed:
            is_first = False
        self._remove(notice)
        return is_first

    def _remove(self, notice: Notice) -> None:
        # A notice that stays is found again by the next run, and refused by take.
        with suppress(TemporarilyUnavailable):
            self.dynamo.delete(notice.key)

    def _shard(self, number: int) -> str:
        return f"{self.kind}#queue#{number}"


def _shard_of(account: Account) -> int:
    return hashlib.sha256(account.key.encode()).digest()[0] % SHARDS

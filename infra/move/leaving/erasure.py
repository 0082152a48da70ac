"""Erase a person from every table of a stage, and prove it by reading the tables again."""

from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field

from chalicelib.model.storage import Item, Key, Read
from chalicelib.model.user import User
from chalicelib.store.aws.calls import ConditionFailed
from chalicelib.store.configuration.documents import realm_from
from chalicelib.store.dynamo import delete_write
from chalicelib.store.people.items import login_keys
from infra.errors import OperatorError
from infra.move.leaving.traces import OF_USER, Traces
from infra.stage.aws import Stage
from infra.stage.people import People

# A request that is under way may leave something behind the record.
TRIES = 3
# How many items of others that name the person are listed.
MOST_MENTIONS = 100
Watch = Callable[[Iterable[Item], str], Iterable[Item]]


@dataclass(frozen=True, slots=True)
class Erased:
    """The result. removed: how many items went, by table; it has each table that was read.

    mentions: table and key of items of others that name the user_id, the email or a phone number.
    """

    removed: dict[str, int]
    mentions: list[tuple[str, str]] = field(default_factory=list)


@dataclass(slots=True, eq=False, repr=False)
class Erasure:
    """Erases one person. user: None if only leftovers are there. watch: yields items again, to show how far it is."""

    stage: Stage
    people: People
    traces: Traces
    user: User | None
    watch: Watch = lambda items, _: items

    def run(self) -> Erased:
        """Erase the person, and return what was removed. Raises OperatorError.

        The record goes last, as all else is found by what it says: if AWS fails before, the same command completes it.
        """
        removed = Counter[str]()
        removed.update(self._sweep(self._table("sessions"), self._table("attempts")))
        removed[self.people.realm.users_table] += self._count_record()
        if self.user:
            self.people.delete(self.user)
        return self._prove(removed)

    def _prove(self, removed: "Counter[str]") -> Erased:
        """Read every table until one reading finds nothing of the person any more."""
        tables = self._tables()
        for _ in range(TRIES):
            mentions: list[tuple[str, str]] = []
            found = self._sweep(*tables, mentions=mentions)
            removed.update(found)
            if not found:
                counts = {table.removeprefix(self.stage.prefix): removed[table] for table in tables}
                return Erased(counts, mentions)
        raise OperatorError("Something of them keeps coming, as a request is under way. Run this again in a minute.")

    def _sweep(self, *tables: str, mentions: list[tuple[str, str]] | None = None) -> "Counter[str]":
        """Remove the person's items from tables; return how many there were. mentions: takes the others' that do."""
        removed = Counter[str]()
        for table in tables:
            for item in self.watch(self.stage.dynamo.scan(table, ConsistentRead=True), f"items of {table} read"):
                if self._is_theirs(table, item):
                    self._delete(Key(table, item["pk"], item.get("sk", "")))
                    removed[table] += 1
                elif mentions is not None and len(mentions) < MOST_MENTIONS and self.traces.mentioned_in(item):
                    mentions.append((table, item["pk"]))
        return removed

    def _is_theirs(self, table: str, item: Item) -> bool:
        if table == self.people.realm.users_table:
            return self.traces.are_in_record(item)
        return table in (self._table("sessions"), self._table("attempts")) and self.traces.are_in(item)

    def _delete(self, key: Key) -> None:
        if key.table != self.people.realm.users_table:
            self.stage.dynamo.delete(key)
            return
        # A name may be somebody else's by now.
        own = "attribute_not_exists(user_id) OR user_id = :id"
        with suppress(ConditionFailed):
            self.stage.dynamo.commit((delete_write(key, own, id=self.traces.user_id),))

    def _count_record(self) -> int:
        """Return how many items the person's record has."""
        table, names = self.people.realm.users_table, (self.user.username, self.user.email) if self.user else ()
        own = [Key(table, prefix + self.traces.user_id) for prefix in OF_USER]
        logins = [key for name in names if name for key in login_keys(table, name)]
        read = Read(tuple(dict.fromkeys((*own, *logins))), lambda items: list(filter(None, items)))
        return len(self.stage.dynamo.read(read)) if self.user else 0

    def _tables(self) -> list[str]:
        stored = (realm_from(one) for key, one in self.stage.config().documents() if key.startswith("realm#"))
        return [*map(self._table, ("config", "sessions", "attempts")), *(realm.users_table for realm in stored)]

    def _table(self, name: str) -> str:
        return f"{self.stage.prefix}{name}"

"""Bring a filled stage into the present shape of its items: online, in parts, and from where another run stopped."""

from collections import Counter, defaultdict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from threading import Event
from typing import Any

from chalicelib.model.storage import Item
from chalicelib.store.configuration.documents import realm_from
from chalicelib.store.configuration.vault import STAGE_KEY, STAGE_OWNER, data_key_alias, is_of_one_region
from infra.errors import NotReady, OperatorError
from infra.stage.aws import Stage
from infra.stage.kms_keys import find_key
from infra.stage.migration.old_items import Kind, Part, kind_of, read_page
from infra.stage.migration.upgrades import Upgrades, be_patient

# How many parts of tables are read at once. Each holds a page of items, of a megabyte at most.
WORKERS = 4
# A pass finds what changed under the one before. Only a function of the version before makes more old items.
PASSES = 6

Counts = Counter[Kind]
# Does what is due about items of one kind, of one table; returns how many it did.
Do = Callable[[str, Kind, list[Item]], int]


@dataclass(slots=True, eq=False, repr=False)
class Migration:
    """One run on a stage. tell: takes how many items were looked at since its last call; several threads call it."""

    stage: Stage
    tell: Callable[[int], object] = lambda _: None
    _stopped: Event = field(default_factory=Event)

    def count(self) -> Counts:
        """Return how many items of each kind are due, and write nothing."""
        due, _ = self._pass(lambda table, kind, items: 0)
        return due + Counter({Kind.DATA_KEYS: int(is_due(self.stage))})

    def run(self) -> Counts:
        """Bring all items over; return how many of each kind.

        Each transaction is whole: a run that is stopped leaves nothing half done, and the next one goes on. Raises
        NotReady if `up` has to run first, OperatorError if old items keep coming.
        """
        if is_due(self.stage) and find_key(self.stage, data_key_alias(self.stage.name)) is None:
            raise NotReady("missing: the data key")
        upgrades, total = Upgrades(self.stage, realms_by_table(self.stage), self._stopped.is_set), Counts()
        for _ in range(PASSES):
            due, done = self._pass(upgrades.do)
            total += done
            if not due:
                return total + self._seal_stage_key(upgrades)
        raise OperatorError("Items of the version before keep coming. Run `gatehouse deploy`, then this command again.")

    def _pass(self, do: Do) -> tuple[Counts, Counts]:
        """Go through all tables once; return how many items were due, and how many were done."""
        tables = [self.stage.prefix + name for name in ("config", "sessions", "attempts")]
        tables += realms_by_table(self.stage)
        parts = [Part(table, number, WORKERS) for table in tables for number in range(WORKERS)]
        due, done = Counts(), Counts()
        with ThreadPoolExecutor(WORKERS) as pool:
            try:
                for of_part in pool.map(partial(self._work, do), parts):
                    due, done = due + of_part[0], done + of_part[1]
            except BaseException:
                # The workers end with the transaction that they are at.
                self._stopped.set()
                raise
        return due, done

    def _work(self, do: Do, part: Part) -> tuple[Counts, Counts]:
        due, done = Counts(), Counts()
        beginning: dict[str, Any] = {}
        while not self._stopped.is_set():
            page, beginning = be_patient(self.stage.pause, partial(read_page, self.stage.aws, part, beginning))
            for kind, items in _by_kind(page.items).items():
                due[kind] += len(items)
                done[kind] += do(part.table, kind, items)
            self.tell(page.scanned)
            if not beginning:
                break
        return due, done

    def _seal_stage_key(self, upgrades: Upgrades) -> Counts:
        """Seal the stage key anew, as the last item: it shows that all others are done. Return its count."""
        document = self.stage.config().stage_key()
        if document is None or not is_of_one_region(document["data_key"]):
            return Counts()
        sealed = upgrades.reseal(document["data_key"], STAGE_OWNER)
        return Counter({Kind.DATA_KEYS: int(self.stage.config().replace(STAGE_KEY, document, {"data_key": sealed}))})


def is_due(stage: Stage) -> bool:
    """Return whether a stage has items of the version before: its stage key is brought over as the last of them."""
    document = stage.config().stage_key()
    return document is not None and is_of_one_region(document["data_key"])


def count_items(stage: Stage) -> int:
    """Return how many items the tables have; DynamoDB counts them anew about every six hours."""
    tables = [stage.prefix + name for name in ("config", "sessions", "attempts")]
    return sum(
        stage.clients.dynamodb.describe_table(TableName=table)["Table"].get("ItemCount", 0)
        for table in (*tables, *realms_by_table(stage))
    )


def realms_by_table(stage: Stage) -> dict[str, str]:
    """Return the realm of each table of users."""
    documents = (document for key, document in stage.config().documents() if key.startswith("realm#"))
    return {realm.users_table: realm.name for realm in map(realm_from, documents)}


def _by_kind(items: tuple[Item, ...]) -> dict[Kind, list[Item]]:
    found = defaultdict(list)
    for item in items:
        if kind := kind_of(item):
            found[kind].append(item)
    return found

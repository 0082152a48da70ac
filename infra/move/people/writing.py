"""Write persons to a realm: many in one transaction, each only if nobody has their user_id, username or email."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from typing import Literal

from chalicelib.errors import TemporarilyUnavailable
from chalicelib.model.storage import Change, Item, Key, Read, Value, Write
from chalicelib.model.user import User
from chalicelib.passwords.hash import is_bcrypt
from chalicelib.store.aws.calls import ConditionFailed
from chalicelib.store.dynamo import Dynamo, put_write, update_of, update_write
from chalicelib.store.people.counts import count_write
from chalicelib.store.people.enrolments import enrolment_values
from chalicelib.store.people.items import (
    JSON_FIELDS,
    credentials_key,
    items_of_new,
    login_keys,
    profile_key,
)
from infra.move.people.dry_run import DryRun
from infra.move.people.faults import Code, RowFault
from infra.move.people.pace import Pace
from infra.move.people.person import Person

# Three items, at most two identifiers, and one counter for all: within the 100 items and 4 MB of a transaction.
TOGETHER = 19
MOST_KEYS = 100
TRIES = 5
MARK = "import_mark"
ELSEWHERE = "Another realm has given out the user_id."
THERE = "Somebody of this realm has it already."
# The fields that Auth0 updates.
UPSERTED = (
    "email_verified", "name", "given_name", "family_name", "nickname", "picture", "app_metadata", "user_metadata"
)  # fmt: skip
Kind = Literal["inserted", "updated", "failed"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """The outcome of a row. faults: of a failed one."""

    row: int
    kind: Kind
    faults: tuple[RowFault, ...] = ()


@dataclass(slots=True, eq=False, repr=False)
class Writer:
    """Writes persons to the table of a realm. others: the tables of other realms that have people.

    upserts: whether somebody who is there is updated. dry_run: remembers those who would be there; None to write.
    """

    dynamo: Dynamo
    table: str
    pace: Pace
    others: tuple[str, ...] = ()
    upserts: bool = False
    dry_run: DryRun | None = None

    def settle(self, people: list[Person]) -> list[Outcome]:
        """Write persons of one counter, and return what became of each."""
        taken = self._taken_elsewhere(people)
        outcomes = [
            _failed(one, "user_id", "DUPLICATED_USER", "Another realm has given out the user_id.") for one in taken
        ]
        left = [one for one in people if one not in taken]
        if self.dry_run or any(len(self._keys(one)) > 1 + len(_names(one.user)) for one in left):
            # Somebody may be stored under a former spelling, which no condition looks at.
            left = self._sort_out(left, outcomes)
        for _ in range(TRIES):
            if self.dry_run or not left:
                break
            try:
                self._create(left)
                break
            except ConditionFailed:
                left = self._sort_out(left, outcomes)
        else:
            raise TemporarilyUnavailable(reason="transact_write_items: the same people kept coming and going")
        return outcomes + [Outcome(one.row, "inserted") for one in left]

    def _create(self, people: list[Person]) -> None:
        items = [item | _mark(item, one) for one in people for item in items_of_new(one.user)]
        writes = [put_write(self.table, item, "attribute_not_exists(pk)") for item in items]
        # Whatever stands in its place is of nobody.
        factors = [enrolment_values(one.enrolment, 1) for one in people if one.enrolment.history]
        writes += [put_write(self.table, item) for item in factors]
        counted = count_write(self.table, people[0].user.user_id, len(people))
        self.pace.do(lambda: self.dynamo.commit((*writes, counted)), 2 * sum(map(_units, items + factors)))

    def _sort_out(self, people: list[Person], outcomes: list[Outcome]) -> list[Person]:
        """Settle those whose user_id or identifiers somebody has; return the others."""
        found = self._find({key for one in people for key in self._keys(one)})
        left = []
        for one in people:
            keys = self._keys(one)
            items = [item for key in keys if (item := found.get(key))]
            if not items and self.dry_run:
                items = self.dry_run.meet(one, keys)
            if not items:
                left.append(one)
            elif any(item.get(MARK) == one.mark for item in items):
                outcomes.append(Outcome(one.row, "inserted"))
            else:
                outcomes.append(self._meet(one, items))
        return left

    def _meet(self, person: Person, items: list[Item]) -> Outcome:
        """Return the outcome of a person who is there: an update, or a failure. items: those that they met."""
        holders = {_holder(item): item for item in items}
        if not self.upserts:
            return _failed(person, _field_of(items[0]), "DUPLICATED_USER", THERE)
        wanted = person.user.user_id
        if len(holders) > 1 or (person.has_own_id and wanted not in holders):
            other = next(item for holder, item in holders.items() if holder != wanted)
            name = _field_of(other)
            code: Code = "CONFLICT_USERNAME" if name == "username" else "CONFLICT_EMAIL"
            return _failed(person, name, code, f"Another person of this realm has this {name}.")
        if not self.dry_run:
            self._update(person, next(iter(holders)))
        return Outcome(person.row, "updated")

    def _update(self, person: Person, user_id: str) -> None:
        for _ in range(TRIES):
            try:
                return self.pace.do(partial(self.dynamo.commit, self._update_writes(person, user_id)), 4)
            except ConditionFailed:
                continue
        raise TemporarilyUnavailable(reason="transact_write_items: the person kept changing")

    def _update_writes(self, person: Person, user_id: str) -> tuple[Write, ...]:
        named = {name: getattr(person.user, name) for name in UPSERTED if name in person.given}
        # Not merged, as at Auth0.
        values = {name: json.dumps(value) if name in JSON_FIELDS else value for name, value in named.items()}
        profile = Change({**values, "updated_at": person.user.updated_at}, conditions=("attribute_exists(pk)",))
        key = credentials_key(self.table, user_id)
        before = self._find([key]).get(key, {})
        writes: list[Write] = [update_write(profile_key(self.table, user_id), update_of(profile))]
        stored, new = before.get("password_hash", ""), person.user.password_hash
        if new and new != stored and not is_bcrypt(stored) and not stored.startswith("$bcrypt-sha256$"):
            # Until the first login replaces it. Whoever logged in by the one before has to do so again.
            change = Change(
                {"password_hash": new},
                dict.fromkeys(("credential_version", "password_version", "families_version"), 1),
                conditions=("password_hash = :seen",),
                values={":seen": stored},
            )
            writes.append(update_write(key, update_of(change)))
        return tuple(writes)

    def _taken_elsewhere(self, people: list[Person]) -> list[Person]:
        """Return those whose user_id another realm has given out: one call for many."""
        named = [one for one in people if one.has_own_id] if self.others else []
        found = self._find({profile_key(table, one.user.user_id) for one in named for table in self.others})
        held = {_holder(item) for item in found.values()}
        return [one for one in named if one.user.user_id in held]

    def _find(self, keys: Iterable[Key]) -> dict[Key, Item]:
        """Return the items that exist, by key."""
        listed = list(keys)
        found: dict[Key, Item] = {}
        for start in range(0, len(listed), MOST_KEYS):
            part = tuple(listed[start : start + MOST_KEYS])
            items = self.pace.do(partial(self.dynamo.read, Read(part, tuple)), 0)
            found |= {key: item for key, item in zip(part, items, strict=True) if item}
        return found

    def _keys(self, person: Person) -> list[Key]:
        own = [profile_key(self.table, person.user.user_id)]
        return own + [key for name in _names(person.user) for key in login_keys(self.table, name)]


def _names(user: User) -> list[str]:
    return [name for name in (user.username, user.email) if name]


def _mark(item: dict[str, Value], person: Person) -> dict[str, Value]:
    return {MARK: person.mark} if str(item["pk"]).startswith("user#") else {}


def _holder(item: Item) -> str:
    kind, _, user_id = item["pk"].partition("#")
    return str(user_id if kind == "user" else item["user_id"])


def _field_of(item: Item) -> str:
    return "user_id" if item["pk"].startswith("user#") else str(item["kind"])


def _failed(person: Person, name: str, code: Code, message: str) -> Outcome:
    return Outcome(person.row, "failed", (RowFault(name, code, message),))


def _units(item: dict[str, Value]) -> int:
    """Return about how many write units an item takes outside of a transaction."""
    return 1 + sum(len(value) for value in item.values() if isinstance(value, str)) // 1024

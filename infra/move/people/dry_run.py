"""Remember who would be there in a dry run: in a temporary file, so that memory does not grow with the rows."""

import sqlite3
import threading
from dataclasses import dataclass, field

from chalicelib.identifiers import canonical
from chalicelib.model.storage import Item, Key
from infra.move.people.person import Person


def _open() -> sqlite3.Connection:
    # Without a name, SQLite keeps the database in a file that goes with the connection.
    made = sqlite3.connect("", check_same_thread=False, isolation_level=None)
    made.execute("CREATE TABLE seen (pk TEXT PRIMARY KEY, user_id TEXT, kind TEXT) WITHOUT ROWID")
    return made


@dataclass(slots=True, eq=False, repr=False)
class DryRun:
    """The keys of persons who would have been written. Safe from several threads."""

    _seen: sqlite3.Connection = field(default_factory=_open)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def meet(self, person: Person, keys: list[Key]) -> list[Item]:
        """Return the items that a person would meet; a person who would meet none is remembered."""
        with self._lock:
            found = [self._find(key.pk) for key in keys]
            met = [item for item in found if item]
            if not met:
                self._remember(person, keys)
            return met

    def _find(self, pk: str) -> Item | None:
        row = self._seen.execute("SELECT user_id, kind FROM seen WHERE pk = ?", (pk,)).fetchone()
        return {"pk": pk, "user_id": row[0], "kind": row[1]} if row else None

    def _remember(self, person: Person, keys: list[Key]) -> None:
        user = person.user
        username = f"login#{canonical(user.username)}" if user.username else ""
        rows = [(key.pk, user.user_id, "username" if key.pk == username else "email") for key in keys]
        self._seen.executemany("INSERT OR IGNORE INTO seen VALUES (?, ?, ?)", rows)

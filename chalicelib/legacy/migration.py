"""Move people at their first login: ask the legacy store, then write whom it knows, with the hash (docs/adr/0051)."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from chalicelib.accounts.changes import AccountChanges
from chalicelib.accounts.profiles import UnfitProfile
from chalicelib.legacy.profiles import PREFIX, make_user
from chalicelib.legacy.store import LegacyStore
from chalicelib.model.clock import Clock
from chalicelib.model.request import Request
from chalicelib.model.tenant import Client, Realm
from chalicelib.model.user import User
from chalicelib.passwords.hash import MAX_LENGTH, hash_password

MOVED = "moved from the legacy store"


@dataclass(slots=True, eq=False, repr=False)
class LazyMigration:
    """Moves the people of realms that have an `import_from`. changes_of: makes people. bcrypt_cost: of their hashes."""

    store: LegacyStore
    changes_of: Callable[[Realm], AccountChanges]
    bcrypt_cost: int
    clock: Clock

    def find(self, realm: Realm, client: Client, request: Request) -> User | None:
        """Return the user to write if the legacy store says yes to the typed name and password, None for a no.

        A profile that does not fit counts as a no, with a warning in the log. Nothing is written.
        Raises TemporarilyUnavailable if the store is down.
        """
        if not realm.import_from or len(request.require("password")) > MAX_LENGTH:
            return None
        answer = self.store.ask(realm, client, request)
        if answer is None or answer is False:
            return None
        try:
            return make_user(answer, request.require("username"), realm, self.clock.now_s())
        except UnfitProfile as unfit:
            request.outcome.warnings.append(f"{realm.import_from}: {unfit}")
            return None

    def write(self, realm: Realm, user: User, request: Request) -> User:
        """Write a user whom `find` returned, with the hash of the typed password, and return the user as written.

        Raises IdentifierTaken if another login was faster, or somebody else has a name or the user_id.
        """
        password_hash = hash_password(request.require("password"), self.bcrypt_cost)
        made = replace(user, password_hash=password_hash)
        # Somebody who was deleted here is still in the legacy store.
        written = self.changes_of(realm).create(made, may_be_reused=made.user_id.startswith(PREFIX))
        request.outcome.action = MOVED
        return written

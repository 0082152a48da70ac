"""Make, find, change and delete the users of a realm, for the tools, through the deployed code's own store."""

import logging
import re
import secrets
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from chalicelib.accounts.changes import AccountChanges, NoSuchFamily
from chalicelib.accounts.profiles import Profiles, UnfitProfile, require_identifiers
from chalicelib.identifiers import is_acceptable, is_text, trim
from chalicelib.model.clock import SystemClock
from chalicelib.model.family import RefreshFamily
from chalicelib.model.storage import Write
from chalicelib.model.tenant import Realm
from chalicelib.model.user import User
from chalicelib.passwords.breached import RangeApi, is_refused
from chalicelib.passwords.hash import MAX_LENGTH, hash_password, is_foreign_hash
from chalicelib.passwords.policy import Objection, length, objections
from chalicelib.passwords.range_api import is_pwned
from chalicelib.store.attempts import AttemptStore
from chalicelib.store.configuration.config import ConfigStore
from chalicelib.store.configuration.documents import realm_from
from chalicelib.store.families import FamilyStore
from chalicelib.store.outgoing import OutgoingMail, OutgoingStore
from chalicelib.store.people.user_records import IdentifierTaken, UserRecords
from chalicelib.store.people.users import UserStore
from chalicelib.store.revocations import RevocationStore
from infra.errors import OperatorError, UserExists
from infra.stage.aws import Stage

logger = logging.getLogger(__name__)

USER_ID_BYTES = 12
# A key of one character is no user: a login reads it to make the same calls for an unknown identifier.
USER_ID = re.compile("[!-~]{2,255}")


def find_realm(stage: Stage, called: str) -> Realm:
    """Return the realm of this name or alias. Raises OperatorError, with the names that there are, for another one."""
    config = stage.config()
    realm = config.realm(called)
    if realm is None:
        documents = dict(config.documents())
        name = documents.get("tenant", {}).get("realm_aliases", {}).get(called)
        realm = config.realm(name) if name else None
    if realm is None:
        known = sorted(key.partition("#")[2] for key in documents if key.startswith("realm#"))
        raise OperatorError(f"Stage {stage.name} has no realm {called}. It has: {', '.join(known) or 'none'}.")
    return realm


def may_be_somebody(who: str) -> bool:
    """Return whether a text can be a username, an email or a user_id. DynamoDB takes no key of just any text."""
    return is_text(who) and is_acceptable(who)


@dataclass(frozen=True, slots=True)
class People:
    """The users of one realm.

    config: the stage's. bcrypt_cost: of new hashes. range_api: looks a password up among breached ones.
    warn: takes a line if that look-up failed.
    """

    config: ConfigStore
    realm: Realm
    users: UserStore
    records: UserRecords
    attempts: AttemptStore
    families: FamilyStore
    revocations: RevocationStore
    outgoing: OutgoingStore
    bcrypt_cost: int = 10
    range_api: RangeApi = is_pwned
    warn: Callable[[str], None] = logger.warning

    @classmethod
    def of(cls, stage: Stage, realm_name: str, bcrypt_cost: int = 10) -> "People":
        """Return the users of a realm. Raises OperatorError for an unknown realm."""
        realm, dynamo = find_realm(stage, realm_name), stage.dynamo
        attempts = AttemptStore(dynamo, f"{stage.prefix}attempts")
        families = FamilyStore(dynamo, f"{stage.prefix}sessions")
        users, records = UserStore(dynamo, realm.users_table), UserRecords(dynamo, realm.users_table)
        revocations = RevocationStore(dynamo, f"{stage.prefix}sessions")
        outgoing = OutgoingStore(dynamo, f"{stage.prefix}attempts")
        return cls(stage.config(), realm, users, records, attempts, families, revocations, outgoing, bcrypt_cost)

    @property
    def changes(self) -> AccountChanges:
        """The changes that the Management API makes too."""
        stores = self.records, self.attempts, self.families, self.revocations
        return AccountChanges(self.config, self.realm, *stores, self.tell, SystemClock())

    def tell(self, mail: OutgoingMail) -> tuple[Write, ...]:
        """Return the write that queues an email. A stage that cannot send any lets it expire."""
        return (self.outgoing.queue_write(mail, SystemClock().now_ms()),)

    def add(self, password: str | None, password_hash: str | None, **fields: Any) -> User:
        """Make a user, with a fresh user_id unless fields have one, and return it. Raises OperatorError.

        fields: the fields of User.
        """
        now, fresh = int(time.time()), f"{self.realm.name}|{secrets.token_hex(USER_ID_BYTES)}"
        values: dict[str, Any] = {"user_id": fresh, "created_at": now, "updated_at": now}
        user = User(**values | fields)
        if user.user_id != fresh:
            self._require_user_id(user.user_id)
        with _in_operators_words():
            require_identifiers(user, self.realm)
        user = replace(user, username=trim(user.username), email=trim(user.email))
        user = replace(user, password_hash=self._choose_hash(user, password, password_hash))
        try:
            self.changes.create(user, may_be_reused=user.user_id != fresh)
        except IdentifierTaken:
            raise UserExists(f"Realm {self.realm.name} has a user of that username or email already.") from None
        return user

    def find(self, who: str) -> User:
        """Return the user of this user_id, username or email. Raises OperatorError if there is none."""
        user = self.look_up(who)
        if user is None:
            raise OperatorError(f"Realm {self.realm.name} has no user {who}.")
        return user

    def look_up(self, who: str) -> User | None:
        """Return the user of this user_id, username or email, or None."""
        if not may_be_somebody(who):
            return None
        return self.users.read(who) or self.users.read(self.users.locate(who, ("username", "email")) or who)

    def change(self, user: User, changes: Mapping[str, Any]) -> User:
        """Change a user's profile, and return the user then. Raises OperatorError, UserExists.

        changes: as `accounts/profiles.py` takes them.
        """
        profiles = Profiles(self.records, self.realm, SystemClock(), self.tell)
        with _in_operators_words():
            return profiles.change(user.user_id, changes)

    def set_password(self, user: User, password: str) -> None:
        """Store a new password, and forget the failed attempts at the old one. Raises OperatorError."""
        self.changes.set_password(user, self._hash_password(user, password))

    def set_blocked(self, user: User, blocked: bool) -> None:
        """Block a user and end all refresh tokens, or unblock the user and forget the failed attempts."""
        self.changes.set_blocked(user, blocked)

    def delete(self, user: User) -> None:
        """Delete a user and their attempts. The identifiers are free again, the user_id never is."""
        self.changes.delete(user)

    def live_families(self, user: User) -> list[RefreshFamily]:
        """Return the user's live refresh families, sorted by client and age."""
        return self.changes.live_families(user)

    def end_family(self, user: User, family_id: str) -> None:
        """End one refresh family by its id. Raises OperatorError if the user has no such family."""
        try:
            self.changes.end_family(user, family_id)
        except NoSuchFamily:
            raise OperatorError(f"{user.user_id} has no refresh token family {family_id}.") from None

    def end_families(self, user: User, client_id: str = "") -> int:
        """End the user's refresh families, of one client or all; return how many there were."""
        return self.changes.end_families(user, client_id)

    def forget_attempts(self, user: User) -> None:
        """Lift every brute-force block of this user, from all addresses and under each name."""
        self.changes.forget_attempts(user)

    def _choose_hash(self, user: User, password: str | None, password_hash: str | None) -> str:
        if password_hash is not None:
            if not is_foreign_hash(password_hash):
                raise OperatorError("That is no bcrypt hash: $2a$, $2b$ or $2y$, of a cost from 4 to 14.")
            return password_hash
        return self._hash_password(user, password) if password is not None else ""

    def _hash_password(self, user: User, password: str) -> str:
        """Return the hash of a new password. Raises OperatorError with all objections of the realm's policy."""
        detection = self.config.tenant().breached_password_detection
        is_breached = is_refused(password, detection, self.range_api, self.warn)
        found = objections(password, user, self.realm.password_policy, is_breached)
        if found:
            raise OperatorError(" ".join(self._sentence(objection, password) for objection in found))
        return hash_password(password, self.bcrypt_cost)

    def _sentence(self, objection: Objection, password: str) -> str:
        realm, policy = self.realm.name, self.realm.password_policy
        return {
            Objection.TOO_SHORT: f"Realm {realm} asks for {policy.min_length} characters or more; "
            f"that password has {length(password)}.",
            Objection.TOO_LONG: f"A password has at most {MAX_LENGTH} characters.",
            Objection.BREACHED: "That password is among those that were disclosed in data breaches.",
            Objection.IN_DICTIONARY: f"That password is in the dictionary of realm {realm}.",
            Objection.PERSONAL: "That password holds the person's username, email or name.",
            Objection.REUSED: f"That password is one of the last {policy.history} of this person.",
        }[objection]

    def _require_user_id(self, user_id: str) -> None:
        """Raise OperatorError if the user_id cannot be the sub of tokens, or if a user of the stage has it."""
        if not USER_ID.fullmatch(user_id) or user_id.endswith("@clients"):
            raise OperatorError(
                "A user_id has 2 to 255 printable ASCII characters, no space, and does not end in @clients."
            )
        stored = (one for key, one in self.config.documents() if key.startswith("realm#"))
        for realm in map(realm_from, stored):
            if UserStore(self.users.dynamo, realm.users_table).read(user_id):
                raise UserExists(f"Realm {realm.name} has given out the user_id {user_id} already. Choose another one.")


@contextmanager
def _in_operators_words() -> Iterator[None]:
    """Raise OperatorError for a profile that the realm cannot have."""
    try:
        yield
    except UnfitProfile as unfit:
        raise OperatorError(str(unfit)) from None
    except IdentifierTaken:
        raise UserExists("Another user of the realm has that username or email already.") from None

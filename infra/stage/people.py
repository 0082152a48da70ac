"""People in realms, for the tools: made, found, changed and deleted through the deployed code's own store."""

import logging
import re
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from chalicelib.identifiers import is_acceptable, is_new_name, trim
from chalicelib.model.account import Account
from chalicelib.model.family import RefreshFamily
from chalicelib.model.tenant import Realm, RefreshTokenPolicy
from chalicelib.model.user import User
from chalicelib.passwords.breached import RangeApi, is_refused
from chalicelib.passwords.hash import MAX_LENGTH, hash_password, is_foreign_hash
from chalicelib.passwords.policy import Objection, former_hashes, length, objections
from chalicelib.passwords.range_api import is_pwned
from chalicelib.store.attempts import AttemptStore
from chalicelib.store.config import ConfigStore
from chalicelib.store.documents import realm_from
from chalicelib.store.families import FamilyStore
from chalicelib.store.revocations import RevocationStore
from chalicelib.store.user_records import IdentifierTaken, UserRecords
from chalicelib.store.users import UserStore
from infra.errors import OperatorError, UserExists
from infra.stage.aws import Stage

logger = logging.getLogger(__name__)

USER_ID_BYTES = 12
# One character alone stands for nobody where a read is owed.
USER_ID = re.compile("[!-~]{2,255}")


def _any_version() -> int:
    return 1 + secrets.randbelow(2**31)


def find_realm(stage: Stage, called: str) -> Realm:
    """Return the realm of this name or alias; raises OperatorError with the names of those that there are."""
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


@dataclass(frozen=True, slots=True)
class People:
    """The people of one realm.

    config: the stage's. bcrypt_cost: of the hashes made here. warn: takes a line for each
    look-up that failed and was gone without.
    """

    config: ConfigStore
    realm: Realm
    users: UserStore
    records: UserRecords
    attempts: AttemptStore
    families: FamilyStore
    revocations: RevocationStore
    bcrypt_cost: int = 10
    range_api: RangeApi = is_pwned
    warn: Callable[[str], None] = logger.warning

    @classmethod
    def of(cls, stage: Stage, realm_name: str, bcrypt_cost: int = 10) -> "People":
        """Return a realm's people; raises OperatorError for an unknown realm."""
        realm, dynamo = find_realm(stage, realm_name), stage.dynamo
        attempts = AttemptStore(dynamo, f"{stage.prefix}attempts")
        families = FamilyStore(dynamo, f"{stage.prefix}sessions")
        users, records = UserStore(dynamo, realm.users_table), UserRecords(dynamo, realm.users_table)
        revocations = RevocationStore(dynamo, f"{stage.prefix}sessions")
        return cls(stage.config(), realm, users, records, attempts, families, revocations, bcrypt_cost)

    def add(self, password: str | None, password_hash: str | None, **fields: Any) -> User:
        """Make a person, with a fresh user_id unless fields have one, and return the record. Raises OperatorError.

        fields: as in User.
        """
        now, fresh = int(time.time()), f"{self.realm.name}|{secrets.token_hex(USER_ID_BYTES)}"
        values: dict[str, Any] = {"user_id": fresh, "created_at": now, "updated_at": now}
        user = User(**values | fields)
        if user.user_id != fresh:
            self._require_user_id(user.user_id)
            # Somebody deleted may have had it: what they have out must not be this person's.
            user = replace(user, credential_version=_any_version(), password_version=_any_version())
        self._require_identifier(user)
        user = replace(user, username=trim(user.username), email=trim(user.email))
        user = replace(user, password_hash=self._stored(user, password, password_hash))
        try:
            self.records.create(user)
        except IdentifierTaken:
            raise UserExists(f"Realm {self.realm.name} has somebody of that username or email already.") from None
        return user

    def find(self, who: str) -> User:
        """Return the person of this user_id, username or email; raises OperatorError."""
        user = self.users.read(who) or self.users.read(self.users.locate(who, ("username", "email")) or who)
        if user is None:
            raise OperatorError(f"Realm {self.realm.name} has nobody by {who}.")
        return user

    def set_password(self, user: User, password: str) -> None:
        """Store a new password, and forget the failed attempts at the old one. Raises OperatorError.

        Refresh tokens of the old password end, unless the tenant keeps them.
        """
        ends_families = self.config.tenant().revokes_on_password_change
        # With the present password they are as many as the policy looks back.
        former = former_hashes(user, max(0, self.realm.password_policy.history - 1))
        hashes = [self._hashed(user, password), *former]
        self.records.set_password_hash(user.user_id, hashes, int(time.time()), ends_families)
        self.forget_attempts(user)

    def set_blocked(self, user: User, blocked: bool) -> None:
        """Block and end all refresh tokens, or unblock and forget the failed attempts."""
        self.records.set_blocked(user.user_id, blocked, int(time.time()))
        if not blocked:
            self.forget_attempts(user)

    def delete(self, user: User) -> None:
        """Delete the person and the attempts at them; the names are free again, the user_id never is."""
        self.records.delete(user)
        for family in self._families(user):
            self.families.end(family)
        self.forget_attempts(user)
        self.attempts.clear_codes(self._account(user))

    def live_families(self, user: User) -> list[RefreshFamily]:
        """Return the person's live refresh-token families, by client and age."""
        families, now = self._families(user), time.time()
        people = {client_id: self._at_client(user, client_id) for client_id in {one.client_id for one in families}}
        live = [one for one in families if not one.has_ended(people[one.client_id], self._policy(one.client_id), now)]
        return sorted(live, key=lambda family: (family.client_id, family.locator.family_id))

    def end_family(self, user: User, family_id: str) -> None:
        """End one family by its id; raises OperatorError where the person has no such one."""
        families = [family for family in self.live_families(user) if family.locator.family_id == family_id]
        if not families:
            raise OperatorError(f"{user.user_id} has no refresh token family {family_id}.")
        self.records.end_logins(user.user_id, int(time.time()))
        self.families.end(families[0])

    def end_families(self, user: User, client_id: str = "") -> int:
        """End the person's families, of one client or all; return how many there were.

        Logins under way and access tokens of the MFA API end too, whoever's they are. All families at once is one write
        on the record, which no login under way slips past.
        """
        families = [family for family in self.live_families(user) if client_id in ("", family.client_id)]
        end = self.records.end_logins if client_id else self.records.end_families
        end(user.user_id, int(time.time()))
        for family in families:
            self.families.end(family)
        return len(families)

    def forget_attempts(self, user: User) -> None:
        """Lift every brute-force block of this person, from all addresses."""
        self.attempts.clear_account(self._account(user))

    def _account(self, user: User) -> Account:
        return Account(self.realm.name, user.user_id)

    def _families(self, user: User) -> list[RefreshFamily]:
        return [one for one in self.families.of_user(user.user_id) if one.locator.realm == self.realm.name]

    def _at_client(self, user: User, client_id: str) -> User:
        """Return the person with the revocations counted in that concern them at a client."""
        count = self.users.dynamo.read(self.revocations.read_of(self.realm.name, client_id))
        return replace(user, revocations=count)

    def _policy(self, client_id: str) -> RefreshTokenPolicy:
        client = self.config.client(client_id)
        # A client that is gone may come back, and its families with it.
        return client.refresh_token if client else RefreshTokenPolicy()

    def _stored(self, user: User, password: str | None, password_hash: str | None) -> str:
        if password_hash is not None:
            if not is_foreign_hash(password_hash):
                raise OperatorError("That is no bcrypt hash: $2a$, $2b$ or $2y$, of a cost from 4 to 14.")
            return password_hash
        return self._hashed(user, password) if password is not None else ""

    def _hashed(self, user: User, password: str) -> str:
        """Return the stored form of a new password; raises OperatorError with all that the realm has against it."""
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
        """Let a user_id pass that can be the sub of tokens, and that nobody of the stage has; raises OperatorError."""
        if not USER_ID.fullmatch(user_id) or user_id.endswith("@clients"):
            raise OperatorError(
                "A user_id has 2 to 255 printable ASCII characters, no space, and does not end in @clients."
            )
        stored = (one for key, one in self.config.documents() if key.startswith("realm#"))
        for realm in map(realm_from, stored):
            if UserStore(self.users.dynamo, realm.users_table).read(user_id):
                raise UserExists(f"Realm {realm.name} has given out the user_id {user_id} already. Choose another one.")

    def _require_identifier(self, user: User) -> None:
        names = {"username": user.username, "email": user.email}
        if not any(names[kind] for kind in self.realm.identifiers):
            raise OperatorError(f"In realm {self.realm.name} a person needs: {' or '.join(self.realm.identifiers)}.")
        if "@" in user.username or (user.email and "@" not in user.email):
            raise OperatorError("A username holds no @, an email holds one.")
        if not all(is_acceptable(name) for name in names.values() if name):
            raise OperatorError("A name has at most 320 characters, no control characters, and not blanks alone.")
        if not all(is_new_name(name) for name in names.values() if name):
            raise OperatorError("A name holds no characters that show as nothing, such as U+200B: take them out.")

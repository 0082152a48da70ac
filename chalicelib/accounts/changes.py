"""Change the users of one realm, as operators and backends do: each change with all that ends by it."""

import secrets
from dataclasses import dataclass, replace

from chalicelib.accounts.outgoing import PASSWORD_CHANGED
from chalicelib.model.account import Account
from chalicelib.model.clock import Clock, in_words
from chalicelib.model.family import RefreshFamily
from chalicelib.model.tenant import Realm, RefreshTokenPolicy
from chalicelib.model.user import User
from chalicelib.passwords.policy import former_hashes
from chalicelib.store.attempts import AttemptStore
from chalicelib.store.configuration.config import ConfigStore
from chalicelib.store.families import FamilyStore
from chalicelib.store.outgoing import OutgoingMail, Tell
from chalicelib.store.people.user_records import UserRecords
from chalicelib.store.revocations import RevocationStore


class NoSuchFamily(Exception):
    """The user has no live refresh family of this id."""


@dataclass(slots=True, eq=False, repr=False)
class AccountChanges:
    """Changes the users of one realm. tell: queues emails."""

    config: ConfigStore
    realm: Realm
    records: UserRecords
    attempts: AttemptStore
    families: FamilyStore
    revocations: RevocationStore
    tell: Tell
    clock: Clock

    def create(self, user: User, may_be_reused: bool = False) -> User:
        """Write a new user, and return the user as written. Raises IdentifierTaken.

        may_be_reused: whether a deleted user may have had the user_id. Old tokens never become valid for the new one.
        """
        if may_be_reused:
            user = replace(user, credential_version=_any_version(), password_version=_any_version())
        self.records.create(user)
        return user

    def set_password(self, user: User, password_hash: str) -> None:
        """Store a new password's hash, mail the user, and forget the failed attempts at the old one.

        Refresh tokens of the old password end, unless the tenant keeps them. Raises NoSuchUser.
        """
        # Together with the current password these are as many as the policy compares with.
        former = former_hashes(user, max(0, self.realm.password_policy.history - 1))
        now, ends_families = self.clock.now_s(), self.config.tenant().revokes_on_password_change
        told = OutgoingMail(PASSWORD_CHANGED, self.realm.name, "", user.user_id, {"time": in_words(now)})
        hashes = [password_hash, *former]
        self.records.set_password_hash(user.user_id, hashes, now, ends_families, *self.tell(told))
        self.forget_attempts(user)

    def set_blocked(self, user: User, blocked: bool) -> None:
        """Block a user and end all refresh tokens, or unblock the user and forget the failed attempts."""
        self.records.set_blocked(user.user_id, blocked, self.clock.now_s())
        if not blocked:
            self.forget_attempts(user)

    def delete(self, user: User) -> None:
        """Delete a user and their attempts. The identifiers are free again, the user_id never is."""
        for family in self._families(user):
            self.families.end(family)
        self.attempts.clear_codes(self._account(user))
        # Last: if AWS fails before, the same request completes it.
        self.records.delete(user)

    def live_families(self, user: User) -> list[RefreshFamily]:
        """Return the user's live refresh families, sorted by client and age."""
        families, now = self._families(user), self.clock.now_s()
        people = {client_id: self._at_client(user, client_id) for client_id in {one.client_id for one in families}}
        live = [one for one in families if not one.has_ended(people[one.client_id], self._policy(one.client_id), now)]
        return sorted(live, key=lambda family: (family.client_id, family.key.family_id))

    def end_family(self, user: User, family_id: str) -> None:
        """End one refresh family by its id. Raises NoSuchFamily."""
        families = [family for family in self.live_families(user) if family.key.family_id == family_id]
        if not families:
            raise NoSuchFamily(family_id)
        self.records.end_logins(user.user_id, self.clock.now_s())
        self.families.end(families[0])

    def end_families(self, user: User, client_id: str = "") -> int:
        """End the user's refresh families, of one client or all; return how many there were.

        Pending logins and access tokens of the MFA API end too, of all clients. If no client is named, one write on the
        user ends all families, those too of a login that is under way.
        """
        families = [family for family in self.live_families(user) if client_id in ("", family.client_id)]
        end = self.records.end_logins if client_id else self.records.end_families
        end(user.user_id, self.clock.now_s())
        for family in families:
            self.families.end(family)
        return len(families)

    def forget_attempts(self, user: User) -> None:
        """Lift every brute-force block of this user, from all addresses and under each name."""
        self.attempts.forget(self.records.users.key_of(user.user_id))

    def _account(self, user: User) -> Account:
        return Account(self.realm.name, user.user_id)

    def _families(self, user: User) -> list[RefreshFamily]:
        return self.families.of_user(self._account(user))

    def _at_client(self, user: User, client_id: str) -> User:
        """Return the user with the number of revocations that concern them at a client."""
        count = self.records.dynamo.read(self.revocations.read_of(self.realm.name, client_id))
        return replace(user, revocations=count)

    def _policy(self, client_id: str) -> RefreshTokenPolicy:
        client = self.config.client(client_id)
        # A deleted client may come back, and then its families count again.
        return client.refresh_token if client else RefreshTokenPolicy()


def _any_version() -> int:
    return 1 + secrets.randbelow(2**31)

"""A realm backend in memory: the smallest that a login needs, to show that the Protocol suffices."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from chalicelib.identifiers import canonical
from chalicelib.model.directory import LoginRecord, LoginWrites, NamedUser, UserOf
from chalicelib.model.storage import Read, Write
from chalicelib.model.tenant import Realm
from chalicelib.model.user import Credentials, User
from chalicelib.store.aws.calls import ConditionFailed


@dataclass
class MemoryDirectory:
    """Keeps records by user_id. A read of no key is no call: its answer stands here."""

    realm: Realm
    dummy_hash: str
    verify: Callable[[str, str], bool]
    users: dict[str, User] = field(default_factory=dict)

    def name_of(self, typed: str) -> Read[NamedUser | None]:
        def find(_: object) -> NamedUser | None:
            names = ((user.user_id, self._names(user)) for user in self.users.values())
            found = (
                NamedUser(user_id, kinds[canonical(typed)]) for user_id, kinds in names if canonical(typed) in kinds
            )
            return next(found, None)

        return Read((), find)

    def counts_of(self, user_id: str) -> None:
        """Keep no counts: those of the attempts table are used."""

    def beside_counts(self, user_id: str | None, has_profile: bool) -> Read[UserOf]:
        return Read((), lambda _: lambda _: self.find(user_id) if user_id else None)

    def read_of(self, user_id: str) -> Read[User | None]:
        return Read((), lambda _: self.find(user_id))

    def credentials_of(self, user_id: str) -> Read[User | None]:
        return self.read_of(user_id)

    def find(self, user_id: str) -> User | None:
        return self.users.get(user_id)

    def has_password(self, user: Credentials | None, password: str) -> bool:
        stored = user.password_hash if user else ""
        return self.verify(password, stored or self.dummy_hash) and bool(stored)

    def renew_hash(self, user: Credentials, password: str) -> str | None:
        return None

    def login_writes(self, user: Credentials, login: LoginRecord) -> LoginWrites:
        def write(counter: str | None) -> tuple[Write, ...]:
            now = self.users[user.user_id]
            if now.credential_version != user.credential_version:
                raise ConditionFailed
            counts = now.family_counts | ({counter: now.family_counts.get(counter, 0) + 1} if counter else {})
            self.users[user.user_id] = replace(
                now,
                last_login=login.at,
                last_ip=login.source_ip,
                logins_count=now.logins_count + 1,
                known_addresses=now.known_addresses_after(login.source_ip),
                family_counts=counts,
                multifactor=now.multifactor if login.multifactor is None else login.multifactor,
                password_hash=login.password_hash or now.password_hash,
            )
            return ()

        return write

    def keep_metadata(self, user: User, changed: dict[str, dict[str, Any]], now: int) -> None:
        stored = self.users[user.user_id]
        kept = {name: getattr(stored, name) | values for name, values in changed.items()}
        self.users[user.user_id] = replace(stored, **kept)

    def correct_count(self, user: Credentials, counter: str, live: int) -> None:
        stored = self.users[user.user_id]
        if stored.family_counts[counter] == user.family_counts[counter]:
            self.users[user.user_id] = replace(stored, family_counts=stored.family_counts | {counter: live})

    def _names(self, user: User) -> dict[str, str]:
        """Return the kind of each canonical name of a user that the realm takes."""
        names = {"username": user.username, "email": user.email}
        return {canonical(names[kind]): kind for kind in self.realm.identifiers if names[kind]}

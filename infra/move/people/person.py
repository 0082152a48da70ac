"""Make the person of a row: the user to store, and what the row names of it."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from chalicelib.accounts.profiles import UnfitProfile, require_identifiers
from chalicelib.model.account import Account
from chalicelib.model.enrolment import Enrolment
from chalicelib.model.tenant import Realm
from chalicelib.model.user import Permission, User
from infra.move.people.factors import FactorSealer
from infra.move.people.faults import RowFault
from infra.move.people.forms import Form, Row, reader_of
from infra.move.people.hashes import stored_hash, stored_history
from infra.move.people.schema import PersonRow, parse_row
from infra.stage.people import USER_ID

# Auth0 takes no app_metadata with one of these members.
FORBIDDEN = frozenset(
    (
        "__tenant", "_id", "blocked", "clientID", "created_at", "email_verified", "email", "globalClientID",
        "global_client_id", "identities", "lastIP", "lastLogin", "loginsCount", "metadata",
        "multifactor_last_modified", "multifactor", "updated_at", "user_id",
    )
)  # fmt: skip
_COPIED = (
    "email_verified", "name", "given_name", "family_name", "nickname", "picture", "phone_number", "phone_verified",
    "blocked", "app_metadata", "user_metadata", "last_login", "last_password_reset", "last_ip", "logins_count",
    "migrated_at",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody whom a row makes. given: the fields that the row names. mark: of this row of this import.

    has_own_id: whether the row names the user_id. enrolment: the second factors, without any if the row has none.
    """

    row: int
    user: User = field(repr=False)
    given: frozenset[str]
    mark: str
    has_own_id: bool
    enrolment: Enrolment = field(repr=False)


@dataclass(slots=True, eq=False, repr=False)
class PersonMaker:
    """Makes persons for a realm. import_id: a fresh text of this import. sealer: makes their factors.

    Its time is that of unnamed times. hash_config: of Firebase's hashes.
    """

    realm: Realm
    form: Form
    import_id: str
    sealer: FactorSealer
    hash_config: Row | None = None
    reader: Callable[[Row], Row] = field(init=False)

    def __post_init__(self) -> None:
        self.reader = reader_of(self.form, self.hash_config)

    def make(self, number: int, values: Any) -> Person | tuple[RowFault, ...]:
        """Return the person of a row, or all that is wrong with it. values: as read, or the fault of the reading."""
        try:
            if isinstance(values, RowFault):
                raise values
            if not isinstance(values, Mapping):
                raise RowFault("", "INVALID_TYPE", "The row must be an object.")
            row = self.reader(values)
            parsed = parse_row(row)
            return parsed if isinstance(parsed, tuple) else self._make(number, parsed, row)
        except RowFault as fault:
            return (fault,)

    def _make(self, number: int, parsed: PersonRow, row: Row) -> Person:
        self._require_email(parsed)
        if self.form is not Form.GATEHOUSE and not FORBIDDEN.isdisjoint(parsed.app_metadata):
            raise RowFault("app_metadata", "NOT_PASSED", "app_metadata has a member whose name Auth0 keeps for itself.")
        mark = f"{self.import_id}:{number}"
        user = self._user(parsed, row, mark)
        enrolment = self.sealer.read(row, Account(self.realm.name, user.user_id))
        try:
            require_identifiers(user, self.realm)
        except UnfitProfile as unfit:
            named = any(getattr(user, kind) for kind in self.realm.identifiers)
            raise RowFault(self.realm.identifiers[0], "FORMAT" if named else "OBJECT_REQUIRED", str(unfit)) from None
        made = replace(user, multifactor=enrolment.kinds)
        return Person(number, made, frozenset(parsed.model_fields_set), mark, parsed.user_id is not None, enrolment)

    def _require_email(self, parsed: PersonRow) -> None:
        # Auth0 requires it of every row of its own form.
        is_required = "email" in self.realm.identifiers and self.form is Form.AUTH0
        if is_required and not parsed.email:
            raise RowFault("email", "OBJECT_REQUIRED", "email is required.")
        if parsed.email and not all(parsed.email.rpartition("@")):
            raise RowFault("email", "FORMAT", "email must be an email address.")

    def _user(self, parsed: PersonRow, row: Row, mark: str) -> User:
        digest = hashlib.sha256(mark.encode()).digest()
        # A deleted user may have had the user_id: no old token becomes valid for the new one.
        version = 1 + int.from_bytes(digest[:4]) % 2**31
        user_id = parsed.user_id or f"{self.realm.name}|{digest[4:16].hex()}"
        if not USER_ID.fullmatch(user_id) or user_id.endswith("@clients"):
            raise RowFault("user_id", "PATTERN", "user_id has 2 to 255 printable ASCII characters, and no space.")
        created_at = self.sealer.now if parsed.created_at is None else parsed.created_at
        return User(
            user_id=user_id,
            username=parsed.username or "",
            email=parsed.email or "",
            password_hash=stored_hash(row),
            password_history=stored_history(row),
            known_addresses=tuple(parsed.known_addresses),
            credential_version=version,
            password_version=version,
            created_at=created_at,
            updated_at=self.sealer.now if parsed.updated_at is None else parsed.updated_at,
            roles=tuple(parsed.roles),
            permissions=tuple(_permission(one) for one in parsed.permissions),
            **{name: getattr(parsed, name) for name in _COPIED},
        )


def _permission(values: Mapping[str, str]) -> Permission:
    if set(values) != {"api", "value"}:
        raise RowFault("permissions", "NOT_PASSED", "A permission has an api and a value.")
    return Permission(values["api"], values["value"])

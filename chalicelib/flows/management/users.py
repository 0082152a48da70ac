"""/users of the Management API: list, find, make, change and delete people."""

import secrets
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from chalicelib.accounts.changes import AccountChanges
from chalicelib.accounts.outgoing import VERIFY, MailQueue
from chalicelib.accounts.passwords import NewPasswords
from chalicelib.accounts.profiles import Profiles, UnfitProfile, change_profile, require_identifiers
from chalicelib.accounts.sign_up import ID_BYTES
from chalicelib.errors import Conflict, InexistentUser, InvalidBody, InvalidQueryString
from chalicelib.flows.management.admission import ManagementAdmission, note_change
from chalicelib.flows.management.bodies import NewUser, Profile, UserChanges, read_body
from chalicelib.flows.management.paging import Page, read_page, select_fields
from chalicelib.flows.management.people import BETWEEN, PeopleFinder, Person
from chalicelib.flows.management.search import Search, read_search
from chalicelib.flows.management.shapes import show_user
from chalicelib.identifiers import is_mailable, trim
from chalicelib.model.clock import Clock
from chalicelib.model.request import Request
from chalicelib.model.tenant import Realm
from chalicelib.model.user import User
from chalicelib.store.outgoing import OutgoingMail
from chalicelib.store.people.user_records import IdentifierTaken, NoSuchUser

READ, CREATE, UPDATE, DELETE = "read:users", "create:users", "update:users", "delete:users"
Answer = dict[str, Any] | list[Any]


@dataclass(slots=True, eq=False, repr=False)
class UsersFlow:
    """Answers /users and /users-by-email.

    changes_of, profiles_of: return what changes the people of a realm. verify: checks a password against its stored
    form.
    """

    admission: ManagementAdmission
    finder: PeopleFinder
    changes_of: Callable[[Realm], AccountChanges]
    profiles_of: Callable[[Realm], Profiles]
    passwords: NewPasswords
    mails: MailQueue
    verify: Callable[[str, str], bool]
    clock: Clock

    def list_users(self, request: Request) -> Answer:
        """Return a page of all people, or of those whom `q` and `connection` name."""
        self.admission.admit(request, READ)
        page, search = read_page(request.query), read_search(request.query)
        realms = [realm for realm in self.finder.realms() if search.realm in ("", realm.name)]
        if search.kind:
            return _show_all(page, self._found(search, realms), request)
        people, last = self.finder.page(page, realms)
        total = self.finder.count(realms) if page.has_totals else None
        entries = [_shown(person, request) for person in people]
        fitting = page.count_fitting(entries)
        if fitting < len(entries):
            last = _key(people[fitting - 1])
        return page.show("users", entries[:fitting], total, last)

    def list_by_email(self, request: Request) -> list[Any]:
        """Return the people who have an email, in any spelling."""
        self.admission.admit(request, READ)
        email = request.query.get("email", "")
        if not email:
            raise InvalidQueryString("email is missing.")
        people = self.finder.named(email, ("email",), self.finder.realms())
        return [_shown(person, request) for person in people]

    def show(self, request: Request) -> dict[str, Any]:
        """Return a person."""
        self.admission.admit(request, READ)
        return _shown(self.finder.of_path(request), request)

    def create(self, request: Request) -> dict[str, Any]:
        """Make a person, and return them. Raises InvalidBody, InvalidPassword, Conflict."""
        self.admission.admit(request, CREATE)
        body = read_body(NewUser, request.body)
        realm = self.finder.realm(body.connection)
        if realm is None:
            raise InvalidBody("connection: there is no such realm.")
        with in_api_words():
            user = self._new_user(body, realm)
            hashed = self._hash(body.password, user, realm, request)
            made = replace(user, password_hash=hashed)
            self.changes_of(realm).create(made, may_be_reused=body.user_id is not None)
        self._verify(body.verify_email, realm, made)
        note_change(request, realm.name, made.user_id)
        return show_user(realm, made)

    def update(self, request: Request) -> dict[str, Any]:
        """Change a person, and return them. Metadata are merged at the first level, and null removes.

        Raises InexistentUser, InvalidBody, InvalidPassword, Conflict. What is refused changes nothing.
        """
        self.admission.admit(request, UPDATE)
        person, body = self.finder.of_path(request), read_body(UserChanges, request.body)
        realm, user = person.realm, person.user
        if body.connection not in (None, realm.name):
            raise InvalidBody("connection: the user is of another realm.")
        if not body.model_fields_set:
            raise InvalidBody("The body names no change.")
        changes = _profile(body)
        with in_api_words():
            is_known = self._is_password(body.password, user)
            new = None if is_known else body.password
            hashed = self._hash(new, change_profile(user, changes), realm, request)
            changed = self.profiles_of(realm).change(user.user_id, changes) if changes else user
            if hashed:
                self.changes_of(realm).set_password(changed, hashed)
            elif is_known:
                # A change that failed in its last step is sent again.
                self.changes_of(realm).forget_attempts(changed)
            if "blocked" in body.model_fields_set:
                self._set_blocked(realm, changed, body.blocked)
        self._verify(body.verify_email, realm, changed)
        note_change(request, realm.name, user.user_id, ", ".join(sorted(body.model_fields_set)))
        return show_user(realm, self.finder.find(user.user_id, realm.name).user)

    def delete(self, request: Request) -> None:
        """Delete a person with all that is theirs. Raises InexistentUser."""
        self.admission.admit(request, DELETE)
        person = self.finder.of_path(request)
        self.changes_of(person.realm).delete(person.user)
        note_change(request, person.realm.name, person.user.user_id)

    def _found(self, search: Search, realms: list[Realm]) -> list[Person]:
        if search.kind == "user_id":
            return self.finder.with_id(search.value, search.realm)
        return self.finder.named(search.value, (search.kind,), realms)

    def _new_user(self, body: NewUser, realm: Realm) -> User:
        """Return the person of a body without the password; raises UnfitProfile, Conflict."""
        now, user_id = self.clock.now_s(), f"{realm.name}|{body.user_id or secrets.token_hex(ID_BYTES)}"
        blank = User(user_id=user_id, blocked=body.blocked, created_at=now, updated_at=now)
        user = change_profile(blank, _profile(body))
        require_identifiers(user, realm)
        if body.user_id and self.finder.realms_with(user_id):
            raise Conflict("The user already exists.")
        return user

    def _hash(self, password: str | None, user: User, realm: Realm, request: Request) -> str:
        """Return the hash of a new password, "" without one; raises InvalidPassword."""
        return self.passwords.hash(password, user, realm, request.outcome.warnings.append) if password else ""

    def _is_password(self, password: str | None, user: User) -> bool:
        """Return whether this is the user's password already."""
        return bool(password and user.password_hash) and self.verify(password or "", user.password_hash)

    def _set_blocked(self, realm: Realm, user: User, blocked: bool) -> None:
        """Block a user or not. Who is not blocked anyway is let in again by attack protection too."""
        if blocked != user.blocked:
            self.changes_of(realm).set_blocked(user, blocked)
        elif not blocked:
            self.changes_of(realm).forget_attempts(user)

    def _verify(self, is_asked: bool, realm: Realm, user: User) -> None:
        if is_asked and user.email:
            self.mails.request(OutgoingMail(VERIFY, realm.name, user.email))


@contextmanager
def in_api_words() -> Iterator[None]:
    """Raise the API's errors for what a change of a user is refused with."""
    try:
        yield
    except UnfitProfile as unfit:
        raise InvalidBody(str(unfit)) from None
    except IdentifierTaken:
        raise Conflict("The user already exists.") from None
    except NoSuchUser:
        raise InexistentUser from None


def _profile(body: Profile) -> dict[str, Any]:
    """Return the members of the profile that a body has; raises InvalidBody for an email that cannot be mailed."""
    if body.email is not None and not is_mailable(trim(body.email)):
        raise InvalidBody("email: it must be an email address.")
    return {name: value for name, value in body.sent().items() if name in Profile.model_fields}


def _shown(person: Person, request: Request) -> dict[str, Any]:
    return select_fields(show_user(person.realm, person.user), request.query)


def _show_all(page: Page, people: Iterable[Person], request: Request) -> Answer:
    return page.show_of("users", people, _key, lambda person: _shown(person, request))


def _key(person: Person) -> str:
    return f"{person.realm.name}{BETWEEN}{person.user.user_id}"

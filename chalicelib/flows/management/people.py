"""Find people for the Management API: by an id that names its realm, by a name, or page by page."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

from chalicelib.errors import Conflict, InexistentUser, InvalidQueryString
from chalicelib.flows.management.configuration import Catalog
from chalicelib.flows.management.paging import Page
from chalicelib.identifiers import is_acceptable
from chalicelib.model.request import Request
from chalicelib.model.storage import Item, Key, Read
from chalicelib.model.tenant import Realm
from chalicelib.model.user import User
from chalicelib.store.configuration.documents import realm_from
from chalicelib.store.dynamo import Dynamo
from chalicelib.store.people.counts import count_keys, total_of
from chalicelib.store.people.items import login_keys, profile_key
from chalicelib.store.people.listing import UserList
from chalicelib.store.people.users import UserStore

# DynamoDB's limit of one batch.
MOST_KEYS = 100
# Of MOST_KEYS people each, that one request looks through for those who have a role.
MOST_PAGES = 10
USER_ID = re.compile("[!-~]{2,255}")
# Between the realm and the user_id in the key of a page.
BETWEEN = "\0"


@dataclass(frozen=True, slots=True)
class Person:
    """A user with the realm."""

    realm: Realm
    user: User


@dataclass(frozen=True, slots=True)
class Members:
    """People who have a role. shown: those of the page. count: of all that were found.

    unseen: the key behind which people were not looked through, "" if all were. last: as of Page.show.
    """

    shown: list[Person]
    count: int
    unseen: str
    last: str


@dataclass(slots=True, eq=False, repr=False)
class PeopleFinder:
    """Finds people in the realms of a stage."""

    dynamo: Dynamo
    catalog: Catalog

    def realms(self) -> list[Realm]:
        """Return all realms, by name."""
        return sorted(map(realm_from, self.catalog.section("realm")), key=lambda realm: realm.name)

    def realm(self, name: str) -> Realm | None:
        """Return the realm of that name."""
        return next((realm for realm in self.realms() if realm.name == name), None)

    def of_path(self, request: Request) -> Person:
        """Return the person of a path's `id`; raises InexistentUser, Conflict. `connection` may name the realm."""
        return self.of_request(request, request.path_params["id"])

    def of_request(self, request: Request, user_id: str) -> Person:
        """Return the person of a user_id; raises InexistentUser, Conflict. `connection` may name the realm."""
        return self.find(user_id, request.query.get("connection", ""))

    def find(self, user_id: str, realm_name: str = "") -> Person:
        """Return the person of a user_id. Nothing falls through from one realm to the next.

        An id that begins with a realm's name and `|` is looked up there alone, as is every id with a realm_name. Any
        other was imported: if several realms have it, Conflict is raised. Raises InexistentUser for an unknown one.
        """
        people = self.with_id(user_id, realm_name)
        if len(people) > 1:
            raise Conflict("Several realms have a user of this id: name one by the parameter connection.")
        if not people:
            raise InexistentUser
        return people[0]

    def with_id(self, user_id: str, realm_name: str = "") -> list[Person]:
        """Return the people whom `find` looks for, by realm: several only if several realms have an imported id."""
        if not USER_ID.fullmatch(user_id):
            return []
        named = self.realm(realm_name or user_id.partition("|")[0])
        if named is None and realm_name:
            return []
        realms = [named] if named else self.realms_with(user_id)
        users = ((realm, UserStore(self.dynamo, realm.users_table).read(user_id)) for realm in realms)
        return [Person(realm, user) for realm, user in users if user]

    def named(self, name: str, kinds: tuple[str, ...], realms: Iterable[Realm]) -> list[Person]:
        """Return the people of these realms who have an identifier of these kinds, by realm. name: in any spelling."""
        if not is_acceptable(name):
            return []
        people = []
        keys = {key: realm for realm in realms for key in login_keys(realm.users_table, name)}
        for key, login in self._read(list(keys)):
            store = UserStore(self.dynamo, key.table)
            user = store.read(login["user_id"]) if login["kind"] in kinds else None
            # The user may be deleted meanwhile, and another one have the name.
            if user is not None:
                people.append(Person(keys[key], user))
        return people

    def page(self, page: Page, realms: list[Realm]) -> tuple[list[Person], str]:
        """Return a page of the people of these realms, and its `last` for Page.show."""
        found = self._behind(page, realms)
        wanted = list(islice(found, page.start, page.start + page.size + 1))
        shown = wanted[: page.size]
        last = _key_of(shown[-1]) if len(wanted) > page.size else ""
        return list(self._complete(shown)), last

    def members(self, role: str, page: Page) -> Members:
        """Return the people of a page who have a role: as many as it takes, unless too few are found in MOST_PAGES.

        role: its name.
        """
        found, last, realms = list[Person](), page.after, self.realms()
        for size in (page.size, *[MOST_KEYS] * MOST_PAGES):
            people, last = self.page(Page(0, size, has_totals=False, is_by_key=True, after=last), realms)
            found += [person for person in people if role in person.user.roles]
            if not last or (len(found) >= page.start + page.size and not page.has_totals):
                break
        shown = found[page.start : page.start + page.size]
        is_cut = len(found) > page.start + page.size
        return Members(shown, len(found), last, _key(shown[-1].realm, shown[-1].user.user_id) if is_cut else last)

    def count(self, realms: list[Realm]) -> int:
        """Return how many people these realms have, by their counters."""
        keys = [key for realm in realms for key in count_keys(realm.users_table)]
        return total_of(item for _, item in self._read(keys))

    def _behind(self, page: Page, realms: list[Realm]) -> Iterator[tuple[Realm, Item]]:
        """Yield the profiles behind a page's `after`, realm by realm."""
        realm_name, _, user_id = page.after.partition(BETWEEN)
        if page.after and not (USER_ID.fullmatch(user_id) and any(realm.name == realm_name for realm in realms)):
            raise InvalidQueryString("from is the next of an earlier page.")
        for realm in realms:
            if realm.name >= realm_name:
                after = user_id if realm.name == realm_name else ""
                profiles = UserList(self.dynamo, realm.users_table).profiles(after, page.start + page.size + 1)
                yield from ((realm, profile) for profile in profiles)

    def _complete(self, shown: list[tuple[Realm, Item]]) -> Iterator[Person]:
        for name in dict.fromkeys(realm.name for realm, _ in shown):
            profiles = [(realm, profile) for realm, profile in shown if realm.name == name]
            realm = profiles[0][0]
            users = UserList(self.dynamo, realm.users_table).complete([profile for _, profile in profiles])
            yield from (Person(realm, user) for user in users)

    def realms_with(self, user_id: str) -> list[Realm]:
        """Return the realms that have a user of this user_id."""
        realms = {profile_key(realm.users_table, user_id): realm for realm in self.realms()}
        return [realms[key] for key, _ in self._read(list(realms))]

    def _read(self, keys: list[Key]) -> Iterator[tuple[Key, Item]]:
        """Yield the items of these keys that there are, with their keys: a call for each hundred."""
        for start in range(0, len(keys), MOST_KEYS):
            chunk = tuple(keys[start : start + MOST_KEYS])
            items = self.dynamo.read(Read(chunk, lambda items: items))
            yield from ((key, item) for key, item in zip(chunk, items, strict=True) if item)


def _key_of(entry: tuple[Realm, Item]) -> str:
    realm, profile = entry
    return _key(realm, profile["pk"].partition("#")[2])


def _key(realm: Realm, user_id: str) -> str:
    return f"{realm.name}{BETWEEN}{user_id}"

"""List a realm's users by key: each page goes on behind the last user of the page before."""

from collections.abc import Iterator
from dataclasses import dataclass

from chalicelib.model.storage import Item, Read
from chalicelib.model.user import User
from chalicelib.store.dynamo import Dynamo
from chalicelib.store.people.items import credentials_key, is_of_version_before, profile_key, user_from

# A user has about four items: the profile, the credentials, and one for each identifier.
ITEMS_OF_A_USER = 6
MOST_ITEMS = 1_000


@dataclass(slots=True, eq=False, repr=False)
class UserList:
    """The users of one realm, in the order of the table, which does not change while users come and go."""

    dynamo: Dynamo
    table: str

    def profiles(self, after: str, wanted: int) -> Iterator[Item]:
        """Yield the items of the profiles behind a user_id, "" for all. wanted: about how many the caller takes.

        Each call to DynamoDB reads some items for each wanted user, and is made when its items are due.
        """
        limit = min(MOST_ITEMS, ITEMS_OF_A_USER * wanted)
        before = profile_key(self.table, after) if after else None
        return self.dynamo.scan_after(before, self.table, limit, ("begins_with(pk, :kind)", {":kind": "user#"}))

    def complete(self, profiles: list[Item]) -> list[User]:
        """Return the users of these profiles, with their credentials, in the same order. One call reads them."""
        ids = [profile["pk"].partition("#")[2] for profile in profiles]
        keys = tuple(credentials_key(self.table, user_id) for user_id in ids)
        found = self.dynamo.read(Read(keys, lambda items: items)) if keys else ()
        pairs = zip(profiles, found, strict=True)
        return [user for profile, credentials in pairs if (user := _user_of(profile, credentials))]


def _user_of(profile: Item, credentials: Item | None) -> User | None:
    if is_of_version_before(profile):
        return user_from(profile, profile)
    # A user who is deleted meanwhile has no credentials.
    return user_from(credentials, profile) if credentials else None

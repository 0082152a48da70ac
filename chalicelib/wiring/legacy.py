"""Lazy migration: what asks the legacy stores of realms, and writes the people whom they know."""

from collections.abc import Callable, Mapping

from chalicelib.accounts.changes import AccountChanges
from chalicelib.legacy.migration import LazyMigration
from chalicelib.legacy.store import LegacyStore
from chalicelib.model.tenant import Realm
from chalicelib.settings import Settings
from chalicelib.store.families import FamilyStore
from chalicelib.store.people.user_records import UserRecords
from chalicelib.wiring.externals import Externals
from chalicelib.wiring.stores import Stores


def make_migration(
    settings: Settings, externals: Externals, stores: Stores, configuration: Callable[[], Mapping[str, str]]
) -> LazyMigration:
    """Return what moves people at their first login. configuration: returns the team's secrets."""
    families = FamilyStore(stores.dynamo, stores.sessions_table)

    def changes_of(realm: Realm) -> AccountChanges:
        parts = stores.attempts, families, stores.revocations, stores.tell, externals.clock
        return AccountChanges(stores.config, realm, UserRecords(stores.dynamo, realm.users_table), *parts)

    def tenant() -> str:
        return stores.config.tenant().friendly_name

    store = LegacyStore(settings.import_packages, settings.import_budget_s, tenant, configuration)
    return LazyMigration(store, changes_of, settings.bcrypt_cost, externals.clock)

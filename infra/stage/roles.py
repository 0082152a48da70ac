"""The roles of a stage: what each permits at an API, and how many people have it."""

from collections import Counter
from collections.abc import Collection, Mapping

from chalicelib.store.configuration.documents import Document, realm_from
from chalicelib.store.people.user_records import UserRecords
from infra.stage.aws import Stage


def set_role_permissions(wanted: dict[str, Document], stored: Mapping[str, Document]) -> None:
    """Write into each API's document which of its scopes each role permits, so that a login reads no role.

    wanted: the documents to be, by key. stored: those that are there; their roles and APIs stay if none replace them.
    """
    documents = {**stored, **wanted}
    roles = [document for key, document in documents.items() if key.startswith("role#")]
    for key, api in documents.items():
        if not key.startswith("api#"):
            continue
        permitted = {role["name"]: _values(role, api["identifier"]) for role in roles}
        found = {name: values for name, values in sorted(permitted.items()) if values}
        if key in wanted or found != api.get("role_permissions", {}):
            wanted[key] = {**api, "role_permissions": found}


def _values(role: Document, identifier: str) -> list[str]:
    return sorted(one["value"] for one in role["permissions"] if one["api"] == identifier)


def role_holders(stage: Stage, names: Collection[str]) -> dict[str, int]:
    """Return the number of people of all realms who have each of these roles. Without roles nothing is read."""
    if not names:
        return {}
    documents = [document for key, document in stage.config().documents() if key.startswith("realm#")]
    everybody = (
        user for realm in map(realm_from, documents) for user in UserRecords(stage.dynamo, realm.users_table).all()
    )
    counted = Counter(role for user in everybody for role in user.roles)
    return {name: counted[name] for name in names}

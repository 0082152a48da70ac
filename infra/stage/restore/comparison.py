"""Compare the people of a realm then and now: what a restore would bring back, and what it would take."""

from dataclasses import dataclass

from chalicelib.model.storage import Item
from infra.stage.aws import Stage

_READ = ("pk", "updated_at", "last_login", "credential_version", "password_version", "multifactor", "blocked")


@dataclass(frozen=True, slots=True)
class Contents:
    """The people whom a table holds. last_change, last_login: epoch seconds. credentials: by user_id."""

    last_change: int
    last_login: int
    credentials: dict[str, Item]


@dataclass(frozen=True, slots=True)
class Comparison:
    """The people of then and of now."""

    then: Contents
    now: Contents

    @property
    def deleted_since(self) -> list[str]:
        """The user_ids of those whom the restore brings back."""
        return sorted(self.then.credentials.keys() - self.now.credentials.keys())

    @property
    def made_since(self) -> list[str]:
        """The user_ids of those who go with the restore."""
        return sorted(self.now.credentials.keys() - self.then.credentials.keys())

    def count_changed(self, attribute: str) -> int:
        """Return how many people, of those who are in both, have another value of an attribute now."""
        both = self.then.credentials.keys() & self.now.credentials.keys()
        return sum(
            self.then.credentials[one].get(attribute) != self.now.credentials[one].get(attribute) for one in both
        )


def compare(stage: Stage, then: str, now: str) -> Comparison:
    """Return the comparison of two tables of people: two scans."""
    return Comparison(_read_people(stage, then), _read_people(stage, now))


def _read_people(stage: Stage, table: str) -> Contents:
    credentials: dict[str, Item] = {}
    latest = {"updated_at": 0, "last_login": 0}
    for item in stage.dynamo.scan(table, ConsistentRead=True, ProjectionExpression=", ".join(_READ)):
        kind, _, user_id = item["pk"].partition("#")
        latest = {name: max(value, item.get(name, 0)) for name, value in latest.items()}
        # Before schema 2, the profile held the credentials too.
        if kind in ("cred", "user") and "credential_version" in item:
            credentials[user_id] = item
    return Contents(latest["updated_at"], latest["last_login"], credentials)

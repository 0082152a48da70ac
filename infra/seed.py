"""The users of a tenant file, for local runs and tests."""

from infra.aws import Stage
from infra.people import People
from infra.tenant_file import TenantFile


def seed_users(stage: Stage, file: TenantFile, bcrypt_cost: int = 10) -> int:
    """Make every user that the file lists; return how many. Raises people.Refused, for one who is there already too."""
    count = 0
    for realm, users in file.users.items():
        people = People.of(stage, realm, bcrypt_cost)
        for user in users:
            people.add(**user.model_dump(mode="json", exclude_none=True), **_absent(user.password, user.password_hash))
            count += 1
    return count


def _absent(password: str | None, password_hash: str | None) -> dict[str, None]:
    given = {"password": password, "password_hash": password_hash}
    return {name: None for name, value in given.items() if value is None}

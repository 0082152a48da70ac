"""The users of a tenant file, for local runs and tests."""

from collections.abc import Iterator

from infra.aws import Stage
from infra.people import People, Taken
from infra.tenant_file import TenantFile, User


def seed_users(stage: Stage, file: TenantFile, bcrypt_cost: int = 10) -> int:
    """Make every user that the file lists and the realm has not; return how many were made."""
    return sum(seed_each(stage, file, bcrypt_cost))


def seed_each(stage: Stage, file: TenantFile, bcrypt_cost: int = 10) -> Iterator[bool]:
    """Do the same one after the other, and yield for each user whether it was made."""
    groups = [(People.of(stage, realm, bcrypt_cost), users) for realm, users in file.users.items()]
    return (_seed(people, user) for people, users in groups for user in users)


def _seed(people: People, user: User) -> bool:
    try:
        people.add(**user.model_dump(mode="json", exclude_none=True), **_absent(user.password, user.password_hash))
    except Taken:
        return False
    return True


def _absent(password: str | None, password_hash: str | None) -> dict[str, None]:
    given = {"password": password, "password_hash": password_hash}
    return {name: None for name, value in given.items() if value is None}

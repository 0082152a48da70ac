"""Make the users of a tenant file, for local runs and test stages."""

from collections.abc import Iterator
from dataclasses import dataclass

from chalicelib.identifiers import trim
from chalicelib.model.user import User as Person
from chalicelib.passwords.hash import verify
from infra.errors import UserExists
from infra.stage.aws import Stage
from infra.stage.changes import PlannedChange
from infra.stage.people import People
from infra.tenant.schema import TenantFile, User

SECRETS = ("password", "password_hash")


@dataclass(frozen=True, slots=True)
class SeededUser:
    """A user of a tenant file, compared with the stage. is_new: no user had the identifier.

    differs: the keys whose values are others in the stage.
    """

    realm: str
    name: str
    is_new: bool
    differs: tuple[str, ...] = ()

    @property
    def change(self) -> PlannedChange:
        """The plan's line for this user."""
        what = f"user {self.name} of {self.realm}"
        if self.is_new:
            return PlannedChange("create", what)
        detail = f"differs in {', '.join(self.differs)}" if self.differs else "as the file says"
        return PlannedChange("keep", what, detail)


def seed_users(stage: Stage, file: TenantFile, bcrypt_cost: int = 10) -> int:
    """Make each user of the file that the realm lacks; return how many were made."""
    return sum(seeded.is_new for seeded in seed_each(stage, file, bcrypt_cost))


def seed_each(stage: Stage, file: TenantFile, bcrypt_cost: int = 10) -> Iterator[SeededUser]:
    """Make the users one by one, and yield each once it is made or found."""
    groups = [(People.of(stage, realm, bcrypt_cost), users) for realm, users in file.users.items()]
    return (_seed(people, user) for people, users in groups for user in users)


def compare_each(stage: Stage, file: TenantFile) -> Iterator[SeededUser]:
    """Yield each user of the file, compared with the stage; make none. The realm may be missing."""
    for realm, users in file.users.items():
        people = People.of(stage, realm) if stage.config().realm(realm) else None
        for user in users:
            yield _compare(realm, user, _find_user(people, user) if people else None)


def _seed(people: People, user: User) -> SeededUser:
    given = user.model_dump(mode="json", exclude_none=True, exclude={*SECRETS, "roles"})
    try:
        people.add(user.password, user.password_hash, **given, roles=user.roles)
    except UserExists:
        return _compare(people.realm.name, user, _find_user(people, user))
    return _compare(people.realm.name, user, None)


def _find_user(people: People, user: User) -> Person | None:
    """Return the stored user of this username, or else of this email, or None."""
    names = (("username", user.username), ("email", user.email))
    located = (people.users.locate(name, (kind,)) for kind, name in names if name)
    user_id = next(filter(None, located), None)
    return people.users.read(user_id) if user_id else None


def _compare(realm: str, user: User, person: Person | None) -> SeededUser:
    name = user.username or user.email or ""
    if person is None:
        return SeededUser(realm, name, is_new=True)
    return SeededUser(realm, name, is_new=False, differs=tuple(_differences(user, person)))


def _differences(user: User, person: Person) -> Iterator[str]:
    """Yield the keys whose values differ in the record. A key that the file leaves out has its default."""
    if set(user.roles) != set(person.roles):
        yield "roles"
    for key, value in user.model_dump(mode="json", exclude={*SECRETS, "roles"}).items():
        wanted = trim(value) if key in ("username", "email") and value else value or type(getattr(person, key))()
        if wanted != getattr(person, key):
            yield key
    if not _has_password(user, person):
        yield "password" if user.password_hash is None else "password_hash"


def _has_password(user: User, person: Person) -> bool:
    if user.password is not None:
        return verify(user.password, person.password_hash)
    # A login may have hashed the same password anew since then: that cannot be told from another password.
    return person.password_hash == (user.password_hash or "")

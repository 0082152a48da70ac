"""The users of a tenant file, for local runs and tests."""

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
    """A user of a tenant file, beside the stage. is_new: nobody had the name.

    differs: the keys whose values the person who was there already has otherwise.
    """

    realm: str
    name: str
    is_new: bool
    differs: tuple[str, ...] = ()

    @property
    def change(self) -> PlannedChange:
        """Return a plan's line for this user."""
        what = f"user {self.name} of {self.realm}"
        if self.is_new:
            return PlannedChange("create", what)
        detail = f"differs in {', '.join(self.differs)}" if self.differs else "as the file says"
        return PlannedChange("keep", what, detail)


def seed_users(stage: Stage, file: TenantFile, bcrypt_cost: int = 10) -> int:
    """Make every user that the file lists and the realm has not; return how many were made."""
    return sum(seeded.is_new for seeded in seed_each(stage, file, bcrypt_cost))


def seed_each(stage: Stage, file: TenantFile, bcrypt_cost: int = 10) -> Iterator[SeededUser]:
    """Do the same one after the other, and yield each user when it is made or found."""
    groups = [(People.of(stage, realm, bcrypt_cost), users) for realm, users in file.users.items()]
    return (_seed(people, user) for people, users in groups for user in users)


def compare_each(stage: Stage, file: TenantFile) -> Iterator[SeededUser]:
    """Yield each user of the file as seed_each would find it, and make nobody. A realm may be missing still."""
    for realm, users in file.users.items():
        people = People.of(stage, realm) if stage.config().realm(realm) else None
        for user in users:
            yield _compared(realm, user, _found(people, user) if people else None)


def _seed(people: People, user: User) -> SeededUser:
    given = user.model_dump(mode="json", exclude_none=True, exclude=set(SECRETS))
    try:
        people.add(user.password, user.password_hash, **given)
    except UserExists:
        return _compared(people.realm.name, user, _found(people, user))
    return _compared(people.realm.name, user, None)


def _found(people: People, user: User) -> Person | None:
    """Return who has the user's username, or else the email."""
    names = (("username", user.username), ("email", user.email))
    located = (people.users.locate(name, (kind,)) for kind, name in names if name)
    user_id = next(filter(None, located), None)
    return people.users.read(user_id) if user_id else None


def _compared(realm: str, user: User, person: Person | None) -> SeededUser:
    name = user.username or user.email or ""
    if person is None:
        return SeededUser(realm, name, is_new=True)
    return SeededUser(realm, name, is_new=False, differs=tuple(_differences(user, person)))


def _differences(user: User, person: Person) -> Iterator[str]:
    """Yield the keys of the file that the record has otherwise; what the file leaves out has its default."""
    for key, value in user.model_dump(mode="json", exclude=set(SECRETS)).items():
        wanted = trim(value) if key in ("username", "email") and value else value or type(getattr(person, key))()
        if wanted != getattr(person, key):
            yield key
    if not _has_password(user, person):
        yield "password" if user.password_hash is None else "password_hash"


def _has_password(user: User, person: Person) -> bool:
    if user.password is not None:
        return verify(user.password, person.password_hash)
    # A right login may have hashed the password anew since: then nobody can tell.
    return person.password_hash == (user.password_hash or "")

"""Who logs in: one of each kind is written by the store, and stands for all the others of it; and some with an app."""

import time
from dataclasses import dataclass

import bcrypt

from bench.tables import numbered
from chalicelib.mfa.case import Case
from chalicelib.mfa.enrolling import confirmed
from chalicelib.mfa.limits import Limits
from chalicelib.mfa.otp import Otp
from chalicelib.model.enrolment import Enrolment
from chalicelib.model.user import User
from chalicelib.store.buckets import BucketStore
from chalicelib.store.enrolments import EnrolmentStore
from chalicelib.store.users import UserStore
from chalicelib.store.vault import Vault, data_key_alias
from infra.aws import Stage

REALM, EMPTY_REALM = "employees", "customers"
PASSWORD = "correct horse battery staple"
COST, CHEAP_COST = 10, 4
# The kinds: with a hash of the default cost, with a cheap one, without a password, with an authenticator app.
PERSON, HURRIED, LOCKED, ENROLLED = "person", "hurried", "locked", "enrolled"
APPS = 120


def username(number: int, kind: str = PERSON) -> str:
    """Return the name of person `number` of a kind."""
    return kind + numbered(number)


def hashed(cost: int) -> str:
    """Return the stored form of everybody's password at a bcrypt cost."""
    return bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(cost)).decode()


def person(kind: str, password_hash: str, number: int = 0) -> User:
    """Return a person as the store takes them."""
    name = username(number, kind)
    return User(
        user_id=f"{REALM}|{kind}-{numbered(number)}",
        username=name,
        email=f"{name}@example.com",
        email_verified=True,
        name="Alice Liddell",
        given_name="Alice",
        family_name="Liddell",
        password_hash=password_hash,
        created_at=1_700_000_000,
        updated_at=1_700_000_000,
        app_metadata={"roles": ["manager"]},
        user_metadata={"language": "en"},
    )


def add_people(stage: Stage) -> dict[str, str]:
    """Write number 0 of each kind, and those who have an app; return the secrets of their apps by username."""
    stored, users = hashed(COST), UserStore(stage.clients.dynamodb, _table(stage))
    for kind, hash_of_kind in ((PERSON, stored), (HURRIED, hashed(CHEAP_COST)), (LOCKED, "")):
        users.create(person(kind, hash_of_kind))
    apps = Apps.of(stage)
    return dict(apps.add(person(ENROLLED, stored, number)) for number in range(1, APPS + 1))


@dataclass(frozen=True, slots=True)
class Apps:
    """Gives people an authenticator app, as the deployed code does it."""

    stage: Stage
    users: UserStore
    enrolments: EnrolmentStore
    otp: Otp

    @classmethod
    def of(cls, stage: Stage) -> "Apps":
        """Return that of a stage."""
        dynamodb, table = stage.clients.dynamodb, _table(stage)
        enrolments = EnrolmentStore(dynamodb, table)
        limits = Limits(BucketStore(dynamodb, f"{stage.prefix}attempts"), time.time)
        vault = Vault(stage.clients.kms, data_key_alias(stage.name))
        return cls(stage, UserStore(dynamodb, table), enrolments, Otp(vault, limits, lambda _: enrolments, time.time))

    def add(self, user: User) -> tuple[str, str]:
        """Write a person with an app; return the username and the app's secret."""
        config, before = self.stage.config(), Enrolment(user.user_id)
        realm = config.realm(REALM)
        if realm is None:
            raise AssertionError("the stage was provisioned")
        self.users.create(user)
        enrolment, shown = self.otp.associate(Case(config.tenant(), realm, user, before, None))
        self.enrolments.replace(user, before, confirmed(enrolment, enrolment.authenticators[0]))
        return user.username, str(shown["secret"])


def _table(stage: Stage) -> str:
    return f"{stage.prefix}users-{REALM}"

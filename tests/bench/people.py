"""Make the users that log in: one of each kind, which the stub copies, and some with an authenticator app."""

from dataclasses import replace

import bcrypt

from chalicelib.model.user import User
from chalicelib.store.people.user_records import UserRecords
from infra.stage.aws import Stage
from infra.stage.second_factors import SecondFactors
from tests.support.fake_aws.tables import number_text

REALM, EMPTY_REALM, SIGN_UP_REALM = "employees", "customers", "partners"
PASSWORD = "correct horse battery staple"
COST, CHEAP_COST = 10, 4
# The kinds: with a hash of the default cost, with a cheap one, without a password, with an authenticator app, and with
# 64 KiB of metadata.
PERSON, HURRIED, LOCKED, ENROLLED, LADEN = "person", "hurried", "locked", "enrolled", "laden"
METADATA_BYTES = 64 * 1024
APPS = 120


def username(number: int, kind: str = PERSON) -> str:
    """Return the username of user `number` of a kind."""
    return kind + number_text(number)


def hash_password(cost: int) -> str:
    """Return the hash of PASSWORD at a bcrypt cost."""
    return bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(cost)).decode()


def person(kind: str, password_hash: str, number: int = 0) -> User:
    """Return the record of a user."""
    name = username(number, kind)
    return User(
        user_id=f"{REALM}|{kind}-{number_text(number)}",
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
        roles=("manager",),
        user_metadata={"language": "en"},
    )


def add_people(stage: Stage) -> dict[str, str]:
    """Write user 0 of each kind, and the users with an app; return their app secrets by username."""
    stored, records = hash_password(COST), UserRecords(stage.dynamo, _table(stage))
    for kind, hash_of_kind in ((PERSON, stored), (HURRIED, hash_password(CHEAP_COST)), (LOCKED, "")):
        records.create(person(kind, hash_of_kind))
    UserRecords(stage.dynamo, f"{stage.prefix}users-{SIGN_UP_REALM}").create(person(PERSON, stored))
    records.create(replace(person(LADEN, stored), user_metadata={"notes": "x" * METADATA_BYTES}))
    return dict(_with_app(stage, records, person(ENROLLED, stored, number)) for number in range(1, APPS + 1))


def _with_app(stage: Stage, records: UserRecords, user: User) -> tuple[str, str]:
    """Write a user with an authenticator app, as an operator does; return the username and the app's secret."""
    records.create(user)
    factors = SecondFactors.of(stage, REALM)
    return user.username, factors.enroll(factors.find_session(user.user_id))["secret"]


def _table(stage: Stage) -> str:
    return f"{stage.prefix}users-{REALM}"

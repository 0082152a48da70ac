"""The promises of model/directory.py, kept by each realm backend: a new one is one line of BACKENDS."""

import itertools
from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest

from chalicelib.directories.dynamodb import DynamoDirectory
from chalicelib.model.directory import Directory, LoginRecord, NamedUser
from chalicelib.model.storage import Item, Read
from chalicelib.model.tenant import Realm
from chalicelib.model.user import Credentials, User
from chalicelib.passwords.hash import dummy_hash, hash_password
from chalicelib.store.aws.calls import ConditionFailed
from chalicelib.store.people.user_records import UserRecords
from chalicelib.store.people.users import UserStore
from infra.stage.aws import Stage
from tests.contract.memory import MemoryDirectory
from tests.support.fixed import BCRYPT_COST, Hashes

PASSWORD = "correct horse battery staple"
HASH = hash_password(PASSWORD, BCRYPT_COST)
NOBODY = dummy_hash(BCRYPT_COST)
HOME, AWAY = "203.0.113.7", "198.51.100.7"
_numbers = itertools.count(1)


@dataclass
class Backend:
    """One backend under test. add: stores a record. change_password: gives its user another password."""

    directory: Directory
    stage: Stage
    add: Callable[[User], None]
    change_password: Callable[[User], None]

    def new_user(self, **fields: object) -> User:
        """Store a record that no other test knows, and return it."""
        number = next(_numbers)
        user = User(user_id=f"employees|contract{number}", username=f"contract{number}", password_hash=HASH)
        user = replace(user, email=f"contract{number}@example.com", **fields)  # type: ignore[arg-type]  # fields of User
        self.add(user)
        return user

    def name_of(self, typed: str) -> NamedUser | None:
        return self.stage.dynamo.read(self.directory.name_of(typed))

    def read(self, user_id: str) -> User | None:
        return self.stage.dynamo.read(self.directory.read_of(user_id))

    def admit(self, user_id: str | None, has_profile: bool) -> Credentials | None:
        """Return the user as a login gets them: from the item of the counts, and from what is read beside it."""
        key = self.directory.counts_of(user_id) if user_id else None
        counted: Item = self.stage.dynamo.read(Read((key,), lambda items: items[0] or {})) if key else {}
        return self.stage.dynamo.read(self.directory.beside_counts(user_id, has_profile))(counted)

    def log_in(self, user: User, login: LoginRecord, counter: str | None = None) -> User:
        """Commit the writes of a login, and return the record as it is then."""
        self.stage.dynamo.commit(self.directory.login_writes(user, login)(counter))
        after = self.read(user.user_id)
        assert after
        return after


def dynamodb(stage: Stage, realm: Realm, hashes: Hashes) -> Backend:
    records = UserRecords(stage.dynamo, realm.users_table)
    users = UserStore(stage.dynamo, realm.users_table)
    return Backend(
        DynamoDirectory(realm, users, BCRYPT_COST, NOBODY, hashes.verify),
        stage,
        add=records.create,
        change_password=lambda user: records.set_password_hash(user.user_id, [HASH], 1, True),
    )


def memory(stage: Stage, realm: Realm, hashes: Hashes) -> Backend:
    directory = MemoryDirectory(realm, NOBODY, hashes.verify)

    def add(user: User) -> None:
        directory.users[user.user_id] = user

    def change_password(user: User) -> None:
        add(replace(user, credential_version=user.credential_version + 1))

    return Backend(directory, stage, add, change_password)


BACKENDS: tuple[Callable[[Stage, Realm, Hashes], Backend], ...] = (dynamodb, memory)


@pytest.fixture(params=BACKENDS)
def backend(request: pytest.FixtureRequest, stage: Stage, hashes: Hashes) -> Backend:
    """Each backend, for the realm employees, which takes usernames and emails."""
    realm = stage.config().realm("employees")
    assert realm
    made: Backend = request.param(stage, realm, hashes)
    return made


def test_user_is_found_by_each_of_their_names_in_each_spelling(backend: Backend) -> None:
    user = backend.new_user()

    kinds = {user.username: "username", user.username.upper(): "username", f" {user.email} ": "email"}
    for typed, kind in kinds.items():
        assert backend.name_of(typed) == NamedUser(user.user_id, kind)
    assert backend.read(user.user_id) == user


def test_unknown_name_and_unknown_id_find_nobody(backend: Backend) -> None:
    assert backend.name_of("somebody else") is None
    assert backend.read("employees|nobody") is None
    assert backend.directory.find("employees|nobody") is None
    assert [backend.admit(user_id, True) for user_id in ("employees|nobody", None)] == [None, None]


@pytest.mark.parametrize("has_profile", [True, False])
def test_nobody_is_read_at_the_cost_of_somebody(backend: Backend, has_profile: bool) -> None:
    known, unknown = (backend.directory.beside_counts(one, has_profile) for one in ("employees|somebody", None))

    assert len(known.keys) == len(unknown.keys)
    assert {key.table for key in known.keys} == {key.table for key in unknown.keys}


def test_login_gets_the_user_with_the_profile_if_it_needs_it(backend: Backend) -> None:
    user = backend.new_user(multifactor="sms")
    found = backend.admit(user.user_id, has_profile=False)

    assert backend.admit(user.user_id, has_profile=True) == backend.directory.find(user.user_id) == user
    assert found
    assert (found.password_hash, found.multifactor) == (user.password_hash, "sms")
    credentials = backend.stage.dynamo.read(backend.directory.credentials_of(user.user_id))
    assert credentials
    assert credentials.credential_version == user.credential_version


def test_password_is_checked_with_one_hash_for_everybody_and_nobody(backend: Backend, hashes: Hashes) -> None:
    user, without = backend.new_user(), backend.new_user(password_hash="")
    checks = [(user, PASSWORD), (user, "wrong"), (without, PASSWORD), (without, ""), (None, PASSWORD)]

    assert [backend.directory.has_password(*check) for check in checks] == [True, False, False, False, False]
    assert hashes.count == len(checks)


def test_hash_that_is_as_it_should_be_is_not_renewed(backend: Backend) -> None:
    assert backend.directory.renew_hash(backend.new_user(), PASSWORD) is None


def test_login_is_recorded(backend: Backend) -> None:
    user = backend.new_user(known_addresses=("10.0.0.1",))
    after = backend.log_in(user, LoginRecord(at=5, source_ip=HOME), "families_of_a_client")

    assert (after.last_login, after.last_ip, after.logins_count) == (5, HOME, 1)
    assert after.known_addresses == (HOME, "10.0.0.1")
    assert after.family_counts == {"families_of_a_client": 1}
    assert (after.password_hash, after.multifactor) == (user.password_hash, user.multifactor)


def test_login_changes_what_it_names_of_hash_and_factors(backend: Backend) -> None:
    user = backend.new_user(multifactor="sms")
    after = backend.log_in(user, LoginRecord(5, HOME, password_hash="another", multifactor="otp,sms"))

    assert (after.password_hash, after.multifactor) == ("another", "otp,sms")


def test_known_addresses_are_the_latest_each_once(backend: Backend) -> None:
    user = backend.new_user(known_addresses=(HOME, AWAY))
    after = backend.log_in(user, LoginRecord(5, AWAY))

    assert after.known_addresses == (AWAY, HOME)


def test_login_is_not_recorded_if_the_password_was_changed_meanwhile(backend: Backend) -> None:
    user = backend.new_user()
    backend.change_password(user)

    with pytest.raises(ConditionFailed):
        backend.log_in(user, LoginRecord(5, HOME))
    after = backend.read(user.user_id)
    assert after
    assert after.logins_count == 0


def test_metadata_is_kept_by_its_name_alone(backend: Backend) -> None:
    user = backend.new_user(app_metadata={"a": 1}, user_metadata={"b": 2})
    backend.directory.keep_metadata(user, {"app_metadata": {"a": 1, "c": 3}}, 5)
    after = backend.read(user.user_id)

    assert after
    assert (after.app_metadata, after.user_metadata) == ({"a": 1, "c": 3}, {"b": 2})


def test_count_is_corrected_unless_it_has_moved_on(backend: Backend) -> None:
    user = backend.log_in(backend.new_user(), LoginRecord(5, HOME), "families_of_a_client")
    backend.directory.correct_count(user, "families_of_a_client", 0)
    corrected = backend.read(user.user_id)
    backend.directory.correct_count(user, "families_of_a_client", 7)

    assert corrected
    assert corrected.family_counts == {"families_of_a_client": 0}
    assert backend.read(user.user_id) == corrected

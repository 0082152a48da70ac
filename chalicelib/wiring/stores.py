"""The stores of one stage."""

from collections.abc import Callable
from dataclasses import dataclass

from chalicelib.directories.dynamodb import DynamoDirectory
from chalicelib.model.directory import Directory
from chalicelib.model.storage import Write
from chalicelib.model.tenant import Realm
from chalicelib.passwords.hash import dummy_hash
from chalicelib.settings import Settings
from chalicelib.store.attempts import AttemptStore
from chalicelib.store.aws.calls import Aws
from chalicelib.store.configuration.config import ConfigStore
from chalicelib.store.configuration.vault import StageKey, Vault
from chalicelib.store.dynamo import Dynamo
from chalicelib.store.notices import DAY_S, WRONG_CODES, NoticeStore
from chalicelib.store.outgoing import OutgoingMail, OutgoingStore, Tell
from chalicelib.store.people.enrolments import EnrolmentStore
from chalicelib.store.people.users import UserStore
from chalicelib.store.revocations import RevocationStore
from chalicelib.store.sessions import PendingStore
from chalicelib.wiring.externals import Externals


@dataclass(slots=True, eq=False, repr=False)
class Stores:
    """The stores that several parts share.

    directory_of, enrolments_of: a realm's. directory_named: of its name. tell: queues the emails of changes.
    """

    dynamo: Dynamo
    config: ConfigStore
    vault: Vault
    key: StageKey
    pending: PendingStore
    revocations: RevocationStore
    attempts: AttemptStore
    notices: NoticeStore
    wrong_codes: NoticeStore
    sessions_table: str
    attempts_table: str
    directory_of: Callable[[Realm], Directory]
    directory_named: Callable[[str], Directory | None]
    enrolments_of: Callable[[Realm], EnrolmentStore]
    tell: Tell


def make_stores(settings: Settings, aws: Aws, externals: Externals) -> Stores:
    """Return the stores of one stage."""
    prefix, dynamo = f"gatehouse-{settings.stage}-", Dynamo(aws)
    sessions_table, attempts_table = f"{prefix}sessions", f"{prefix}attempts"
    config = ConfigStore(dynamo, f"{prefix}config", externals.clock, choose=externals.choose)
    vault = Vault(aws, settings.stage)
    directory_of = _directories(settings, dynamo, externals)

    def directory_named(name: str) -> Directory | None:
        realm = config.realm(name)
        return directory_of(realm) if realm else None

    queue = OutgoingStore(dynamo, attempts_table)

    def tell(mail: OutgoingMail) -> tuple[Write, ...]:
        # No sender is set up, so no notice is stored.
        return (queue.queue_write(mail, externals.clock.now_ms()),) if settings.email_from else ()

    return Stores(
        dynamo=dynamo,
        config=config,
        vault=vault,
        key=StageKey(config, vault),
        pending=PendingStore(dynamo, sessions_table),
        revocations=RevocationStore(dynamo, sessions_table, externals.choose),
        attempts=AttemptStore(dynamo, attempts_table),
        notices=NoticeStore(dynamo, attempts_table),
        wrong_codes=NoticeStore(dynamo, attempts_table, WRONG_CODES, DAY_S),
        sessions_table=sessions_table,
        attempts_table=attempts_table,
        directory_of=directory_of,
        directory_named=directory_named,
        enrolments_of=lambda realm: EnrolmentStore(dynamo, realm, externals.clock, tell),
        tell=tell,
    )


def _directories(settings: Settings, dynamo: Dynamo, externals: Externals) -> Callable[[Realm], Directory]:
    """Return the function that makes a realm's backend: a new kind of backend is one file and one line here."""
    dummy = dummy_hash(settings.bcrypt_cost)

    def directory_of(realm: Realm) -> Directory:
        if realm.name in externals.directories:
            return externals.directories[realm.name](realm)
        return DynamoDirectory(
            realm, UserStore(dynamo, realm.users_table), settings.bcrypt_cost, dummy, externals.verify
        )

    return directory_of

"""The composition root: builds the parts once per process, and is the one place that names them all."""

import secrets
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import cache, partial

from chalicelib.clients import ClientAuthenticator
from chalicelib.directories.dynamodb import DynamoDirectory
from chalicelib.flows.discovery import Discovery
from chalicelib.flows.token import TokenFlow
from chalicelib.grants.password import PasswordGrant, default_directory, requested_realm
from chalicelib.http.application import Services
from chalicelib.model.tenant import PASSWORD, PASSWORD_REALM, Realm
from chalicelib.passwords import dummy_hash, verify
from chalicelib.protection import AccountGuard
from chalicelib.settings import Settings, is_in_lambda
from chalicelib.store.attempts import AttemptStore
from chalicelib.store.aws import Clients, connect
from chalicelib.store.config import ConfigStore
from chalicelib.store.kms import Kms
from chalicelib.store.sessions import SessionStore
from chalicelib.store.transactions import commit
from chalicelib.store.users import UserStore
from chalicelib.tokens.issuer import Issuer
from chalicelib.tokens.jws import kms_jws


@dataclass(frozen=True, slots=True)
class World:
    """What the process stands in, beside AWS.

    clock: epoch seconds. pause: sleeps for so many seconds. new_id: a fresh jti. verify: holds a password against its
    stored form, one bcrypt a call.
    """

    clock: Callable[[], float] = time.time
    pause: Callable[[float], None] = time.sleep
    new_id: Callable[[], str] = secrets.token_urlsafe
    verify: Callable[[str, str], bool] = verify


def build(settings: Settings, clients: Clients, world: World) -> Services:
    """Build everything for one stage."""
    prefix = f"gatehouse-{settings.stage}-"
    config = ConfigStore(clients.dynamodb, f"{prefix}config", world.clock)
    guard = AccountGuard(AttemptStore(clients.dynamodb, f"{prefix}attempts"), world.clock, world.pause)
    nobody = dummy_hash(settings.bcrypt_cost)

    def directory_of(realm: Realm) -> DynamoDirectory:
        users = UserStore(clients.dynamodb, realm.users_table)
        return DynamoDirectory(realm, users, settings.bcrypt_cost, nobody, world.verify)

    password = partial(
        PasswordGrant,
        config=config,
        directory_of=directory_of,
        guard=guard,
        commit=partial(commit, clients.dynamodb),
        clock=world.clock,
    )
    grants = (
        password(PASSWORD, ("username", "password"), default_directory),
        password(PASSWORD_REALM, ("username", "password", "realm"), requested_realm),
    )
    return Services(
        issuer=settings.issuer,
        token=TokenFlow(
            clients=ClientAuthenticator(config, SessionStore(clients.dynamodb, f"{prefix}sessions"), world.clock),
            grants={grant.grant_type: grant for grant in grants},
            config=config,
            issuer=Issuer(kms_jws(Kms(clients.kms)), clients.dynamodb, config.keys, world.clock, world.new_id),
        ),
        discovery=Discovery(config, tuple(grant.grant_type for grant in grants)),
    )


@cache
def services() -> Services:
    """Return this process's services, from its environment; built at the first call."""
    return build(Settings.from_environ(), connect(), World())


def warm_up() -> None:
    """Build the services while Lambda starts the process, which has a whole processor then, and no request waiting.

    What fails here is left to the first request, which has an answer and a log line for it.
    """
    if is_in_lambda():
        with suppress(Exception):
            services()

"""The workbench of a flow: a process of its own on the shared stage, and the books of what it left behind."""

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

import httpx

from chalicelib import wiring
from chalicelib.flows.discovery import Discovery
from chalicelib.flows.introspection import IntrospectionFlow
from chalicelib.flows.token import TokenFlow
from chalicelib.http.routes import Services
from chalicelib.legacy.loading import package_of
from chalicelib.model.account import Account
from chalicelib.model.clock import SystemClock
from chalicelib.model.family import RefreshFamily
from chalicelib.model.user import User
from chalicelib.settings import Settings
from chalicelib.store.attempts import AttemptStore
from chalicelib.store.aws.calls import Aws
from chalicelib.store.configuration.rule_settings import RuleSettings
from chalicelib.store.configuration.vault import Vault
from chalicelib.store.people.items import credentials_key
from infra.stage.aws import Stage
from tests.faults import legacy_store
from tests.support.accounts import open_demo
from tests.support.attempts import sum_of_counts
from tests.support.config import document_of
from tests.support.fixed import BCRYPT_COST, EMAIL_FROM, ISSUER, Clock, Hashes
from tests.support.http import TIMESHEETS, Http
from tests.support.people import PeopleMaker
from tests.support.stages import provision_stage

_numbers, _addresses = itertools.count(1), itertools.count(1)


@dataclass
class Bench:
    """One process with clients of its own, whose retry quota nothing has used, behind an address of its own.

    aws_clock: what AWS's time is measured by; it stands still but for what a fault takes, however loaded the machine.
    """

    stage: Stage
    externals: wiring.Externals
    clock: Clock
    hashes: Hashes
    aws_clock: Clock = field(default_factory=Clock)
    http: Http = field(init=False)
    people: PeopleMaker = field(init=False)
    services: Services = field(init=False)

    def __post_init__(self) -> None:
        number = next(_numbers)
        self.http = Http(lambda: self.services, f"172.16.{number >> 8 & 255}.{number & 255}", clock=self.aws_clock)
        self.people = PeopleMaker(self.stage, BCRYPT_COST)

    def start(self, is_cold: bool, rules: tuple[str, ...] = ()) -> None:
        """Start the process anew, and let it read the demo's configuration and key unless it is to be cold."""
        imports = (package_of(legacy_store.IMPORT_FROM),)
        settings = Settings(self.stage.name, ISSUER, BCRYPT_COST, rules, email_from=EMAIL_FROM, import_packages=imports)
        services = self.services = wiring.build(settings, self.stage.aws, self.externals)
        if not is_cold:
            config = services[Discovery].config
            config.tenant(), config.keys(), config.api(TIMESHEETS)
            config.realm("employees"), config.realm("customers"), config.realm(legacy_store.REALM)
            for key, _ in self.stage.config().documents():
                if key.startswith("client#"):
                    config.client(key.removeprefix("client#"))
            # Opens the stage's key.
            services[TokenFlow].issuer.refresh_tokens.checksum(b"")
            if rules:
                services[TokenFlow].rules.configuration()

    def move(self) -> None:
        """Go to an address that made no call yet."""
        number = next(_addresses)
        self.http.source_ip = f"172.31.{number >> 8 & 255}.{number & 255}"

    def wipe(self) -> None:
        """Forget all people and what they left: moto copies all tables for each transaction."""
        dynamodb = self.stage.clients.dynamodb
        names = ("users-employees", "users-customers", "users-partners", "sessions", "attempts")
        for table in (f"{self.stage.prefix}{name}" for name in names):
            for item in dynamodb.scan(TableName=table)["Items"]:
                dynamodb.delete_item(TableName=table, Key={name: item[name] for name in ("pk", "sk") if name in item})

    def refresh(self, token: str, **params: str | None) -> httpx.Response:
        return self.http.refresh(token, **params)

    def attempts(self, account: str, realm: str = "employees") -> tuple[int, int]:
        """Return how many attempts at an account are counted, and how many of them as failed."""
        store = AttemptStore(self.stage.dynamo, f"{self.stage.prefix}attempts")
        of_nobody = store.key_of(Account(realm, account))
        of_user = credentials_key(f"{self.stage.prefix}users-{realm}", account)
        attempts, failed = zip(*(sum_of_counts(store.item(key)) for key in (of_nobody, of_user)), strict=True)
        return sum(attempts), sum(failed)

    def families(self, user: User) -> list[RefreshFamily]:
        people = self.people.of("employees")
        return people.live_families(people.find(user.user_id))

    def require_live(self, token: str) -> None:
        """Hold an access token against the published keys; raises InvalidToken."""
        self.services[IntrospectionFlow].verifier.verify(token, ISSUER)


def stage_for_faults(name: str) -> Stage:
    """Provision a stage with the demo tenant and settings for rules; moto must run already."""
    stage = provision_stage(name, open_demo())
    stage.clients.sesv2().create_email_identity(EmailIdentity=EMAIL_FROM)
    key = f"realm#{legacy_store.REALM}"
    stage.config().put(key, document_of(stage, key) | {"import_from": legacy_store.IMPORT_FROM})
    vault = Vault(stage.aws, name)
    RuleSettings(stage.config(), vault, SystemClock()).write({"GREETING": "hello"})
    return stage


@contextmanager
def bench_on(stage: Stage, aws: Aws, clock: Clock) -> Iterator[Bench]:
    """Yield a bench on a stage, and wipe the stage afterwards. aws: as its process calls it."""
    hashes = Hashes()
    externals = wiring.Externals(clock=clock, pause=clock.pause, verify=hashes.verify)
    bench = Bench(replace(stage, aws=aws), externals, clock, hashes)
    try:
        yield bench
    finally:
        bench.wipe()

"""Read and clear the counters of attack protection, for the tools."""

import time
from dataclasses import dataclass

from chalicelib.identifiers import digest
from chalicelib.model.account import Account
from chalicelib.model.address import network, networks
from chalicelib.model.bucket import Bucket
from chalicelib.model.storage import Key
from chalicelib.model.tenant import WIDE_FACTOR, SuspiciousIpThrottling
from chalicelib.protection.calls import CODES, MAILS, SIGN_UPS
from chalicelib.protection.client import BUCKET
from chalicelib.protection.counters import BLOCKED, COUNTING, CounterState, account_rows
from chalicelib.store.buckets import LOGINS, BucketStore
from infra.errors import OperatorError
from infra.stage.aws import Stage
from infra.stage.keys import stage_key
from infra.stage.people import People

# The beginning of the account of an identifier that no user has.
UNKNOWN = "name:"


@dataclass(frozen=True, slots=True)
class Attacks:
    """The counters of one stage."""

    stage: Stage

    def of_user(self, realm: str, who: str) -> list[CounterState]:
        """Return the counters of one user, or of an identifier that no user has."""
        people = People.of(self.stage, realm)
        account_id, key = self._find_counts(people, who)
        policy = people.config.tenant().brute_force_protection
        return list(account_rows(account_id, people.attempts.item(key), policy, int(time.time())))

    def of_realm(self, realm: str) -> list[CounterState]:
        """Return the counters of a realm that refuse or slow down logins."""
        people = People.of(self.stage, realm)
        policy = people.config.tenant().brute_force_protection
        unknown = ((account.id, item) for account, item in people.attempts.of_realm(people.realm.name))
        users = ((one.user_id, one.attempt_counts) for one in people.records.all())
        now = int(time.time())
        rows = (row for account_id, item in (*unknown, *users) for row in account_rows(account_id, item, policy, now))
        return sorted((row for row in rows if row.state != COUNTING), key=lambda row: (row.account, row.address))

    def of_address(self, address: str) -> list[CounterState]:
        """Return the buckets of one address that are not empty, and the bucket of the /48 around it if it is full."""
        throttling, buckets = self.stage.config().tenant().suspicious_ip_throttling, self._buckets()
        own, *wide = networks(address)
        rows = [
            _bucket_row(own, kind, empties_at_ms, _bucket_of(kind, throttling))
            for kind, empties_at_ms in buckets.of_address(own).items()
        ]
        around = [
            _bucket_row(name, kind, empties_at_ms, _bucket_of(kind, throttling).times(WIDE_FACTOR))
            for name in wide
            for kind, empties_at_ms in buckets.of_address(name).items()
        ]
        counted = sorted((row for row in rows if row.failed), key=lambda row: (row.of != LOGINS, row.account))
        return counted + [row for row in around if row.state == BLOCKED]

    def unblock_user(self, realm: str, who: str) -> str:
        """Clear the counters of one user, or of an identifier that no user has; return the account's id."""
        people = People.of(self.stage, realm)
        account_id, key = self._find_counts(people, who)
        people.attempts.forget(key)
        return account_id

    def unblock_address(self, address: str) -> str:
        """Empty the buckets of one address, and of the /48 around it; return the network that was counted."""
        for name in networks(address):
            self._buckets().clear(name)
        return network(address)

    def _find_counts(self, people: People, who: str) -> tuple[str, Key]:
        """Return the id of the account of a user or of an identifier that no user has, and the key of its counts.

        who: as in the methods above; the hash of an identifier may be given too.
        """
        realm = people.realm.name
        if not who.startswith(UNKNOWN):
            try:
                user_id = people.find(who).user_id
            except OperatorError:
                who = UNKNOWN + digest(who, stage_key(self.stage).mac)
            else:
                return user_id, people.users.key_of(user_id)
        return who, people.attempts.key_of(Account(realm, who))

    def _buckets(self) -> BucketStore:
        return BucketStore(self.stage.dynamo, f"{self.stage.prefix}attempts", LOGINS)


def _bucket_of(kind: str, throttling: SuspiciousIpThrottling) -> Bucket:
    """Return the bucket of one address of this kind: of logins, of a client's secrets, or of calls about accounts."""
    calls = {limit.name: limit.bucket for limit in (SIGN_UPS, MAILS, CODES)}
    return throttling.bucket if kind == LOGINS else calls.get(kind, BUCKET)


def _bucket_row(address: str, name: str, empties_at_ms: int, bucket: Bucket) -> CounterState:
    now_ms = int(1000 * time.time())
    kind, _, client_id = name.partition("#")
    failed = -(-max(0, empties_at_ms - now_ms) // bucket.rate_ms)
    is_full = bucket.is_full(empties_at_ms, now_ms)
    state, until = (BLOCKED, -(-bucket.opens_at_ms(empties_at_ms) // 1000)) if is_full else (COUNTING, 0)
    return CounterState(kind, client_id, address, failed, bucket.size, state, until)

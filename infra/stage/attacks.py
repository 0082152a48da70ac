"""Read and clear the counters of attack protection, for the tools."""

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from chalicelib.identifiers import digest
from chalicelib.model.account import Account
from chalicelib.model.address import network, networks
from chalicelib.model.bucket import Bucket
from chalicelib.model.tenant import BruteForceProtection
from chalicelib.protection.account import MAX_FAILURES_IN_A_ROW
from chalicelib.protection.client import BUCKET
from chalicelib.store.attempts import ANYWHERE, AttemptCount, Counter, FailureCount
from chalicelib.store.buckets import LOGINS, BucketStore
from infra.errors import OperatorError
from infra.stage.aws import Stage
from infra.stage.keys import stage_key
from infra.stage.people import People

ALL_ADDRESSES = "all"
# The beginning of the account of an identifier that no user has.
UNKNOWN = "name:"
COUNTING, BLOCKED, SLOWED = "counting", "blocked", "slowed"


@dataclass(frozen=True, slots=True)
class CounterState:
    """The state of one counter. of: `logins` or `clients`.

    account: a user_id, or the hash of an identifier that no user has. If of is `clients`: a client_id, or "" for all
    ids that no client has. address: `all` if the counter is over all addresses.
    state: `counting`, `blocked`, or `slowed` if unknown addresses share one attempt in a while.
    until: epoch seconds of the next attempt; 0 if the state is `counting`.
    """

    of: str
    account: str
    address: str
    failed: int
    limit: int
    state: str
    until: int


@dataclass(frozen=True, slots=True)
class Attacks:
    """The counters of one stage."""

    stage: Stage

    def of_user(self, realm: str, who: str) -> list[CounterState]:
        """Return the counters of one user, or of an identifier that no user has."""
        people = People.of(self.stage, realm)
        policy = people.config.tenant().brute_force_protection
        return list(_account_rows(people.attempts.of_account(self._account(people, who)), policy))

    def of_realm(self, realm: str) -> list[CounterState]:
        """Return the counters of a realm that refuse or slow down logins."""
        people = People.of(self.stage, realm)
        rows = _account_rows(people.attempts.of_realm(people.realm.name), people.config.tenant().brute_force_protection)
        return sorted((row for row in rows if row.state != COUNTING), key=lambda row: (row.account, row.address))

    def of_address(self, address: str) -> list[CounterState]:
        """Return the buckets of one address that are not empty, and the bucket of the /48 around it if it is full."""
        throttling, buckets = self.stage.config().tenant().suspicious_ip_throttling, self._buckets()
        own, *wide = networks(address)
        rows = [
            _bucket_row(own, kind, empties_at_ms, throttling.bucket if kind == LOGINS else BUCKET)
            for kind, empties_at_ms in buckets.of_address(own).items()
        ]
        around = [
            _bucket_row(name, kind, empties_at_ms, throttling.wide_bucket)
            for name in wide
            for kind, empties_at_ms in buckets.of_address(name).items()
        ]
        counted = sorted((row for row in rows if row.failed), key=lambda row: (row.of != LOGINS, row.account))
        return counted + [row for row in around if row.state == BLOCKED]

    def unblock_user(self, realm: str, who: str) -> str:
        """Clear the counters of one user, or of an identifier that no user has; return the account's id."""
        people = People.of(self.stage, realm)
        account = self._account(people, who)
        people.attempts.clear_account(account)
        return account.id

    def unblock_address(self, address: str) -> str:
        """Empty the buckets of one address, and of the /48 around it; return the network that was counted."""
        for name in networks(address):
            self._buckets().clear(name)
        return network(address)

    def _account(self, people: People, who: str) -> Account:
        """Return the account of a user, or of an identifier that no user has; its hash may be given too."""
        realm = people.realm.name
        if who.startswith(UNKNOWN):
            return Account(realm, who)
        try:
            return Account(realm, people.find(who).user_id)
        except OperatorError:
            return Account(realm, UNKNOWN + digest(who, stage_key(self.stage).mac))

    def _buckets(self) -> BucketStore:
        return BucketStore(self.stage.dynamo, f"{self.stage.prefix}attempts", LOGINS)


def _account_rows(
    states: Iterable[tuple[Counter, AttemptCount | FailureCount]], policy: BruteForceProtection
) -> Iterator[CounterState]:
    now = int(time.time())
    for counter, state in states:
        if state.expires_at <= now:
            continue
        if isinstance(state, FailureCount):
            yield _total_row(counter.account, state, now)
        else:
            yield _counter_row(counter, state, policy)


def _counter_row(counter: Counter, count: AttemptCount, policy: BruteForceProtection) -> CounterState:
    address = ALL_ADDRESSES if counter.address == ANYWHERE else counter.address
    is_blocked = count.attempts >= policy.max_attempts
    state, until = (BLOCKED, count.expires_at) if is_blocked else (COUNTING, 0)
    return CounterState(LOGINS, counter.account.id, address, count.failed, policy.max_attempts, state, until)


def _total_row(account: Account, total: FailureCount, now: int) -> CounterState:
    is_slowed = total.failed >= MAX_FAILURES_IN_A_ROW
    state, until = (SLOWED, max(now, total.next_attempt_at)) if is_slowed else (COUNTING, 0)
    return CounterState(LOGINS, account.id, ALL_ADDRESSES, total.failed, MAX_FAILURES_IN_A_ROW, state, until)


def _bucket_row(address: str, name: str, empties_at_ms: int, bucket: Bucket) -> CounterState:
    now_ms = int(1000 * time.time())
    kind, _, client_id = name.partition("#")
    failed = -(-max(0, empties_at_ms - now_ms) // bucket.rate_ms)
    is_full = bucket.is_full(empties_at_ms, now_ms)
    state, until = (BLOCKED, -(-bucket.opens_at_ms(empties_at_ms) // 1000)) if is_full else (COUNTING, 0)
    return CounterState(kind, client_id, address, failed, bucket.size, state, until)

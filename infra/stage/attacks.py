"""Read and clear the counters of attack protection, for the tools."""

import time
from collections.abc import Iterator
from dataclasses import dataclass

from chalicelib.identifiers import digest
from chalicelib.model.account import Account
from chalicelib.model.address import network, networks
from chalicelib.model.bucket import Bucket
from chalicelib.model.storage import Item, Key
from chalicelib.model.tenant import WIDE_FACTOR, BruteForceProtection, SuspiciousIpThrottling
from chalicelib.protection.calls import CODES, MAILS, SIGN_UPS
from chalicelib.protection.client import BUCKET
from chalicelib.store.buckets import LOGINS, BucketStore
from chalicelib.store.tally import (
    ANYWHERE,
    MAX_FAILURES_IN_A_ROW,
    AttemptCount,
    count_in,
    doors_in,
    networks_in,
    place_of,
    total_in,
)
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
    """The state of one counter. of: `logins`, `clients`, or of calls about accounts `sign-ups`, `mails`, `codes`.

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
        account_id, key = self._find_counts(people, who)
        policy = people.config.tenant().brute_force_protection
        return list(_account_rows(account_id, people.attempts.item(key), policy))

    def of_realm(self, realm: str) -> list[CounterState]:
        """Return the counters of a realm that refuse or slow down logins."""
        people = People.of(self.stage, realm)
        policy = people.config.tenant().brute_force_protection
        unknown = ((account.id, item) for account, item in people.attempts.of_realm(people.realm.name))
        users = ((one.user_id, one.attempt_counts) for one in people.records.all())
        rows = (row for account_id, item in (*unknown, *users) for row in _account_rows(account_id, item, policy))
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


def _account_rows(account_id: str, item: Item, policy: BruteForceProtection) -> Iterator[CounterState]:
    """Yield the counters of an account: by network, and over all. Those of a user's two names are added up."""
    now = int(time.time())
    networks = sorted(set().union(*(networks_in(item, door) for door in doors_in(item))))
    places = [(ALL_ADDRESSES, ANYWHERE), *((network, place_of(network)) for network in networks)]
    for address, place in places:
        counts = [count_in(item, door, place) for door in doors_in(item)]
        live = [count for count in counts if count.expires_at > now and count.attempts]
        if live:
            yield _counter_row(account_id, address, live, policy)
    yield from _total_rows(account_id, item, now)


def _counter_row(
    account_id: str, address: str, counts: list[AttemptCount], policy: BruteForceProtection
) -> CounterState:
    full = [count.expires_at for count in counts if count.attempts >= policy.max_attempts]
    if sum(count.attempts - count.excused for count in counts) >= policy.max_attempts:
        full.append(min(count.expires_at for count in counts))
    state, until = (BLOCKED, max(full)) if full else (COUNTING, 0)
    failed = sum(count.failed for count in counts)
    return CounterState(LOGINS, account_id, address, failed, policy.max_attempts, state, until)


def _total_rows(account_id: str, item: Item, now: int) -> Iterator[CounterState]:
    totals = [total_in(item, door) for door in doors_in(item)]
    live = [total for total in totals if total.expires_at > now and total.failed]
    if not live:
        return
    is_slowed = sum(total.failed - total.excused for total in live) >= MAX_FAILURES_IN_A_ROW
    turns = [total.next_attempt_at for total in live if total.is_slow(now)]
    state, until = (SLOWED, max(now, item.get("turn_at", 0), *turns)) if is_slowed or turns else (COUNTING, 0)
    failed = sum(total.failed for total in live)
    yield CounterState(LOGINS, account_id, ALL_ADDRESSES, failed, MAX_FAILURES_IN_A_ROW, state, until)


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

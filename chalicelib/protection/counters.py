"""The counters of attack protection as values, for operators and backends: who is blocked, from where, until when."""

from collections.abc import Iterator
from dataclasses import dataclass

from chalicelib.model.storage import Item
from chalicelib.model.tenant import BruteForceProtection
from chalicelib.store.buckets import LOGINS
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

ALL_ADDRESSES = "all"
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


def account_rows(account_id: str, item: Item, policy: BruteForceProtection, now: int) -> Iterator[CounterState]:
    """Yield the counters of an account: by network, and over all. Those of a user's two names are added up.

    now: epoch seconds.
    """
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

"""How each event changes the counts of an item (`tally.py`): the one conditional update that it makes. Pure."""

import re

from chalicelib.model.storage import Change, Value
from chalicelib.model.tenant import BruteForceProtection
from chalicelib.store.tally import (
    ANYWHERE,
    COUNT_LETTERS,
    MAX_FAILURES_IN_A_ROW,
    MAX_NETWORKS,
    SHARED,
    UNDECIDED_S,
    Tally,
    count_in,
    place_of,
)

# Counted from the last failure. It is a constant, so that slow guessing does not start again after each short block.
FAILURES_LIFETIME_S = 2_592_000
# From MAX_FAILURES_IN_A_ROW on, addresses that no login of the account came from share one attempt in this time.
SHARED_ATTEMPT_S = 900
_OF_USER = ("turn_at", "turn_before")
_OF_DOOR = re.compile("[uen][afxce]?_")


def clear_counts(tally: Tally) -> Change:
    """Return the change that a success makes: its door's failures are forgotten, from its network and in total.

    Those of other doors stay, for whoever tries them must not notice. But they count against the user no longer.
    """
    counter, remove = tally.counter, [*_OF_USER]
    copied = {f"{door}_excused": f"{door}_failed" for door, _ in tally.places()}
    copied |= {f"{door}x_{place}": f"{door}f_{place}" for door, place in tally.places() if _has(tally, door, place)}
    if not counter.door:
        return Change(copy=copied, remove=tuple(remove))
    remove += [f"{counter.door}_{name}" for name in ("failed", "excused", "turn_at", "ends_at")]
    if tally.place == SHARED:
        return Change(copy=copied, remove=tuple(remove), add={_named(tally, "a"): -1})
    own = {f"{counter.door}_networks": frozenset({counter.network})} if counter.is_per_network else {}
    return Change(copy=copied, remove=(*remove, *(_named(tally, letter) for letter in COUNT_LETTERS)), take=own)


def withdraw_attempt(tally: Tally, has_failed: bool) -> Change:
    """Return the change that takes one counted attempt back. has_failed: whether it was counted as failed."""
    attempts, failed, total = _named(tally, "a"), _named(tally, "f"), f"{tally.counter.door}_failed"
    if not has_failed:
        return Change(add={attempts: -1}, conditions=(f"{attempts} > {failed}",))
    conditions = (f"{failed} > :none", f"{total} > :none")
    return Change(add={attempts: -1, failed: -1, total: -1}, conditions=conditions, values={":none": 0})


def leave_network(tally: Tally, network: str) -> Change:
    """Return the change that takes a network's own count from the attempt's door, if it ends when the tally says."""
    door, place = tally.counter.door, place_of(network)
    return Change(
        take={f"{door}_networks": frozenset({network})},
        remove=tuple(f"{door}{letter}_{place}" for letter in COUNT_LETTERS),
        conditions=(f"{door}e_{place} = :ended",),
        values={":ended": count_in(tally.item, door, place).expires_at},
    )


def is_count(name: str) -> bool:
    """Return whether an attribute is one of the counts."""
    return name in _OF_USER or _OF_DOOR.match(name) is not None


def count_attempt(tally: Tally, policy: BruteForceProtection) -> Change:
    """Return the change that counts an attempt, on the condition that the item is as the tally says, or new."""
    counter, count = tally.counter, tally.count
    attempts, failed, ends_at = (_named(tally, letter) for letter in "afe")
    counted = _begin(tally, policy)
    if not _has(tally, counter.door, tally.place) or count.expires_at > tally.at:
        counted |= Change(
            add={attempts: 1, failed: 0},
            conditions=(f"(attribute_not_exists({attempts}) OR ({attempts} < :max AND {ends_at} > :now))",),
            values={":max": policy.max_attempts, ":now": tally.at},
        )
    else:
        fresh: dict[str, Value] = {attempts: 1, failed: 0, _named(tally, "x"): 0}
        counted |= Change(fresh, conditions=(f"{ends_at} = :ended",), values={":ended": count.expires_at})
    return counted | _join_networks(tally) | _pass_slowness(tally) | Change(add={f"{counter.door}_failed": 0})


def _begin(tally: Tally, policy: BruteForceProtection) -> Change:
    """Return the change of the times of an attempt that begins."""
    lifetime_s = UNDECIDED_S if tally.place == SHARED else policy.block_lifetime_s
    sweep_s = max(policy.block_lifetime_s, FAILURES_LIFETIME_S)
    swept: dict[str, Value] = {} if tally.counter.is_user else {"expires_at": tally.at + sweep_s}
    return Change({_named(tally, "c"): tally.at, _named(tally, "e"): tally.at + lifetime_s, **swept})


def _join_networks(tally: Tally) -> Change:
    """Return the change that gives the network a count of its own, if the door has room for it or the user knows it."""
    counter, networks = tally.counter, f"{tally.counter.door}_networks"
    if tally.place in (ANYWHERE, SHARED):
        return Change()
    return Change(
        add={networks: frozenset({counter.network})},
        conditions=(
            f"(attribute_not_exists({networks}) OR contains({networks}, :network) OR size({networks}) < :most "
            "OR contains(known_addresses, :known))",
        ),
        values={":network": counter.network, ":most": MAX_NETWORKS, ":known": f" {counter.network} "},
    )


def _pass_slowness(tally: Tally) -> Change:
    """Return the condition that the door is not slow for this network; if it is, the change that takes its turn."""
    door = tally.counter.door
    total, turn_at = f"{door}_failed", f"{door}_turn_at"
    if tally.is_slowed:
        free = f"(attribute_not_exists({turn_at}) OR {turn_at} <= :now)"
        return Change({turn_at: tally.at + SHARED_ATTEMPT_S}, conditions=(free,), values={":now": tally.at})
    return Change(
        conditions=(
            f"(attribute_not_exists({total}) OR {total} < :many OR {door}_ends_at <= :now "
            "OR contains(known_addresses, :known))",
        ),
        values={":many": MAX_FAILURES_IN_A_ROW, ":now": tally.at, ":known": f" {tally.counter.network} "},
    )


def count_failure(tally: Tally, policy: BruteForceProtection, is_judged: bool) -> Change:
    """Return the change that counts a failure, at its network and in the row, if the item is as the tally says."""
    return _fail_here(tally, policy, is_judged) | _fail_in_a_row(tally, is_judged)


def _fail_here(tally: Tally, policy: BruteForceProtection, is_judged: bool) -> Change:
    count, (attempts, failed, excused) = tally.count, (_named(tally, letter) for letter in "afx")
    if tally.place == SHARED:
        # What is decided is no longer under way, and counts in the row alone.
        if count.attempts > 0:
            return Change(add={attempts: -1}, conditions=(f"{attempts} > :none",), values={":none": 0})
        return Change()
    made: dict[str, Value] = {failed: 1, **({} if is_judged else {excused: 1})}
    if count.attempts > count.failed:
        return Change(add=made, conditions=(f"{attempts} > {failed}",))
    anew = Change(
        add={**made, attempts: 1}, conditions=(f"(attribute_not_exists({attempts}) OR {attempts} <= {failed})",)
    )
    own = {f"{tally.counter.door}_networks": frozenset({tally.counter.network})}
    return _begin(tally, policy) | anew | (Change() if tally.place == ANYWHERE else Change(add=own))


def _fail_in_a_row(tally: Tally, is_judged: bool) -> Change:
    door, total = tally.counter.door, tally.total
    failed, excused, ends_at = (f"{door}_{name}" for name in ("failed", "excused", "ends_at"))
    end: dict[str, Value] = {ends_at: tally.at + FAILURES_LIFETIME_S}
    if total.expires_at > tally.at or not total.expires_at:
        made: dict[str, Value] = {failed: 1, **({} if is_judged else {excused: 1})}
        running = f"(attribute_not_exists({ends_at}) OR {ends_at} > :now)"
        return Change(end, made, conditions=(running,), values={":now": tally.at})
    anew: dict[str, Value] = {failed: 1, excused: int(not is_judged), **end}
    return Change(anew, remove=(f"{door}_turn_at",), conditions=(f"{ends_at} <= :now",), values={":now": tally.at})


def take_turn(tally: Tally) -> Change:
    """Return the change that takes the attempt that strangers to a user share, and keeps when it was free before."""
    return Change({"turn_at": tally.at + SHARED_ATTEMPT_S}, copy={"turn_before": "turn_at"})


def _named(tally: Tally, letter: str) -> str:
    """Return the name of a part of the attempt's count."""
    return f"{tally.counter.door}{letter}_{tally.place}"


def _has(tally: Tally, door: str, place: str) -> bool:
    return f"{door}a_{place}" in tally.item

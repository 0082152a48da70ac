"""The rotation of one algorithm's keys as a state machine: which step is next, and what a step makes of the keys."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from chalicelib.model.key import SigningKey

# Two hours for the caches of clients, ten minutes for ours: a minute of a process, five of a cache in between.
PUBLISH_S = 7200 + 600
# The longest token lifetime of a tenant file, and the minute for which processes cache the key set.
RETIRE_S = 2_592_000 + 60

# replace: the current key was deleted in KMS, so a next key takes its place at once, published or not.
# drop: the next key was deleted in KMS.
Action = Literal["wait", "make", "promote", "retire", "replace", "drop"]


@dataclass(frozen=True, slots=True)
class Step:
    """A step. key: the one that it moves or waits for; None for a key that has to be made first.

    old: the current key that makes way. until: epoch seconds at which a wait ends.
    """

    action: Action
    key: SigningKey | None = None
    old: SigningKey | None = None
    until: int = 0


def next_step(keys: Sequence[SigningKey], now: int, max_age_s: int, lost: Collection[str] = ()) -> Step:
    """Return the next step of one algorithm's keys, one of which is current. now: epoch seconds.

    max_age_s: how long a key signs before the next one is made; 0 by hand. lost: the kids of keys that KMS has deleted.
    """
    (current,) = (key for key in keys if key.status == "current")
    following = next((key for key in keys if key.status == "next"), None)
    previous = min((key for key in keys if key.status == "previous"), key=lambda key: key.since, default=None)
    if current.kid in lost:
        return Step("replace", None if following and following.kid in lost else following, current)
    if following and following.kid in lost:
        return Step("drop", following)
    if previous:
        return _at(previous.since + RETIRE_S, now, Step("retire", previous), previous)
    if following:
        return _at(following.since + PUBLISH_S, now, Step("promote", following, current), following)
    # By hand it is time, whatever the clock of the machine that made the current key said.
    begins_at = current.since + max_age_s if max_age_s else now
    return _at(begins_at, now, Step("make", old=current), current)


def _at(until: int, now: int, step: Step, waits_for: SigningKey) -> Step:
    return step if now >= until else Step("wait", waits_for, until=until)


def status_ends_at(key: SigningKey, keys: Sequence[SigningKey], max_age_s: int) -> int | None:
    """Return when a key's status ends at the earliest, in epoch seconds; None if no schedule ends it.

    keys: all of its algorithm. max_age_s: as above; 0 if nothing rotates by itself.
    """
    if key.status == "previous":
        return key.since + RETIRE_S
    following = key if key.status == "next" else next((one for one in keys if one.status == "next"), None)
    if following:
        return following.since + PUBLISH_S
    return key.since + max_age_s + PUBLISH_S if max_age_s else None


def take_step(keys: Sequence[SigningKey], step: Step, now: int) -> tuple[SigningKey, ...]:
    """Return an algorithm's keys after a step. The key of the step is made by now."""
    if step.key is None or step.action == "wait":
        return tuple(keys)
    if step.action == "make":
        return (*keys, replace(step.key, status="next", since=now))
    if step.action in ("drop", "retire"):
        return tuple(key for key in keys if key.kid != step.key.kid)
    # A next key that was deleted is not among them any more.
    published = [key for key in keys if key.status == "previous"]
    olds = [replace(step.old, status="previous", since=now)] if step.old else []
    return (replace(step.key, status="current", since=now), *olds, *published)

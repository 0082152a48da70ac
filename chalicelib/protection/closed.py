"""Refuse attempts at names that this process knows to be closed, without a write (docs/adr/0031)."""

from dataclasses import dataclass, field, replace

from chalicelib.errors import RateLimit, TooManyAttempts
from chalicelib.model.address import network
from chalicelib.model.clock import Clock
from chalicelib.model.directory import NamedUser
from chalicelib.model.storage import Read
from chalicelib.model.tenant import BruteForceProtection
from chalicelib.protection.looks import Looks, Trickle
from chalicelib.store.cache import Cache
from chalicelib.store.dynamo import Dynamo
from chalicelib.store.tally import ANYWHERE, DOORS, NOBODY, Closed, Counter, Tally

BLOCKED = "Your account has been blocked after multiple consecutive login attempts."
# The scope of what holds for all networks but those that the user logged in from.
STRANGERS = "strangers"
# How long a process watches a name that strangers are let in at again, counted from their last failure: it looks before
# it counts, and lets few of them in, as the attack may go on.
WATCHED_S = 60
# A name whose item takes no write: it is looked at before its next attempts are counted.
THROTTLED = Closed(0, is_undecided=False, known="")


@dataclass(frozen=True, slots=True)
class TypedName:
    """A name that a request typed. form: its canonical form, as it can be typed in many. address: the source_ip."""

    realm: str
    form: str
    address: str

    @property
    def network(self) -> str:
        """The network that the request comes from."""
        return network(self.address)


@dataclass(frozen=True, slots=True)
class ClosedName:
    """A name that takes no attempt. user_id: whom it names, None for nobody. counter: of an attempt that was refused.

    closed: until a time that has passed, if the name takes attempts again.
    """

    user_id: str | None
    counter: Counter
    closed: Closed

    @property
    def is_slow(self) -> bool:
        """Whether strangers are or were refused as too many failed: few of them are let in as long as it is watched."""
        return self.closed.known is not None and self.closed.until > 0


def make_refusal(policy: BruteForceProtection, until: int, now: int) -> TooManyAttempts:
    """Return the error for an account that takes no attempt until then. Times are epoch seconds."""
    limit = RateLimit(policy.max_attempts, until)
    return TooManyAttempts(BLOCKED, retry_after_s=max(1, until - now), event="limit_wc", rate_limit=limit)


@dataclass(slots=True, eq=False, repr=False)
class ClosedNames:
    """The closed names that this process has met, each until its time.

    It looks again at a name once a second at most, by a read. So an attack costs no write, and an unblock is noticed.
    trickle: lets in few strangers at a name that is watched.
    """

    dynamo: Dynamo
    clock: Clock
    looks: Looks
    trickle: Trickle
    _met: Cache[ClosedName] = field(default_factory=Cache, repr=False)

    def require_open(self, name: TypedName, policy: BruteForceProtection, user_of: Read[NamedUser | None]) -> None:
        """Raise TooManyAttempts if a name is known to take no attempt from this network.

        user_of: the read of whom it names now.
        """
        met, now = self._find(name, policy) if policy.guards(name.address) else None, self.clock.now_s()
        if met and self.looks.take((name.realm, name.form)):
            met = self._look_again(name, met, policy, user_of)
        if met is None:
            return
        # Refused attempts take their turn too, so that none are left for the moment in which the name opens.
        passes_at = self.trickle.take((name.realm, name.form)) if met.is_slow else 0
        until = met.closed.until if met.closed.until > now else passes_at
        if until > now:
            raise make_refusal(policy, until, now)

    def remember(self, name: TypedName, met: ClosedName) -> None:
        """Remember that a name takes no attempt, unless one that is under way may still succeed."""
        if met.closed.is_undecided:
            return
        if met.closed.known is None:
            own = name.network if met.counter.is_per_network else ANYWHERE
            self._met.put(_key(name, own), met.closed.until, met)
        elif met.closed is not THROTTLED or not self._met.get(_key(name, STRANGERS), self.clock.now_s()):
            expires_at = max(met.closed.until, self.clock.now_s()) + WATCHED_S
            self._met.put(_key(name, STRANGERS), expires_at, met)

    def keep_watching(self, name: TypedName) -> None:
        """Watch a name for longer, if it is watched, as an attempt failed that is a stranger's."""
        now = self.clock.now_s()
        strangers = self._met.get(_key(name, STRANGERS), now)
        if strangers and strangers.is_slow and not _is_known(name, strangers):
            self._met.put(_key(name, STRANGERS), now + WATCHED_S, strangers)

    def _find(self, name: TypedName, policy: BruteForceProtection) -> ClosedName | None:
        now, own = self.clock.now_s(), name.network if policy.is_per_address else ANYWHERE
        strangers = self._met.get(_key(name, STRANGERS), now)
        if strangers and _is_known(name, strangers):
            strangers = None
        return self._met.get(_key(name, own), now) or strangers

    def _look_again(
        self, name: TypedName, met: ClosedName, policy: BruteForceProtection, user_of: Read[NamedUser | None]
    ) -> ClosedName | None:
        """Return the name as it is now, in one call; None if it takes any attempt, or names another user."""
        counter = replace(met.counter, network=name.network, is_per_network=policy.is_per_address)
        user, item = self.dynamo.read_all(user_of, Read((counter.key,), lambda items: items[0] or {}))
        now = self.clock.now_s()
        for scope in (name.network, ANYWHERE):
            self._met.drop(_key(name, scope))
        if (met.user_id, counter.door) != ((user.user_id, DOORS[user.kind]) if user else (None, NOBODY)):
            self._met.drop(_key(name, STRANGERS))
            return None
        tally = Tally.of(counter, now, item)
        self._look_at_strangers(name, met, tally)
        full = tally.find_full(policy.max_attempts)
        if full is None or full.is_undecided:
            return None if tally.is_known else self._met.get(_key(name, STRANGERS), now)
        found = ClosedName(met.user_id, counter, full)
        self.remember(name, found)
        return found

    def _look_at_strangers(self, name: TypedName, met: ClosedName, tally: Tally) -> None:
        """Remember whether the name takes attempts of strangers now. It does if this network's alone are used up."""
        slow, strangers = tally.find_slow(), self._met.get(_key(name, STRANGERS), tally.at)
        if slow:
            self.remember(name, ClosedName(met.user_id, tally.counter, slow))
        elif strangers:
            known, until = tally.item.get("known_addresses", ""), min(strangers.closed.until, tally.at)
            opened = replace(strangers, closed=Closed(until, is_undecided=False, known=known))
            if strangers.closed.until > tally.at:
                self._met.put(_key(name, STRANGERS), tally.at + WATCHED_S, opened)
            else:
                self._met.change(_key(name, STRANGERS), opened)


def _is_known(name: TypedName, strangers: ClosedName) -> bool:
    """Return whether the user logged in from the network that a name comes from, as this process read it last."""
    return name.network in (strangers.closed.known or "").split()


def _key(name: TypedName, scope: str) -> tuple[object, ...]:
    return name.realm, name.form, scope

"""Refuse attempts at names that this process knows to be closed, without a write (docs/adr/0031)."""

from dataclasses import dataclass, field, replace

from chalicelib.errors import RateLimit, TooManyAttempts
from chalicelib.model.address import network
from chalicelib.model.clock import Clock
from chalicelib.model.directory import NamedUser
from chalicelib.model.storage import Read
from chalicelib.model.tenant import BruteForceProtection
from chalicelib.protection.looks import Looks
from chalicelib.store.cache import Cache
from chalicelib.store.dynamo import Dynamo
from chalicelib.store.tally import ANYWHERE, DOORS, NOBODY, Closed, Counter, Tally

BLOCKED = "Your account has been blocked after multiple consecutive login attempts."
# The scope of what holds for all networks but those that the user logged in from.
STRANGERS = "strangers"
# How long a process still looks before it counts, once a name takes strangers' attempts again: an attack may go on.
WATCHED_S = 60
# A name that may be open or closed: it is looked at before its next attempts are counted.
WATCHED = Closed(0, is_undecided=False, known="")


@dataclass(frozen=True, slots=True)
class TypedName:
    """A name as a request typed it. spellings: under which a user may be stored. address: the source_ip."""

    realm: str
    spellings: tuple[str, ...]
    address: str

    @property
    def network(self) -> str:
        """The network that the request comes from."""
        return network(self.address)


@dataclass(frozen=True, slots=True)
class ClosedName:
    """A name that takes no attempt. user_id: whom it names, None for nobody. counter: of an attempt that was refused.

    closed: until 0 if the name takes attempts again.
    """

    user_id: str | None
    counter: Counter
    closed: Closed


def make_refusal(policy: BruteForceProtection, until: int, now: int) -> TooManyAttempts:
    """Return the error for an account that takes no attempt until then. Times are epoch seconds."""
    limit = RateLimit(policy.max_attempts, until)
    return TooManyAttempts(BLOCKED, retry_after_s=max(1, until - now), event="limit_wc", rate_limit=limit)


@dataclass(slots=True, eq=False, repr=False)
class ClosedNames:
    """The closed names that this process has met, each until its time.

    It looks again at a name twice a second at most, by a read. So an attack costs no write, and an unblock is noticed.
    """

    dynamo: Dynamo
    clock: Clock
    looks: Looks
    _met: Cache[ClosedName] = field(default_factory=Cache, repr=False)

    def require_open(self, name: TypedName, policy: BruteForceProtection, user_of: Read[NamedUser | None]) -> None:
        """Raise TooManyAttempts if a name is known to take no attempt from this network.

        user_of: the read of whom it names now.
        """
        met, now = self._find(name, policy) if policy.guards(name.address) else None, self.clock.now_s()
        if met and self.looks.take((name.realm, name.spellings)):
            met = self._look_again(name, met, policy, user_of)
        if met and met.closed.until > now:
            raise make_refusal(policy, met.closed.until, now)

    def remember(self, name: TypedName, met: ClosedName) -> None:
        """Remember that a name takes no attempt, unless one that is under way may still succeed."""
        if met.closed.is_undecided:
            return
        if met.closed.known is None:
            own = name.network if met.counter.is_per_network else ANYWHERE
            self._met.put(_key(name, own), met.closed.until, met)
        else:
            expires_at = max(met.closed.until, self.clock.now_s()) + WATCHED_S
            self._met.put(_key(name, STRANGERS), expires_at, met)

    def _find(self, name: TypedName, policy: BruteForceProtection) -> ClosedName | None:
        now, own = self.clock.now_s(), name.network if policy.is_per_address else ANYWHERE
        strangers = self._met.get(_key(name, STRANGERS), now)
        if strangers and name.network in (strangers.closed.known or "").split():
            strangers = None
        return self._met.get(_key(name, own), now) or strangers

    def _look_again(
        self, name: TypedName, met: ClosedName, policy: BruteForceProtection, user_of: Read[NamedUser | None]
    ) -> ClosedName | None:
        """Return the name as it is now, in one call; None if it names another user."""
        counter = replace(met.counter, network=name.network, is_per_network=policy.is_per_address)
        user, item = self.dynamo.read_all(user_of, Read((counter.key,), lambda items: items[0] or {}))
        for scope in (name.network, ANYWHERE, STRANGERS):
            self._met.drop(_key(name, scope))
        if (met.user_id, counter.door) != ((user.user_id, DOORS[user.kind]) if user else (None, NOBODY)):
            return None
        closed = Tally.of(counter, self.clock.now_s(), item).find_closed(policy.max_attempts)
        if closed is None or closed.is_undecided:
            closed = replace(WATCHED, known=item.get("known_addresses", ""))
        found = ClosedName(met.user_id, counter, closed)
        self.remember(name, found)
        return found


def _key(name: TypedName, scope: str) -> tuple[object, ...]:
    return name.realm, name.spellings, scope

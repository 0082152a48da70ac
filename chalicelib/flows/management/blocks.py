"""/user-blocks and /anomaly/blocks/ips of the Management API: who is blocked by attack protection, and unblocking."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from chalicelib.accounts.changes import AccountChanges
from chalicelib.errors import InexistentUser, InvalidQueryString, NotFound
from chalicelib.flows.management.admission import ManagementAdmission, note_change, note_user
from chalicelib.flows.management.people import PeopleFinder, Person
from chalicelib.model.address import networks, parse_address
from chalicelib.model.clock import Clock
from chalicelib.model.request import Request
from chalicelib.model.tenant import Realm, Tenant
from chalicelib.protection.counters import ALL_ADDRESSES, BLOCKED, account_rows
from chalicelib.store.buckets import BucketStore

IDENTIFIERS = ("username", "email")


@dataclass(slots=True, eq=False, repr=False)
class BlocksFlow:
    """Answers for blocks. buckets: those of failed logins, by address."""

    admission: ManagementAdmission
    finder: PeopleFinder
    changes_of: Callable[[Realm], AccountChanges]
    buckets: BucketStore
    tenant: Callable[[], Tenant]
    clock: Clock

    def show(self, request: Request) -> dict[str, Any]:
        """Return the blocks of a person; empty for one who is not blocked."""
        self.admission.admit(request, "read:users")
        return {"blocked_for": self._blocks(self.finder.of_path(request))}

    def lift(self, request: Request) -> None:
        """Lift all blocks of a person."""
        self.admission.admit(request, "update:users")
        self._lift(request, self.finder.of_path(request))
        note_change(request, "", "")

    def show_named(self, request: Request) -> dict[str, Any]:
        """Return the blocks of the people who have an identifier; raises InexistentUser if nobody has it."""
        self.admission.admit(request, "read:users")
        people = self._named(request)
        return {"blocked_for": [block for person in people for block in self._blocks(person)]}

    def lift_named(self, request: Request) -> None:
        """Lift all blocks of the people who have an identifier; raises InexistentUser if nobody has it."""
        self.admission.admit(request, "update:users")
        for person in self._named(request):
            self._lift(request, person)
        note_change(request, "", "")

    def check_address(self, request: Request) -> None:
        """Return for an address that is blocked; raises NotFound for another one."""
        self.admission.admit(request, "read:anomaly_blocks")
        now_ms, throttling = self.clock.now_ms(), self.tenant().suspicious_ip_throttling
        buckets = zip(_networks(request), (throttling.bucket, throttling.wide_bucket), strict=False)
        for name, bucket in buckets:
            if bucket.is_full(self.buckets.of_address(name).get(self.buckets.kind, 0), now_ms):
                return
        raise NotFound("The address is not blocked.")

    def lift_address(self, request: Request) -> None:
        """Forget the failures of an address, and of the /48 around it."""
        self.admission.admit(request, "delete:anomaly_blocks")
        for name in _networks(request):
            self.buckets.clear(name)
        note_change(request, "", "", _networks(request)[0])

    def _blocks(self, person: Person) -> list[dict[str, Any]]:
        user, policy = person.user, self.tenant().brute_force_protection
        counters = account_rows(user.user_id, user.attempt_counts, policy, self.clock.now_s())
        return [
            {
                "identifier": user.username or user.email,
                **({} if counter.address == ALL_ADDRESSES else {"ip": counter.address}),
                "connection": person.realm.name,
            }
            for counter in counters
            if counter.state == BLOCKED
        ]

    def _lift(self, request: Request, person: Person) -> None:
        self.changes_of(person.realm).forget_attempts(person.user)
        note_user(request, person.realm.name, person.user.user_id)

    def _named(self, request: Request) -> list[Person]:
        identifier = request.query.get("identifier", "")
        if not identifier:
            raise InvalidQueryString("identifier is missing.")
        people = self.finder.named(identifier, IDENTIFIERS, self.finder.realms())
        if not people:
            raise InexistentUser
        return people


def _networks(request: Request) -> list[str]:
    address = parse_address(request.path_params["ip"])
    if address is None:
        raise InvalidQueryString("The path must end in an IP address.")
    return list(networks(address))

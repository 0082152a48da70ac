"""Read the people of a realm as rows, a page at a time, so that memory does not grow with them."""

import itertools
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from chalicelib.mfa.otp import secret_owner
from chalicelib.model.account import Account
from chalicelib.model.enrolment import OTP, Enrolment
from chalicelib.model.storage import Read
from chalicelib.model.user import User
from chalicelib.store.configuration.vault import Vault, unseal
from chalicelib.store.people.counts import count_keys, total_of
from chalicelib.store.people.enrolments import EnrolmentStore
from chalicelib.store.people.listing import UserList
from infra.move.leaving.rows import row_of, secrets_of

# As many as one call reads.
PAGE = 100
# KMS takes thousands of calls a second, and each waits for the network.
LANES = 8


@dataclass(slots=True, eq=False, repr=False)
class Export:
    """The people of one realm as rows. vault: opens the secrets of second factors; None leaves all secrets out."""

    people: UserList
    enrolments: EnrolmentStore
    vault: Vault | None = None

    def estimate_total(self) -> int:
        """Return about how many people there are, as the realm's counters say."""
        return self.people.dynamo.read(Read(tuple(count_keys(self.people.table)), total_of))

    def all(self) -> Iterator[dict[str, Any]]:
        """Yield the row of each person, in the order of the table, which stays the same while people come and go.

        Who is deleted meanwhile is left out, if their page was not read yet.
        """
        profiles = self.people.profiles("", PAGE)
        with ThreadPoolExecutor(LANES) as lanes:
            while page := list(itertools.islice(profiles, PAGE)):
                yield from self.rows(self.people.complete(page), lanes)

    def rows(self, users: list[User], lanes: ThreadPoolExecutor) -> Iterator[dict[str, Any]]:
        """Return the rows of some people, at most PAGE of them."""
        if self.vault is None:
            return map(row_of, users)
        return lanes.map(self._whole_row, users, self._enrolments(users))

    def _enrolments(self, users: list[User]) -> list[Enrolment]:
        reads = [self.enrolments.read_of(user.user_id) for user in users]
        keys = tuple(key for read in reads for key in read.keys)
        pairs = Read(keys, lambda items: [read.parse((item,)) for read, item in zip(reads, items, strict=True)])
        return self.people.dynamo.read(pairs) if keys else []

    def _whole_row(self, user: User, enrolment: Enrolment) -> dict[str, Any]:
        return row_of(user) | secrets_of(user, enrolment, self._open(user, enrolment))

    def _open(self, user: User, enrolment: Enrolment) -> dict[str, str]:
        """Return the plain secrets of a person's apps, by authenticator_id. One KMS call if there are any."""
        account = Account(self.enrolments.realm.name, user.user_id)
        apps = [one for one in enrolment.active if one.kind == OTP]
        if self.vault is None or not apps:
            return {}
        data_key = self.vault.open_key(enrolment.data_key, account.key)
        return {
            one.authenticator_id: unseal(data_key, one.secret, secret_owner(account, one.authenticator_id))
            for one in apps
        }

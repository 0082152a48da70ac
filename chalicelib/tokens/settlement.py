"""The settlement of a login: the writes together with its tokens, their order, and how to undo them.

Each grant has a settlement in its file, which decides the order and knows nothing of tokens (docs/adr/0033).
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol

from chalicelib.errors import InvalidGrant
from chalicelib.model.login import Access, Login
from chalicelib.model.storage import Write
from chalicelib.model.tenant import Client
from chalicelib.scopes import OFFLINE_ACCESS
from chalicelib.store.aws.calls import ConditionFailed
from chalicelib.store.aws.parallel import Parallel
from chalicelib.store.dynamo import Dynamo
from chalicelib.tokens.refresh import NewFamily, RefreshTokens

# Returns the writes of a login; takes the name of a number in the credentials that goes up by one with it, or None.
Writes = Callable[[str | None], tuple[Write, ...]]


@dataclass(frozen=True, slots=True)
class Issued:
    """The tokens of one response. signed: the JWTs by their names. refresh_token: None if none is handed out."""

    signed: Mapping[str, str] = field(repr=False)
    refresh_token: str | None = field(default=None, repr=False)


@dataclass(slots=True, eq=False, repr=False)
class Issuance:
    """The tokens of one login before they leave. Its settlement calls exactly one of the methods.

    sign: returns the signed JWTs by their names.
    """

    dynamo: Dynamo
    parallel: Parallel
    refresh_tokens: RefreshTokens
    client: Client
    login: Login
    access: Access
    sign: Callable[[], Mapping[str, str]] = field(repr=False)

    def sign_only(self) -> Issued:
        """Sign the tokens of a login that writes nothing."""
        return Issued(self.sign())

    def sign_and_renew(self, renew: Callable[[], str | None]) -> Issued:
        """Sign the tokens, and renew the refresh token at the same time."""
        refresh_token, signed = self.parallel.both(renew, self.sign)
        return Issued(signed, refresh_token)

    def sign_and_write(self, writes: Writes, refusal: str) -> Issued:
        """Sign the tokens, and do each write of the login and of its new refresh family at the same time.

        For writes that use nothing up: none waits for another, and the family ends if the login was not written.
        Raises InvalidGrant if a condition of the writes does not hold any more. refusal: its error_description.
        """
        new = self._begin_family()
        with self._end_on_failure(new):
            _, signed = self.parallel.both(lambda: self._write_apart(new, writes, refusal), self.sign)
        return Issued(signed, new.token if new else None)

    def sign_then_write(self, writes: Writes, refusal: str) -> Issued:
        """Sign the tokens, then write the login. For writes that use the proof up: without tokens it stays usable."""
        signed, new = self.sign(), self._begin_family()
        with self._end_on_failure(new):
            self._write(new, writes, refusal)
        return Issued(signed, new.token if new else None)

    def _begin_family(self) -> NewFamily | None:
        user = self.login.user
        if user is None or OFFLINE_ACCESS not in self.access.scopes:
            return None
        return self.refresh_tokens.begin(self.login, user, self.access, self.client)

    def _end_on_failure(self, new: NewFamily | None) -> AbstractContextManager[None]:
        return self.refresh_tokens.end_on_failure(new) if new else nullcontext()

    def _write_apart(self, new: NewFamily | None, writes: Writes, refusal: str) -> None:
        if new:
            self.refresh_tokens.make_room(new)
        each = (*writes(new.counter), new.write) if new else writes(None)
        try:
            self.parallel.together(*(partial(self.dynamo.write, one) for one in each))
        except ConditionFailed:
            if new:
                self.refresh_tokens.end(new)
            raise InvalidGrant(refusal, reason="the user changed meanwhile") from None

    def _write(self, new: NewFamily | None, writes: Writes, refusal: str) -> None:
        if new:
            self.refresh_tokens.make_room(new)
        try:
            self.dynamo.commit((*writes(new.counter), new.write) if new else writes(None))
        except ConditionFailed:
            raise InvalidGrant(refusal, reason="the proof was used, or the user changed, meanwhile") from None


class Settlement(Protocol):
    """The writes that a login needs together with its tokens, and how to undo what its proof used up."""

    def settle(self, issuance: Issuance) -> Issued:
        """Sign the tokens and write the login, in the order that the proof needs."""
        ...

    def undo(self, failure: Exception) -> None:
        """Give back what the proof used up, after a failure that stops the tokens."""
        ...


class NothingToSettle:
    """The settlement of a proof that writes nothing and uses nothing up."""

    def settle(self, issuance: Issuance) -> Issued:
        """Sign the tokens."""
        return issuance.sign_only()

    def undo(self, failure: Exception) -> None:
        """Do nothing."""


@dataclass(frozen=True, slots=True)
class ProvedLogin:
    """The answer of a grant: the login's facts, and their settlement.

    members: further members of the token response, such as the next recovery code.
    """

    login: Login
    settlement: Settlement
    members: Mapping[str, str] = field(default_factory=dict, repr=False)

    @contextmanager
    def undo_on_failure(self) -> Iterator[None]:
        """Undo the settlement if the block raises."""
        try:
            yield
        except Exception as failure:
            self.settlement.undo(failure)
            raise

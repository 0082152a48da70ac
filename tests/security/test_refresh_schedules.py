"""Refresh tokens under random schedules: parallel refreshes, lost answers, crashes and retries (docs/adr/0011).

What must hold whatever happens: a token leads to one successor, and no other; an honest client, which retries inside
the leeway, is never logged out; a thief who uses a superseded token ends the family.
"""

from dataclasses import dataclass
from typing import ClassVar

import pytest
from hypothesis import HealthCheck, assume, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from chalicelib.directories.dynamodb import DynamoDirectory
from chalicelib.errors import InvalidGrant
from chalicelib.model.login import Access, Login
from chalicelib.model.tenant import Client, RefreshTokenPolicy
from chalicelib.model.user import User
from chalicelib.passwords.hash import verify
from chalicelib.store.families import FamilyStore
from chalicelib.store.people.users import UserStore
from chalicelib.store.revocations import RevocationStore
from chalicelib.tokens.refresh import RETRY_S, PresentedToken, RefreshTokens
from infra.stage.aws import Stage
from tests.support.fixed import BCRYPT_COST, Clock
from tests.support.people import PeopleMaker

LEEWAY_S = 10
POLICY = RefreshTokenPolicy(is_rotating=True, leeway_s=LEEWAY_S)
CLIENT = Client(
    "schedules", "Schedules", "none", frozenset({"refresh_token"}), frozenset({"employees"}), refresh_token=POLICY
)


@dataclass
class UnderWay:
    """A refresh between its read and its write. token: what the client sent. found: what the server read."""

    token: str
    found: PresentedToken


class Schedules(RuleBasedStateMachine):
    """One family, one honest client that may ask several times at once, and later a thief."""

    stage: ClassVar[Stage]
    user: ClassVar[User]

    @initialize()
    def login(self) -> None:
        self.clock = Clock()
        dynamo, sessions = self.stage.dynamo, f"{self.stage.prefix}sessions"
        families, revocations = FamilyStore(dynamo, sessions), RevocationStore(dynamo, sessions)
        realm = self.stage.config().realm("employees")
        assert realm
        users = UserStore(dynamo, realm.users_table)
        directory = DynamoDirectory(realm, users, BCRYPT_COST, "", verify)
        self.tokens = RefreshTokens(dynamo, families, revocations, self.clock, lambda _: directory)
        proved = Login(self.user.user_id, CLIENT.client_id, ("password",), realm="employees", auth_time=1)
        new = self.tokens.begin(proved, self.user, Access(None, ("offline_access",)), CLIENT)
        self.stage.dynamo.commit((new.write,))
        # Oldest first: the tokens that were ever live, and the successor of each as it was answered.
        self.line = [new.token]
        self.successors: dict[str, str] = {}
        # Until when the client may still use a token that was used up.
        self.usable_until: dict[str, float] = {}
        self.held = new.token
        self.under_way: list[UnderWay] = []

    def checked(self, token: str) -> PresentedToken:
        """Return what the server finds and lets pass."""
        found = self.tokens.find(token, CLIENT)
        assert found is not None, "the family has ended"
        self.tokens.require_usable(found, CLIENT)
        return found

    @rule()
    def client_asks(self) -> None:
        """The honest client sends the newest token that it holds; perhaps it has before."""
        assume(len(self.under_way) < 5)
        # Raises where the client is logged out, which is the failure that this test is for.
        self.under_way.append(UnderWay(self.held, self.checked(self.held)))

    @precondition(lambda self: self.under_way)
    @rule(data=st.data(), outcome=st.sampled_from(["arrives", "is lost", "cannot be signed"]))
    def server_answers(self, data: st.DataObject, outcome: str) -> None:
        """One of the requests goes on to its write; its answer arrives, is lost, or fails for want of a signature."""
        request = self.under_way.pop(data.draw(st.integers(0, len(self.under_way) - 1)))
        try:
            successor = self.tokens.renew(request.found, CLIENT, "192.0.2.1")
        except InvalidGrant:
            # It came so late that the client itself has used the successor: it must hold a newer token by now.
            assert self.line.index(self.held) > self.line.index(request.token)
            return
        assert successor is not None
        assert self.successors.setdefault(request.token, successor) == successor, "a second branch"
        self.usable_until.setdefault(request.token, self.clock() + LEEWAY_S)
        if outcome == "cannot be signed":
            self.tokens.let_retry(request.found, CLIENT)
            if request.found.is_current and self.line[-1] in (request.token, successor):
                self.usable_until[request.token] = self.clock() + RETRY_S
        if successor not in self.line:
            assert self.line[-1] == request.token, "a branch from a token that was not the newest"
            self.line.append(successor)
        if outcome == "arrives" and self.line.index(successor) > self.line.index(self.held):
            self.held = successor

    @precondition(lambda self: self.under_way)
    @rule(data=st.data())
    def server_crashes_before_its_write(self, data: st.DataObject) -> None:
        self.under_way.pop(data.draw(st.integers(0, len(self.under_way) - 1)))

    @rule(seconds=st.floats(0.001, 2 * LEEWAY_S) | st.just(RETRY_S / 2))
    def time_passes(self, seconds: float) -> None:
        """Time passes; while an answer to the client is lost, only as much as the leeway leaves it."""
        if self.held in self.usable_until:
            assume(self.clock() + seconds < self.usable_until[self.held])
        self.clock.advance(seconds)

    def superseded(self) -> list[str]:
        """Return the tokens that nobody may use any more. The server counts milliseconds."""
        return [
            *self.line[:-2],
            *(parent for parent in self.line[-2:-1] if self.clock() > self.usable_until[parent] + 0.001),
        ]

    @precondition(lambda self: self.superseded() and not self.under_way)
    @rule(data=st.data())
    def thief_uses_a_superseded_token(self, data: st.DataObject) -> None:
        """Whoever uses a grandparent, or a parent after its leeway, ends the family, and a new login begins another."""
        stolen = data.draw(st.sampled_from(self.superseded()))
        with pytest.raises(InvalidGrant):
            self.checked(stolen)
        assert [self.tokens.find(token, CLIENT) for token in self.line] == [None] * len(self.line)
        self.login()

    @invariant()
    def one_token_is_live(self) -> None:
        """Of the tokens that ever were, the newest alone is current."""
        found = [self.tokens.find(token, CLIENT) for token in self.line[-3:]]
        assert [one is not None and one.is_current for one in found] == [False] * (len(found) - 1) + [True]


def test_random_schedules_make_no_second_branch_and_log_nobody_out(stage: Stage, people: PeopleMaker) -> None:
    Schedules.stage, Schedules.user = stage, people.make()

    run_state_machine_as_test(
        Schedules,
        settings=settings(
            max_examples=40,
            stateful_step_count=30,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )

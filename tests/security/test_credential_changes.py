"""Tokens and codes that a change of a person's credentials ends, cell by cell: the table of docs/use/mfa.md."""

import itertools
import re
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from chalicelib.model.account import Account
from chalicelib.model.user import User
from chalicelib.store.sessions import PendingStore, Ticket, stored_id
from infra.stage.aws import Stage
from infra.stage.people import People
from infra.stage.second_factors import SecondFactors
from tests.support.faults import before
from tests.support.fixed import Clock
from tests.support.http import BACKEND, Http
from tests.support.mfa import (
    MFA_SCOPE,
    App,
    associate,
    authenticators,
    bearer,
    challenge,
    code_in,
    emails_to,
    mfa_api_login,
    mfa_token_of,
    remove,
    sms_to,
    with_oob,
    with_otp,
    with_recovery_code,
)
from tests.support.people import PeopleMaker

PAGE = (Path(__file__).parents[2] / "docs" / "use" / "mfa.md").read_text("utf-8")
BY_SMS = {"authenticator_types": ["oob"], "oob_channels": ["sms"]}
REFUSED = (400, 401, 403)
_numbers = itertools.count(2_025_610_100)

Use = Callable[[], httpx.Response]
Change = Callable[["Holder"], None]


@dataclass
class Holder:
    """Somebody with an app, a recovery code and a verified email, and with one of everything that can be out."""

    http: Http
    stage: Stage
    clock: Clock
    people: People
    user: User

    def __post_init__(self) -> None:
        token = self.mfa_api_token()
        made = associate(self.http, token).json()
        self.app, self.recovery_code = App(made["secret"], self.clock), made["recovery_codes"][0]
        assert with_otp(self.http, token, self.app.code()).status_code == 200

    def uses(self) -> dict[str, Use]:
        """Get one of everything; return how each is used, by its name in the table."""
        uses = {
            "access token of the MFA API, at /mfa": self._managing(),
            "the same, at introspection and /userinfo": self._showing(),
            "the same, as the `mfa_token` of a grant": self._confirming_an_app(),
            "`oob_code` of an access token of the MFA API": self._confirming_a_phone(),
            "`mfa_token`, with a code of an app": self._waiting(lambda token: with_otp(self.http, token, self._otp())),
            "`mfa_token`, with a recovery code": self._waiting(
                lambda token: with_recovery_code(self.http, token, self.recovery_code)
            ),
            "`mfa_token`, at /mfa": self._waiting(lambda token: authenticators(self.http, token)),
            "`oob_code` of an `mfa_token`": self._showing_the_emails_code(),
            "link that unblocks": self._unblocking(),
            "refresh token": self._refreshing(),
        }
        self.clock.advance(30)
        return uses

    def login(self, scope: str = "read:timesheets") -> str:
        return mfa_token_of(self.http.login(username=self.user.username, scope=scope))

    def _otp(self) -> str:
        return self.app.code()

    def mfa_api_token(self, scope: str = MFA_SCOPE) -> str:
        answer = mfa_api_login(self.http, self.user.username, scope)
        if answer.status_code == 403:
            self.clock.advance(30)
            answer = with_otp(self.http, mfa_token_of(answer), self._otp())
        return str(answer.json()["access_token"])

    def _managing(self) -> Use:
        token = self.mfa_api_token()
        (own, *_) = [one["id"] for one in authenticators(self.http, token).json() if one["id"].startswith("totp")]

        def use() -> httpx.Response:
            answers = [associate(self.http, token), authenticators(self.http, token), remove(self.http, token, own)]
            assert len({answer.status_code // 100 for answer in answers}) == 1, "all three or none"
            return answers[0]

        return use

    def _showing(self) -> Use:
        token = self.mfa_api_token(f"openid {MFA_SCOPE}")

        def use() -> httpx.Response:
            told = self.http.post("/oauth/introspect", data={"token": token, **BACKEND}).json()
            answer = self.http.get("/userinfo", headers=bearer(token))
            assert told["active"] is (answer.status_code == 200)
            return answer

        return use

    def _confirming_an_app(self) -> Use:
        token = self.mfa_api_token()
        app = App(associate(self.http, token).json()["secret"], self.clock)
        return lambda: with_otp(self.http, token, app.code())

    def _confirming_a_phone(self) -> Use:
        token, phone = self.mfa_api_token(), f"+1{next(_numbers)}"
        oob_code = associate(self.http, token, **BY_SMS, phone_number=phone).json()["oob_code"]
        return lambda: with_oob(self.http, token, oob_code, code_in(sms_to(phone)[-1]))

    def _waiting(self, use: Callable[[str], httpx.Response]) -> Use:
        token = self.login()
        return lambda: use(token)

    def _showing_the_emails_code(self) -> Use:
        token = self.login()
        oob_code = challenge(self.http, token, oob_channel="email").json()["oob_code"]
        code = code_in(emails_to(self.user.email)[-1])
        return lambda: with_oob(self.http, token, oob_code, code)

    def _unblocking(self) -> Use:
        token, user = secrets.token_urlsafe(), self.people.find(self.user.user_id)
        ticket = Ticket(
            stored_id(token), Account("employees", user.user_id), int(self.clock()) + 86_400, user.credential_version
        )
        PendingStore(self.stage.dynamo, f"{self.stage.prefix}sessions").put_ticket(ticket)
        return lambda: self.http.post("/u/unblock", data={"ticket": token})

    def _refreshing(self) -> Use:
        self.clock.advance(30)
        token = with_otp(self.http, self.login("offline_access"), self._otp()).json()["refresh_token"]
        return lambda: self.http.refresh(token)


def set_password(holder: Holder) -> None:
    holder.people.set_password(holder.user, "a new password of this person")


def block(holder: Holder) -> None:
    holder.people.set_blocked(holder.user, True)


def block_and_unblock(holder: Holder) -> None:
    block(holder)
    holder.people.set_blocked(holder.user, False)


def delete(holder: Holder) -> None:
    holder.people.delete(holder.people.find(holder.user.user_id))


def reset(holder: Holder) -> None:
    factors = SecondFactors.of(holder.stage, "employees")
    factors.reset(factors.find_session(holder.user.user_id))


def revoke_all(holder: Holder) -> None:
    holder.people.end_families(holder.user)


def revoke_clients(holder: Holder) -> None:
    holder.people.end_families(holder.user, "demo-backend")


def revoke_family(holder: Holder) -> None:
    (family,) = holder.people.live_families(holder.people.find(holder.user.user_id))
    holder.people.end_family(holder.user, family.key.family_id)


# By the column of the table: the changes that it stands for.
CHANGES: dict[str, tuple[Change, ...]] = {
    "new password": (set_password,),
    "block": (block, block_and_unblock),
    "deletion": (delete,),
    "`users mfa reset`": (reset,),
    "`tokens revoke`": (revoke_all, revoke_clients, revoke_family),
}


def table() -> dict[str, dict[str, str]]:
    """Return the cells of the page's table, by row and column."""
    section = PAGE.partition("\n## What ends what\n")[2].partition("\n## ")[0]
    lines = [[cell.strip() for cell in line.strip("|").split("|")] for line in re.findall(r"^\|.+\|$", section, re.M)]
    head, _, *rows = lines
    return {row[0]: dict(zip(head[1:], row[1:], strict=True)) for row in rows}


@pytest.fixture
def clock() -> Clock:
    """A clock that is behind: tests move it on."""
    return Clock(time.time() - 600)


@pytest.fixture
def holder(http: Http, stage: Stage, clock: Clock, people: PeopleMaker) -> Holder:
    user = people.make(email_verified=True)
    return Holder(http, stage, clock, people.of("employees"), user)


@pytest.mark.parametrize(("column", "change"), [(column, one) for column, all_ in CHANGES.items() for one in all_])
def test_change_ends_what_the_page_says(holder: Holder, column: str, change: Change) -> None:
    uses = holder.uses()
    change(holder)
    found = {name: "ends" if use().status_code in REFUSED else "stays" for name, use in uses.items()}

    cells = table()
    assert found == {name: cells[name][column].partition(",")[0] for name in found}


@pytest.mark.parametrize("name", [name for name in table() if "by design" not in name])
def test_without_a_change_each_can_be_used(holder: Holder, name: str) -> None:
    assert holder.uses()[name]().status_code == 200


def test_columns_of_the_page_are_the_changes() -> None:
    assert [*table()["refresh token"]] == [*CHANGES]


def test_ended_access_token_of_the_mfa_api_is_an_invalid_token(holder: Holder) -> None:
    token = holder.mfa_api_token()
    set_password(holder)
    answer = associate(holder.http, token)

    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_token")
    assert answer.headers["WWW-Authenticate"].startswith("Bearer ")
    assert holder.http.log[-1]["reason"] == "the user was changed after the login"


def test_password_that_changes_under_a_request_keeps_the_factors_as_they_were(holder: Holder) -> None:
    token = holder.mfa_api_token()
    (own, *_) = authenticators(holder.http, token).json()
    with before(holder.stage, "TransactWriteItems", lambda: set_password(holder)):
        answer = remove(holder.http, token, own["id"])

    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")
    assert holder.people.find(holder.user.user_id).multifactor == "otp,recovery-code"
    assert holder.http.get("/mfa/authenticators", headers=bearer(token)).status_code == 401

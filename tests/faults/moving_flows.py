"""First logins of people whom a legacy store knows: the old service fails, or AWS fails around it."""

import itertools

import httpx

from chalicelib.identifiers import digest
from infra.stage.keys import stage_key
from tests.faults.case import OFFLINE, Case
from tests.faults.legacy_store import DOWN, REALM
from tests.faults.workbench import Bench
from tests.support.people import PASSWORD

_numbers = itertools.count(1)


def first_login(bench: Bench) -> Case:
    """A yes: one record, written whole or not at all, and no family stays whose token nobody got."""
    email = f"mover{next(_numbers)}@old.example"

    def failed(is_lost: bool) -> None:
        assert _counted(bench, email)[1] <= 1
        if _is_here(bench, email):
            user = bench.people.of(REALM).find(email)
            assert user.password_hash
            assert user.email_verified
            assert bench.people.of(REALM).live_families(user) == []

    def done(response: httpx.Response) -> None:
        bench.require_live(response.json()["access_token"])
        user = bench.people.of(REALM).find(email)
        assert (user.email, user.logins_count >= 1) == (email, True)
        assert _counted(bench, email) == (0, 0)
        assert len(bench.people.of(REALM).live_families(user)) == 1
        assert bench.refresh(response.json()["refresh_token"]).status_code == 200

    return Case(lambda: _log_in(bench, email, PASSWORD, OFFLINE), failed, done)


def wrong_password(bench: Bench) -> Case:
    """A no: nobody is written, and the attempt stays counted."""
    email = f"mover{next(_numbers)}@old.example"

    def done(response: httpx.Response) -> None:
        assert response.json()["error"] == "invalid_grant"
        assert _counted(bench, email)[1] >= 1
        assert not _is_here(bench, email)

    return Case(lambda: _log_in(bench, email, "wrong"), done=done)


def store_down(bench: Bench) -> Case:
    """Neither yes nor no: nobody is written. The attempt is given back, unless AWS keeps it from being."""
    email = f"{DOWN}{next(_numbers)}@old.example"

    def done(response: httpx.Response) -> None:
        assert response.json()["error"] == "temporarily_unavailable"
        assert PASSWORD not in str(bench.http.log)
        assert _counted(bench, email)[1] <= 1
        assert not _is_here(bench, email)

    return Case(lambda: _log_in(bench, email, PASSWORD), done=done)


def _log_in(bench: Bench, email: str, password: str, scope: str = "read:timesheets") -> httpx.Response:
    return bench.http.realm_login(REALM, username=email, password=password, scope=scope)


def _is_here(bench: Bench, email: str) -> bool:
    return bench.people.of(REALM).users.locate(email, ("email",)) is not None


def _counted(bench: Bench, email: str) -> tuple[int, int]:
    return bench.attempts(f"name:{digest(email, stage_key(bench.stage).mac)}", REALM)

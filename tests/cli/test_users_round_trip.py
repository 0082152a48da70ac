"""People who are exported and imported into an empty stage log in there as before, by all that they had."""

import hashlib
import json
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import bcrypt
import pytest

from chalicelib import wiring
from chalicelib.model.user import Permission
from infra.stage.aws import Stage
from infra.stage.people import People
from infra.tenant.schema import TenantFile
from tests.cli.conftest import Gatehouse
from tests.support.config import document_of
from tests.support.fixed import Clock
from tests.support.http import Http
from tests.support.mfa import (
    associate,
    challenge,
    code_in,
    enrol,
    mfa_api_login,
    mfa_token_of,
    sms_to,
    with_oob,
    with_otp,
    with_recovery_code,
)
from tests.support.people import PeopleMaker
from tests.support.roles import APPROVE, CREATE, READ, api, granted, login
from tests.support.rules import client_with_rules
from tests.support.stages import provision_stage

EMPLOYEES = ("--realm", "employees")
AUDIENCE = "https://api.example.com/of-the-round-trip"
PHONE = "+12025550191"
FORMER = bcrypt.hashpw(b"a former horse", bcrypt.gensalt(4)).decode()
SALTED_SHA256 = {
    "algorithm": "sha256",
    "hash": {"value": hashlib.sha256(b"saltquiet words at 753").hexdigest(), "encoding": "hex"},
    "salt": {"value": "salt", "position": "prefix"},
}


def ask_the_enrolled(user: Any, context: Any) -> None:
    """Ask everybody who has a second factor for it."""
    if user.multifactor:
        context.multifactor = {"provider": "any"}


@dataclass(frozen=True, slots=True)
class Place:
    """One of the two stages, with its command and its client."""

    gatehouse: Gatehouse
    http: Http

    @property
    def people(self) -> People:
        return People.of(self.gatehouse.stage, "employees")


@pytest.fixture(scope="module")
def stages(stage: Stage, demo: TenantFile) -> tuple[Stage, Stage]:
    """Two stages with the same tenant, each with keys of its own."""
    made = provision_stage("leaving", demo), provision_stage("arriving", demo)
    for one in made:
        document = document_of(one, f"api#{api(one)}")
        one.config().put(f"api#{AUDIENCE}", document | {"identifier": AUDIENCE})
    return made


@pytest.fixture
def places(stages: tuple[Stage, Stage], externals: wiring.Externals, tmp_path: Path) -> Iterator[tuple[Place, Place]]:
    with ExitStack() as stack:
        leaving, arriving = (
            Place(Gatehouse(one, tmp_path), stack.enter_context(client_with_rules(one, externals, ask_the_enrolled)))
            for one in stages
        )
        yield leaving, arriving


def move(leaving: Place, arriving: Place) -> list[dict[str, Any]]:
    """Move everybody who is not there yet, and return their rows."""
    file = leaving.gatehouse.directory / "people.ndjson"
    exported = leaving.gatehouse.run("users", "export", *EMPLOYEES, "--with-secrets", "-o", str(file))
    assert exported.code == 0, exported.err
    arriving.gatehouse.run("users", "import", str(file), *EMPLOYEES, "--json")
    return [json.loads(line) for line in file.read_text("utf-8").splitlines()]


def maker(place: Place) -> PeopleMaker:
    return PeopleMaker(place.gatehouse.stage, 4)


def test_person_with_everything_is_the_same_person_elsewhere(places: tuple[Place, Place]) -> None:
    leaving, arriving = places
    made = maker(leaving).make(
        email_verified=True, name="Ada Lovelace", given_name="Ada", family_name="Lovelace", nickname="ada",
        picture="https://example.com/ada.png", phone_number=PHONE, phone_verified=True,
        app_metadata={"plan": "gold", "deep": [1, {"a": None}]}, user_metadata={"theme": "d\u00fcnkel"},
        password_history=[FORMER], migrated_at=1_700_000_000,
        roles=("editor", "boss"), permissions=(Permission(AUDIENCE, "delete:timesheets"),),
    )  # fmt: skip
    for _ in range(2):
        assert leaving.http.login(username=made.username).status_code == 200
    before = leaving.people.find(made.user_id)
    move(leaving, arriving)
    after = arriving.people.find(made.user_id)

    own = ("credential_version", "password_version", "families_version", "revocations", "family_counts")
    kept = replace(after, **{name: getattr(before, name) for name in own})
    assert kept == before
    assert (before.logins_count, before.password_history) == (2, [FORMER])
    assert arriving.http.login(username=made.email).status_code == 200


def test_roles_and_permissions_are_in_tokens_elsewhere(places: tuple[Place, Place]) -> None:
    leaving, arriving = places
    user = maker(leaving).make(roles=("editor",), permissions=(Permission(AUDIENCE, APPROVE),))
    move(leaving, arriving)

    assert granted(login(arriving.http, user, AUDIENCE)) == (
        f"{READ} {CREATE} {APPROVE}", [READ, CREATE, APPROVE]
    )  # fmt: skip


def test_blocked_person_is_refused_elsewhere(places: tuple[Place, Place]) -> None:
    leaving, arriving = places
    user = maker(leaving).make(blocked=True)
    move(leaving, arriving)
    answers = [place.http.login(username=user.username) for place in places]

    assert [(one.status_code, one.json()) for one in answers] == [(403, answers[0].json())] * 2


def test_app_and_recovery_code_work_elsewhere(places: tuple[Place, Place], clock: Clock) -> None:
    leaving, arriving = places
    user = maker(leaving).make()
    token = mfa_api_login(leaving.http, user.username).json()["access_token"]
    enrolled = enrol(leaving.http, clock, user.username, token)
    clock.advance(60)
    used = enrolled.app.code()
    assert with_otp(leaving.http, enrolled.login(leaving.http), used).status_code == 200
    move(leaving, arriving)

    assert with_otp(arriving.http, enrolled.login(arriving.http), used).status_code == 400, "a code works once"
    clock.advance(30)
    assert with_otp(arriving.http, enrolled.login(arriving.http), enrolled.app.code()).status_code == 200
    recovered = with_recovery_code(arriving.http, enrolled.login(arriving.http), enrolled.recovery_code)
    assert recovered.status_code == 200, recovered.text
    again = with_recovery_code(arriving.http, enrolled.login(arriving.http), recovered.json()["recovery_code"])
    assert again.status_code == 200
    histories = [place.gatehouse.run("users", "history", user.username, *EMPLOYEES, "--json") for place in places]
    first, second = (json.loads(ran.out) for ran in histories)
    assert second[: len(first)] == first


def test_phone_gets_its_code_elsewhere(places: tuple[Place, Place]) -> None:
    leaving, arriving = places
    user = maker(leaving).make()
    token = mfa_api_login(leaving.http, user.username).json()["access_token"]
    made = associate(leaving.http, token, authenticator_types=["oob"], oob_channels=["sms"], phone_number=PHONE)
    assert with_oob(leaving.http, token, made.json()["oob_code"], code_in(sms_to(PHONE)[-1])).status_code == 200
    move(leaving, arriving)
    mfa_token = mfa_token_of(arriving.http.login(username=user.username))
    sent = challenge(arriving.http, mfa_token, challenge_type="oob").json()

    answer = with_oob(arriving.http, mfa_token, sent["oob_code"], code_in(sms_to(PHONE)[-1]))
    assert answer.status_code == 200, answer.text


def test_hash_of_another_server_still_verifies_elsewhere(places: tuple[Place, Place]) -> None:
    leaving, arriving = places
    file = leaving.gatehouse.directory / "foreign.json"
    file.write_text(json.dumps([{"email": "foreign@example.com", "custom_password_hash": SALTED_SHA256}]))
    leaving.gatehouse.run("users", "import", str(file), *EMPLOYEES)
    move(leaving, arriving)

    assert arriving.http.login(username="foreign@example.com", password="quiet words at 753").status_code == 200
    assert arriving.people.find("foreign@example.com").password_hash.startswith("$2b$")


def test_second_export_is_the_first(places: tuple[Place, Place]) -> None:
    leaving, arriving = places
    user = maker(leaving).make(app_metadata={"plan": "gold"})
    rows = {row["user_id"]: row for row in move(leaving, arriving)}
    exported = arriving.gatehouse.run(
        "users", "export", *EMPLOYEES, "--with-secrets", "-o", "-", "--user", user.user_id
    )

    assert json.loads(exported.out) == rows[user.user_id]

"""`gatehouse users erase`: nothing of a person is left in any table, and everything of others."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from chalicelib import wiring
from chalicelib.errors import TemporarilyUnavailable
from chalicelib.model.account import Account
from chalicelib.model.storage import Key
from chalicelib.model.user import User
from chalicelib.store.logs.audit import audit_group
from chalicelib.store.notices import WRONG_CODES, NoticeStore
from infra.cli.people import erasing
from infra.stage.aws import Stage
from infra.stage.people import People
from tests.cli.conftest import Gatehouse, Ran
from tests.support.accounts import (
    OPEN,
    VERIFIED,
    ask_reset,
    ask_verification,
    open_demo,
    run_schedule,
    sign_up,
    verify,
)
from tests.support.fixed import Clock
from tests.support.http import Http
from tests.support.mfa import (
    associate,
    challenge,
    code_in,
    mfa_api_login,
    mfa_token_of,
    sms_to,
    with_oob,
    with_otp,
)
from tests.support.people import PeopleMaker
from tests.support.rules import client_with_rules, require_mfa
from tests.support.stages import provision_stage
from tests.support.tables import table_names

PHONE = "+12025550188"
OLD_EMAIL, EMAIL = "ada.old@example.com", "ada@example.com"
ERASED = "auth0|ada1"
# Of addresses and of the whole stage; and the number of people.
KINDS = {
    "user", "cred", "login", "mfa", "families", "oob", "ticket", "unblock",
    "account", "notice", "mail", "mailed", "tried", "destination",
}  # fmt: skip
OF_NOBODY = ("address#", "messages", "count#")


@pytest.fixture(scope="module")
def stage(stage: Stage) -> Stage:
    """A stage of these tests' own."""
    return provision_stage("erasing", open_demo())


@pytest.fixture
def gatehouse(stage: Stage, tmp_path: Path) -> Gatehouse:
    """The command, on the stage of these tests."""
    return Gatehouse(stage, tmp_path)


@pytest.fixture
def asking(stage: Stage, externals: wiring.Externals) -> Iterator[Http]:
    """A client of a server that asks everybody for a second factor."""
    with client_with_rules(stage, externals, require_mfa) as client:
        yield client


def erase(gatehouse: Gatehouse, who: str, *options: str, realm: str = OPEN) -> Ran:
    return gatehouse.run("users", "erase", who, "--realm", realm, *options)


def items(stage: Stage) -> list[str]:
    """Return all items of all tables as texts, except those of nobody."""
    own = table_names(stage.clients.dynamodb, stage.prefix)
    scanned = [(table, item) for table in own for item in stage.clients.dynamodb.scan(TableName=table)["Items"]]
    return sorted(f"{table} {item}" for table, item in scanned if not item["pk"]["S"].startswith(OF_NOBODY))


def kind_of(item: str) -> str:
    """Return the beginning of the key of an item."""
    return item.partition("'pk': {'S': '")[2].partition("#")[0]


def use_every_feature(user: User, phone: str, http: Http, asking: Http, clock: Clock) -> None:
    """Leave something of a person in each kind of item. They are blocked, and half way in logins."""
    assert http.login(username=user.email, scope="openid offline_access").status_code == 200
    token = mfa_api_login(http, user.username).json()["access_token"]
    made = associate(http, token, authenticator_types=["oob"], oob_channels=["sms"], phone_number=phone)
    assert made.status_code == 200
    assert with_oob(http, token, made.json()["oob_code"], code_in(sms_to(phone)[-1])).status_code == 200
    token = mfa_token_of(asking.login(username=user.username))
    assert challenge(asking, token, challenge_type="oob").status_code == 200
    assert with_otp(asking, mfa_token_of(asking.login(username=user.username)), "000000").status_code == 400
    for name in (user.username, user.email, phone):
        for _ in range(11):
            http.login(username=name, password="wrong")
    ask_reset(http, OPEN, user.email)
    run_schedule(http)
    assert verify(http, OPEN, email=user.email, code="123456").status_code == 400
    ask_reset(http, OPEN, user.email)
    ask_verification(http, OPEN, user.email)
    clock.advance(3700)
    for _ in range(11):
        http.login(username=user.username, password="wrong")


def test_nothing_of_a_person_is_left_and_all_of_others(
    gatehouse: Gatehouse, people: PeopleMaker, http: Http, asking: Http, clock: Clock
) -> None:
    # What waits for others is sent by the same schedule.
    run_schedule(http)
    before = items(gatehouse.stage)
    made = people.make(user_id=ERASED, username="ada1", email=OLD_EMAIL, phone_number=PHONE)
    people.of(OPEN).change(made, {"email": EMAIL})
    use_every_feature(replace(made, email=EMAIL), PHONE, http, asking, clock)
    left = set(items(gatehouse.stage)) - set(before)
    ran = erase(gatehouse, EMAIL, "--yes", "--json")
    after = items(gatehouse.stage)

    assert (ran.code, ran.err) == (0, "")
    assert json.loads(ran.out)["user_id"] == ERASED
    assert [
        one for one in after if any(text in one for text in (f"{ERASED}'", f'{ERASED}"', EMAIL, OLD_EMAIL, PHONE))
    ] == []
    assert after == before
    assert {kind_of(one) for one in left} == KINDS


def test_person_whose_name_begins_alike_keeps_everything(
    stage: Stage, people: PeopleMaker, http: Http, gatehouse: Gatehouse
) -> None:
    erased = people.make(user_id="auth0|eve1", username="eve", email="eve@example.com")
    other = people.make(user_id="auth0|eve12", username="eve1", email="x.eve@example.com")
    tokens = http.login(username=other.username, scope="openid offline_access").json()
    http.login(username=other.username, password="wrong")
    ask_reset(http, OPEN, other.email)
    before = [one for one in items(stage) if "auth0|eve12" in one or other.email in one]
    ran = erase(gatehouse, erased.username, "--yes", "--json")

    assert (ran.code, json.loads(ran.out)["mentions"]) == (0, [])
    assert [one for one in items(stage) if "auth0|eve12" in one or other.email in one] == before
    assert http.refresh(tokens["refresh_token"]).status_code == 200


def test_sign_up_that_waits_is_erased_by_its_email(stage: Stage, http: Http, gatehouse: Gatehouse) -> None:
    email = "waiting@example.com"
    run_schedule(http)
    before = items(stage)
    assert sign_up(http, VERIFIED, email).status_code == 200
    run_schedule(http)
    assert sign_up(http, VERIFIED, email).status_code == 200
    assert [one for one in items(stage) if email in one]
    ran = erase(gatehouse, email, "--yes", "--json", realm=VERIFIED)

    assert (ran.code, items(stage)) == (0, before)
    assert json.loads(ran.out)["removed"] == {
        "config": 0, "sessions": 1, "attempts": 3, "users-customers": 0, "users-employees": 0, "users-partners": 0
    }  # fmt: skip


def test_leftovers_of_a_deleted_person_go_by_the_user_id(
    stage: Stage, people: PeopleMaker, http: Http, gatehouse: Gatehouse
) -> None:
    user = people.make(user_id="auth0|gone")
    for _ in range(11):
        http.login(username=user.username, password="wrong")
    people.of(OPEN).delete(user)
    assert [one for one in items(stage) if "auth0|gone'" in one]
    ran = erase(gatehouse, "auth0|gone", "--yes")

    assert (ran.code, [one for one in items(stage) if "auth0|gone" in one]) == (0, [])
    assert ran.out.endswith("auth0|gone is erased: no table has an item of theirs any more.\n")
    again = erase(gatehouse, "auth0|gone", "--yes")
    assert (again.code, again.err) == (
        2, "Realm employees has no user auth0|gone, and nothing is left of one.\n"
    )  # fmt: skip


def test_erasure_that_aws_cuts_off_is_completed_by_the_same_command(
    stage: Stage, people: PeopleMaker, http: Http, gatehouse: Gatehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise TemporarilyUnavailable(reason="transact_write_items: InternalServerError")

    run_schedule(http)
    before, user = items(stage), people.make()
    http.login(username=user.username, scope="openid offline_access")
    ask_reset(http, OPEN, user.email)
    with monkeypatch.context() as patched:
        patched.setattr(People, "delete", fail)
        cut = erase(gatehouse, user.email, "--yes")
    completed = erase(gatehouse, user.email, "--yes")

    assert (cut.code, completed.code, items(stage)) == (1, 0, before)


def test_item_of_somebody_else_that_names_them_is_told_and_stays(
    stage: Stage, people: PeopleMaker, gatehouse: Gatehouse
) -> None:
    user = people.make(email="boss@example.com")
    other = people.make(app_metadata={"manager": ["Boss@example.com"]}, user_metadata={"note": "notboss@example.com"})
    ran = erase(gatehouse, user.username, "--yes", "--json")

    mentions = json.loads(ran.out)["mentions"]
    assert mentions == [{"table": f"{stage.prefix}users-employees", "key": f"user#{other.user_id}"}]
    assert people.of(OPEN).find(other.user_id).app_metadata == {"manager": ["Boss@example.com"]}


def test_without_a_terminal_nothing_is_erased_unasked(stage: Stage, people: PeopleMaker, gatehouse: Gatehouse) -> None:
    user = people.make()
    ran = gatehouse.run("users", "erase", user.email, "--realm", OPEN, typed="y\n")

    assert (ran.code, ran.err) == (2, "Give --yes: there is no terminal to ask at.\n")
    assert people.of(OPEN).find(user.user_id) == user


def test_audit_log_has_the_user_id_and_no_name(stage: Stage, people: PeopleMaker, gatehouse: Gatehouse) -> None:
    user = people.make()
    erase(gatehouse, user.email, "--yes")
    erase(gatehouse, "nobody.at.all@example.com", "--yes")
    events = stage.clients.logs().filter_log_events(logGroupName=audit_group(stage.name))["events"]
    lines = [line for event in events if (line := json.loads(event["message"]))["what"] == "users erase"]

    assert [line.get("user") for line in lines].count(user.user_id) == 2
    assert None in [line.get("user") for line in lines], "an email has no place there"
    assert "@example.com" not in json.dumps(lines)


def test_family_of_the_version_before_goes_and_that_of_another_realm_stays(
    stage: Stage, people: PeopleMaker, http: Http, gatehouse: Gatehouse
) -> None:
    user, table = people.make(), f"{stage.prefix}sessions"
    http.login(username=user.username, scope="openid offline_access")
    (family,) = stage.dynamo.query(table, "pk = :pk", {":pk": f"families#{OPEN}#{user.user_id}"})
    for realm in (OPEN, VERIFIED):
        stage.dynamo.put(table, {**family, "pk": f"user#{user.user_id}", "sk": f"family#{realm}", "realm": realm})
    ran = erase(gatehouse, user.user_id, "--yes", "--json")

    (left,) = stage.dynamo.query(table, "pk = :pk", {":pk": f"user#{user.user_id}"})
    assert (ran.code, left["realm"]) == (0, VERIFIED)
    assert json.loads(ran.out)["mentions"] == [{"table": table, "key": f"user#{user.user_id}"}]
    stage.dynamo.delete(Key(table, left["pk"], left["sk"]))


@pytest.mark.parametrize(("answer", "code"), [("n", 1), ("y", 0)])
def test_terminal_is_asked(
    people: PeopleMaker, gatehouse: Gatehouse, monkeypatch: pytest.MonkeyPatch, answer: str, code: int
) -> None:
    user = people.make()
    monkeypatch.setattr(erasing, "sys", SimpleNamespace(stdin=SimpleNamespace(isatty=lambda: True)))
    ran = gatehouse.run("users", "erase", user.email, "--realm", OPEN, typed=f"{answer}\n")

    assert (ran.code, people.of(OPEN).look_up(user.user_id) is None) == (code, code == 0)
    assert f"Erase {user.user_id} ({user.username}) for good?" in ran.out


def test_person_of_an_import_leaves_no_mark(stage: Stage, gatehouse: Gatehouse) -> None:
    before, file = items(stage), gatehouse.directory / "people.json"
    file.write_text(json.dumps([{"email": "moved@example.com", "mfa_factors": [{"phone": {"value": PHONE}}]}]))
    gatehouse.run("users", "import", str(file), "--realm", OPEN)
    assert [one for one in items(stage) if "import_mark" in one and "moved@example.com" in one]
    ran = erase(gatehouse, "moved@example.com", "--yes")

    assert (ran.code, items(stage)) == (0, before)


def test_notices_of_wrong_codes_and_a_repeated_sign_up_go_too(
    stage: Stage, http: Http, gatehouse: Gatehouse, clock: Clock
) -> None:
    email, before = "again@example.com", items(stage)
    for _ in range(2):
        assert sign_up(http, OPEN, email).status_code == 200
    user_id = People.of(stage, OPEN).find(email).user_id
    notices = NoticeStore(stage.dynamo, f"{stage.prefix}attempts", WRONG_CODES)
    for _ in range(2):
        notices.note(Account(OPEN, user_id), clock.now_s())
        clock.advance(60)
    assert notices.take(next(notices.find_untold(clock.now_s())))
    kinds = {one.partition("'pk': {'S': '")[2].partition(user_id)[0] for one in items(stage) if user_id in one}
    assert {"sign-up#employees#", "notice#codes#told#employees#"} < kinds
    ran = erase(gatehouse, email, "--yes")

    assert (ran.code, items(stage)) == (0, before)


@pytest.mark.parametrize("who", ["", " ", "\u200b", "\x00", "a" * 10_000, "ä" * 320, "\udcff", "auth0|" + "x" * 400])
def test_text_that_names_nobody_erases_nothing(
    stage: Stage, people: PeopleMaker, http: Http, gatehouse: Gatehouse, who: str
) -> None:
    user = people.make()
    http.login(username=user.username, password="wrong")
    http.login(username="", password="wrong")
    before = items(stage)
    ran = erase(gatehouse, who, "--yes")

    assert (ran.code, ran.out, "has no user" in ran.err) == (2, "", True)
    assert items(stage) == before


def test_user_id_of_another_realm_erases_nothing(
    stage: Stage, people: PeopleMaker, http: Http, gatehouse: Gatehouse
) -> None:
    user = people.make(user_id="auth0|elsewhere")
    assert http.login(username=user.username, scope="openid offline_access").status_code == 200
    http.login(username=user.username, password="wrong")
    before = items(stage)
    ran = erase(gatehouse, user.user_id, "--yes", realm="customers")

    assert (ran.code, ran.out) == (2, "")
    assert items(stage) == before


def test_user_id_with_the_signs_of_keys_is_erased_alone(
    stage: Stage, people: PeopleMaker, http: Http, gatehouse: Gatehouse
) -> None:
    ids = ("auth0|a", "auth0|a#b", "auth0|a#b#c", "auth0|*", "auth0|a.b", "employees#auth0|a", ".*")
    for user_id in ids:
        user = people.make(user_id=user_id)
        assert http.login(username=user.username, scope="openid offline_access").status_code == 200
        http.login(username=user.username, password="wrong")
    for user_id in ids:
        others = [one for one in ids if one != user_id and people.of(OPEN).look_up(one)]
        kept = {one: people.of(OPEN).look_up(one) for one in others}
        ran = erase(gatehouse, user_id, "--yes", "--json")

        assert (ran.code, people.of(OPEN).look_up(user_id)) == (0, None)
        assert json.loads(ran.out)["removed"]["sessions"] == 1
        assert {one: people.of(OPEN).look_up(one) for one in others} == kept

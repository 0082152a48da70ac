"""People are told that their account was blocked, and let in again by the link: through HTTP and the schedule."""

import re
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from chalicelib.errors import TemporarilyUnavailable
from chalicelib.model.account import Account
from chalicelib.store.notices import NoticeStore
from infra.stage.aws import Stage
from infra.tenant.schema import TenantFile
from tests.support.calls import calls_of
from tests.support.faults import aws_error, failing
from tests.support.fixed import Clock
from tests.support.http import Http
from tests.support.mfa import emails_to, mails_to
from tests.support.people import PeopleMaker
from tests.support.schedule import EVENT
from tests.support.stages import provision_stage

LINK = re.compile(r"https://login\.example\.com(/u/unblock\?ticket=\S+)")


@pytest.fixture(scope="module")
def stage(stage: Stage, demo: TenantFile) -> Stage:
    """A stage of these tests' own, where a run of the schedule finds no blocks of others, nor their attempts."""
    return provision_stage("blocked", demo)


def block(http: Http, username: str) -> None:
    """Guess wrongly as often as it takes."""
    for _ in range(10):
        assert http.login(username=username, password="wrong").status_code == 400
    assert http.login(username=username).status_code == 429


def link_to(address: str) -> str:
    (text,) = emails_to(address)
    (path,) = LINK.findall(text)
    return str(path)


def press(http: Http, path: str) -> httpx.Response:
    """Press the button of the page behind a link."""
    resource, _, ticket = path.partition("?ticket=")
    return http.post(resource, data={"ticket": ticket})


def run_schedule(http: Http) -> None:
    """Do what EventBridge has the function do each minute."""
    http.app.handler_map["tell_blocked"](EVENT, None)


def test_blocked_person_is_mailed_a_link_that_lets_them_in_once(http: Http, people: PeopleMaker) -> None:
    user = people.make()
    block(http, user.username)
    run_schedule(http)
    path = link_to(user.email)
    pressed = press(http, path)
    let_in = http.login(username=user.username)

    assert (pressed.status_code, "You can log in again." in pressed.text) == (200, True)
    assert let_in.status_code == 200
    assert [press(http, path).status_code, http.get(path).status_code] == [400, 400]
    events = [(line.get("event"), line.get("user")) for line in http.log if line["path"] == "/u/unblock"]
    assert events[0] == ("ublkdu", user.user_id)
    assert [event for event, _ in events] == ["ublkdu", None, None]


def test_mail_has_the_tenants_name_and_the_same_link_in_text_and_html(http: Http, people: PeopleMaker) -> None:
    user = people.make()
    block(http, user.username)
    run_schedule(http)
    (mail,) = mails_to(user.email)

    assert mail.subject == "Your account at Gatehouse demo is blocked"
    (link,) = LINK.findall(mail.text)
    assert f'href="https://login.example.com{link}"' in mail.html
    assert "<title>Your account at Gatehouse demo is blocked</title>" in mail.html


def test_person_is_mailed_once_an_hour(http: Http, people: PeopleMaker, clock: Clock) -> None:
    user = people.make()
    block(http, user.username)
    for _ in range(3):
        run_schedule(http)
    press(http, link_to(user.email))
    block(http, user.username)
    run_schedule(http)
    assert len(emails_to(user.email)) == 1

    staff = people.of("employees")
    staff.set_blocked(user, False)
    clock.advance(3601)
    block(http, user.username)
    run_schedule(http)
    assert len(emails_to(user.email)) == 2


def test_parallel_schedules_mail_once(http: Http, people: PeopleMaker) -> None:
    user = people.make()
    block(http, user.username)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: run_schedule(http), range(4)))

    assert len(emails_to(user.email)) == 1


def test_name_that_nobody_has_is_blocked_by_the_same_calls_and_mails_nobody(
    http: Http, stage: Stage, people: PeopleMaker
) -> None:
    made = []
    for username in (people.make().username, "nobody-to-tell"):
        for _ in range(9):
            http.login(username=username, password="wrong")
        with calls_of(stage) as calls:
            http.login(username=username, password="wrong")
        made.append(sorted(calls.made))
    run_schedule(http)

    assert made[0] == made[1]


def test_person_without_an_email_is_no_fault(http: Http, people: PeopleMaker) -> None:
    user = people.make(email="")
    block(http, user.username)
    run_schedule(http)

    assert http.login(username=user.username).status_code == 429


def test_parallel_follows_of_one_link_are_told_once_that_it_worked(http: Http, people: PeopleMaker) -> None:
    user = people.make()
    block(http, user.username)
    run_schedule(http)
    path = link_to(user.email)
    with ThreadPoolExecutor(6) as pool:
        statuses = sorted(pool.map(lambda _: press(http, path).status_code, range(6)))

    assert statuses == [200, 400, 400, 400, 400, 400]


def test_link_is_over_after_a_day(http: Http, people: PeopleMaker, clock: Clock) -> None:
    user = people.make()
    block(http, user.username)
    run_schedule(http)
    clock.advance(86_400)

    assert press(http, link_to(user.email)).status_code == 400
    assert http.login(username=user.username).status_code == 429


@pytest.mark.parametrize("query", ["", "?ticket=", "?ticket=x", "?ticket=" + "x" * 3000, "?other=1"])
def test_link_that_never_was_is_refused(http: Http, query: str) -> None:
    for answer in (http.get(f"/u/unblock{query}"), press(http, f"/u/unblock{query}")):
        assert (answer.status_code, "This link was used already" in answer.text) == (400, True)


def test_link_works_after_aws_failed(http: Http, stage: Stage, people: PeopleMaker) -> None:
    user = people.make()
    block(http, user.username)
    run_schedule(http)
    path = link_to(user.email)
    with failing(stage, "UpdateItem", aws_error("InternalServerError")):
        failed = press(http, path)

    assert (failed.status_code, press(http, path).status_code) == (503, 200)


@pytest.mark.parametrize("operation", ["Query", "BatchGetItem", "UpdateItem"])
def test_run_that_cannot_take_a_note_fails_and_the_next_one_tells(
    http: Http, stage: Stage, people: PeopleMaker, operation: str
) -> None:
    user = people.make()
    block(http, user.username)
    about = "notice#" if operation == "Query" else user.user_id
    with (
        failing(stage, operation, aws_error("InternalServerError"), about=about),
        pytest.raises(TemporarilyUnavailable),
    ):
        run_schedule(http)
    told_by_failure = emails_to(user.email)
    run_schedule(http)

    assert (told_by_failure, len(emails_to(user.email))) == ([], 1)


@pytest.mark.parametrize("operation", ["PutItem", "SendEmail"])
def test_email_that_cannot_be_sent_ends_no_run_is_logged_and_is_not_sent_later(
    http: Http, stage: Stage, people: PeopleMaker, operation: str
) -> None:
    untold, told = people.make(), people.make()
    for user in (untold, told):
        block(http, user.username)
    about = untold.email if operation == "SendEmail" else untold.user_id
    http.log.clear()
    with failing(stage, operation, aws_error("InternalServerError"), about=about):
        run_schedule(http)
    run_schedule(http)

    assert (emails_to(untold.email), len(emails_to(told.email))) == ([], 1)
    (line,) = http.log
    assert (line["event"], line["realm"], line["user"]) == ("fn", "employees", untold.user_id)
    assert line["reason"].endswith(": InternalServerError")
    assert untold.email not in str(line)


def test_ticket_is_unreadable_at_rest_and_in_the_log(http: Http, stage: Stage, people: PeopleMaker) -> None:
    user = people.make()
    block(http, user.username)
    run_schedule(http)
    ticket = link_to(user.email).partition("=")[2]
    items = str(stage.clients.dynamodb.scan(TableName=f"{stage.prefix}sessions")["Items"])
    http.get(f"/u/unblock?ticket={ticket}")
    press(http, f"/u/unblock?ticket={ticket}")

    assert ticket not in items
    assert ticket not in str(http.log)


def note(stage: Stage, accounts: int, now: int) -> None:
    """Note the blocks of so many names that nobody has."""
    for number in range(accounts):
        store_of(stage).note(Account("employees", f"name:{number}"), now)


def store_of(stage: Stage) -> NoticeStore:
    return NoticeStore(stage.dynamo, f"{stage.prefix}attempts")


def waiting(stage: Stage) -> list[str]:
    """Return the keys of all notices in the queue."""
    items = stage.clients.dynamodb.scan(TableName=f"{stage.prefix}attempts")["Items"]
    return [f"{item['pk']['S']} {item['sk']['S']}" for item in items if item["pk"]["S"].startswith("notice#queue#")]


def test_run_takes_a_bounded_number_and_the_next_ones_the_rest(http: Http, stage: Stage, clock: Clock) -> None:
    note(stage, 600, int(clock()))
    left = []
    while waiting(stage):
        with calls_of(stage) as calls:
            run_schedule(http)
        assert sum("'notice#queue#" in str(query) for kind, query in calls.parameters if kind == "Query") == 16
        assert calls.made.count("UpdateItem") <= 256
        left.append(len(waiting(stage)))

    assert left[0] >= 600 - 256
    assert left[-1] == 0


def test_person_behind_a_flood_is_told_by_a_later_run(
    http: Http, stage: Stage, people: PeopleMaker, clock: Clock
) -> None:
    user = people.make()
    note(stage, 400, int(clock()) - 120)
    block(http, user.username)
    for _ in range(5):
        run_schedule(http)

    assert len(emails_to(user.email)) == 1


def test_notices_of_one_minute_stand_under_many_keys_and_each_account_once(stage: Stage, clock: Clock) -> None:
    for _ in range(2):
        note(stage, 64, int(clock()))
    keys = waiting(stage)
    for notice in store_of(stage).find_untold(int(clock())):
        store_of(stage).take(notice)

    assert len(keys) == 64
    assert len({key.partition(" ")[0] for key in keys}) > 8


def test_notice_that_waited_for_a_day_is_dropped(http: Http, stage: Stage, people: PeopleMaker, clock: Clock) -> None:
    user = people.make()
    block(http, user.username)
    clock.advance(86_400)
    run_schedule(http)

    assert emails_to(user.email) == []
    assert waiting(stage) == []


def test_notice_of_the_version_before_is_dropped(http: Http, stage: Stage, people: PeopleMaker, clock: Clock) -> None:
    user, now = people.make(), int(clock())
    key = {"pk": "notice#3", "sk": f"employees#{user.user_id}"}
    stage.dynamo.put(f"{stage.prefix}attempts", {**key, "noted_at": now, "is_told": 0, "expires_at": now + 7200})
    run_schedule(http)

    assert emails_to(user.email) == []

"""`gatehouse logs`: the lines of a stage's functions, counted and found by person, in a pipe and in a terminal."""

import itertools
import json
import re
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from chalicelib.store.logs.audit import audit_group
from infra.cli.logs import stats as statistics
from infra.cli.main import app
from infra.stage.aws import Stage
from infra.stage.logs.reading import LogLine, function_groups
from infra.stage.people import People
from infra.tenant.log_codes import LOG_CODES
from tests.cli.conftest import Gatehouse, Ran
from tests.support.tenant_documents import small_document

PAGE = (Path(__file__).parents[2] / "docs" / "use" / "http.md").read_text("utf-8")
CODES = re.findall(r"`(\w+)`", " ".join(re.findall(r"^\| (`.+?) \|", PAGE.partition("## Log codes")[2], re.MULTILINE)))
STAFF = ("--realm", "staff")
# What clears a screen, in ASCII and in one character; what turns a text around; and what nothing prints.
HOSTILE = "\x1b[2J\x9b2J\u202e\x07\x08red\x7f"
_streams = itertools.count(1)


@pytest.fixture
def own(gatehouse: Gatehouse) -> Gatehouse:
    gatehouse.provision(small_document())
    return gatehouse


def put(stage: Stage, *lines: dict[str, Any] | str, function: str = "", age_s: int = 0) -> None:
    """Put lines into the log group of a function, as Lambda does."""
    logs, stream = stage.clients.logs(), f"stream{next(_streams)}"
    group, now_ms = f"/aws/lambda/gatehouse-{stage.name}{function}", int(1000 * (time.time() - age_s))
    logs.create_log_stream(logGroupName=group, logStreamName=stream)
    texts = [line if isinstance(line, str) else json.dumps({"time": "now", **line}) for line in lines]
    events: list[Any] = [{"timestamp": now_ms, "message": text} for text in texts]
    logs.put_log_events(logGroupName=group, logStreamName=stream, logEvents=events)


def request(event: str, ms: int, status: int = 200, **more: Any) -> dict[str, Any]:
    return {"event": event, "status": status, "ms": ms, "client_id": "app", **more}


def events_of(ran: Ran) -> list[str]:
    assert (ran.code, ran.err) == (0, "")
    return [json.loads(line).get("event", "") for line in ran.out.splitlines()]


def test_tail_shows_the_lines_of_all_functions_in_their_order(own: Gatehouse) -> None:
    put(own.stage, request("sapi", 9, user="staff|1"), function="-management", age_s=50)
    put(own.stage, "START RequestId: 1", request("fp", 120, 403, source_ip="192.0.2.7"), age_s=90)
    ran = own.run("logs", "tail")

    assert (ran.code, ran.err) == (0, "")
    assert [row[3:5] for row in ran.rows[1:]] == [["wrong", "password"], ["changed", "by"]]
    assert ran.rows[1][-2:] == ["192.0.2.7", "120"]


def test_tail_leaves_out_what_is_older(own: Gatehouse) -> None:
    put(own.stage, request("fp", 1), age_s=7200)
    put(own.stage, request("fu", 1), age_s=60)

    assert events_of(own.run("logs", "tail", "--json")) == ["fu"]
    assert events_of(own.run("logs", "tail", "--since", "3h", "--json")) == ["fp", "fu"]


@pytest.mark.parametrize("since", ["1", "h", "-1h", "0h", "1y", "1h; drop"])
def test_time_that_is_none_is_refused(own: Gatehouse, since: str) -> None:
    ran = own.run("logs", "tail", f"--since={since}")

    assert (ran.code, "such as 30m" in ran.err) == (2, True)


def test_tail_that_follows_shows_each_new_line_once(own: Gatehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    put(own.stage, request("fp", 1))
    polls = itertools.count(1)

    def pause(_: float) -> None:
        number = next(polls)
        if number > 3:
            raise KeyboardInterrupt
        if number == 2:
            put(own.stage, request("fu", 1), age_s=3)

    monkeypatch.setattr("infra.cli.logs.logs.reach", lambda _: replace(own.stage, pause=pause))
    ran = own.run("logs", "tail", "--follow", "--json")

    assert (ran.code, ran.err) == (130, "")
    assert [json.loads(line)["event"] for line in ran.out.splitlines()] == ["fp", "fu"]


def test_lines_of_another_stage_with_the_same_beginning_are_left_out(own: Gatehouse) -> None:
    logs, name = own.stage.clients.logs(), own.stage.name
    for other in (f"{name}-eu", f"{name}-eu-management", f"{name}b"):
        logs.create_log_group(logGroupName=f"/aws/lambda/gatehouse-{other}")

    assert len(function_groups(own.stage)) >= 3
    assert not [group for group in function_groups(own.stage) if "-eu" in group or f"{name}b" in group]


def test_stats_count_events_clients_and_time(own: Gatehouse) -> None:
    put(own.stage, *(request("sepft", ms) for ms in range(1, 101)), request("fp", 500, 403, client_id="other"))
    counts = json.loads(own.run("logs", "stats", "--json").out)

    assert (counts["requests"], counts["failed"], counts["ms"]) == (101, 1, {"p50": 51, "p99": 100})
    assert counts["events"][0] == {"event": "sepft", "requests": 100, "failed": 0, "ms": {"p50": 50, "p99": 99}}
    assert counts["clients"][1] == {"client_id": "other", "requests": 1, "failed": 1, "ms": {"p50": 500, "p99": 500}}
    assert [sum(one[name] for one in counts["over_time"]) for name in ("requests", "failed")] == [101, 1]


def test_stats_of_no_lines_are_empty(own: Gatehouse) -> None:
    counts = json.loads(own.run("logs", "stats", "--json").out)

    assert (counts["requests"], counts["events"], counts["ms"]) == (0, [], {})
    assert own.run("logs", "stats").code == 0


@pytest.mark.parametrize("words", [("stats",), ("tail",), ("user", "staff|1", *STAFF)], ids=" ".join)
def test_time_is_drawn_in_a_terminal_alone(
    own: Gatehouse, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    put(own.stage, request("sepft", 5, user="staff|1"))
    piped = own.run("logs", *words).out
    monkeypatch.setattr("infra.cli.logs.logs._is_terminal", lambda: True)
    drawn = own.run("logs", *words).out

    assert ("█" in drawn, "█" in piped) == (True, False)


@pytest.mark.parametrize(("numbers", "bars"), [((), ""), ((0, 0), "  "), ((1, 8), "▁█"), ((1, 1000), "▁█")])
def test_bar_of_a_small_number_still_shows(numbers: tuple[int, ...], bars: str) -> None:
    assert statistics.draw(numbers) == bars


def test_user_is_found_by_any_name_with_refused_attempts_and_changes(own: Gatehouse) -> None:
    people = People.of(own.stage, "staff", 4)
    person = people.add("a long password", None, username="maria", email="maria@example.com")
    other = people.add("a long password", None, username="other")
    put(own.stage, request("sepft", 1, user=person.user_id), request("sepft", 1, user=other.user_id), age_s=9)
    put(own.stage, request("sapi", 1, user=f"{other.user_id}, {person.user_id}"), function="-management", age_s=8)
    own.run("users", "block", "maria", *STAFF)

    for who in ("maria", "maria@example.com", person.user_id):
        found = [json.loads(line) for line in own.run("logs", "user", who, *STAFF, "--json").out.splitlines()]
        assert [line.get("event") or line.get("result", "begins") for line in found] == [
            "sepft", "sapi", "begins", "done",
        ]  # fmt: skip


def test_user_who_is_deleted_is_found_by_user_id(own: Gatehouse) -> None:
    put(own.stage, request("sepft", 1, user="staff|gone"), request("sepft", 1, user="staff|other"))

    assert events_of(own.run("logs", "user", "staff|gone", *STAFF, "--json")) == ["sepft"]


@pytest.mark.parametrize("who", ['x" || $.user = "*', "*", "staff|*", '" } { "', "\\"])
def test_name_is_no_part_of_a_filter_pattern(own: Gatehouse, who: str) -> None:
    put(own.stage, request("sepft", 1, user="staff|1"))
    ran = own.run("logs", "user", who, *STAFF, "--json")

    assert (ran.code, ran.out) == (0, "")


@pytest.mark.parametrize("command", ["tail", "tail --json", "user HOSTILE --realm staff", "tail --follow"])
def test_line_commands_no_terminal(own: Gatehouse, monkeypatch: pytest.MonkeyPatch, command: str) -> None:
    polls = itertools.count(1)

    def pause(_: float) -> None:
        if next(polls) > 1:
            raise KeyboardInterrupt
        put(own.stage, request("fp", 1, user=HOSTILE, reason=HOSTILE), age_s=3)

    put(own.stage, request("fp", 1, user=HOSTILE, reason=HOSTILE), age_s=60)
    monkeypatch.setattr("infra.cli.logs.logs.reach", lambda _: replace(own.stage, pause=pause))
    monkeypatch.setattr("infra.cli.logs.logs._is_terminal", lambda: True)
    printed = CliRunner().invoke(app, ["logs", *command.replace("HOSTILE", HOSTILE).split(" "), "-s", own.stage.name])

    assert "red" in printed.output
    assert not [char for char in printed.output if not char.isprintable() and char != "\n"]
    if "--json" in command:
        assert json.loads(printed.output.splitlines()[-1])["user"] == HOSTILE


@pytest.mark.parametrize(
    "line",
    [
        {"status": "x", "ms": "y", "event": ["fp"], "client_id": 7, "user": {"a": 1}},
        {"status": None, "event": None, "error": 3, "reason": ["x"], "path": 2},
        {"who": 1, "time": 7},
        '"text"',
        "[1]",
        '{"time": ',
        "\x00\ufffd",
    ],
    ids=str,
)
@pytest.mark.parametrize(
    "words", [("tail",), ("stats",), ("user", "staff|1", *STAFF), ("tail", "--json")], ids=" ".join
)
def test_line_of_a_rules_own_breaks_no_command(
    own: Gatehouse, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], line: dict[str, Any] | str
) -> None:
    put(own.stage, line, request("fp", 1, user="staff|1"))
    monkeypatch.setattr("infra.cli.logs.logs._is_terminal", lambda: True)
    ran = own.run("logs", *words)

    assert (ran.code, ran.err, "fp" in ran.out) == (0, "", True)


@pytest.mark.parametrize("columns", [1, 20, 40, 69, 200])
def test_picture_fits_into_the_terminal(own: Gatehouse, monkeypatch: pytest.MonkeyPatch, columns: int) -> None:
    put(own.stage, request("sepft", 5))
    monkeypatch.setattr("infra.cli.logs.logs._is_terminal", lambda: True)
    drawn = own.run("logs", "tail", columns=columns).out.splitlines()[:2]

    assert [line.split(" ")[0] for line in drawn] == ["lines", "failed"]
    assert max(map(len, drawn)) <= max(columns, 10)


def test_time_before_1970_begins_there(own: Gatehouse) -> None:
    put(own.stage, request("fp", 1))

    assert events_of(own.run("logs", "tail", "--since", "99999d", "--json")) == ["fp"]


def test_nobody_has_no_lines(own: Gatehouse) -> None:
    put(own.stage, request("fp", 1), request("fu", 1, user="staff|1"))

    assert own.run("logs", "user", "", *STAFF, "--json").out == ""


def test_stage_of_before_the_audit_log_shows_a_users_lines(own: Gatehouse) -> None:
    own.stage.clients.logs().delete_log_group(logGroupName=audit_group(own.stage.name))
    put(own.stage, request("sepft", 1, user="staff|1"))

    assert events_of(own.run("logs", "user", "staff|1", *STAFF, "--json")) == ["sepft"]


def test_stats_let_cloudwatch_choose_the_lines(own: Gatehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[object] = []

    def find(*given: object) -> list[LogLine]:
        asked.append(given[-1])
        return []

    monkeypatch.setattr("infra.cli.logs.logs.find_lines", find)
    own.run("logs", "stats")

    assert asked == ["{ $.status >= 0 }"]


def test_every_log_code_has_its_words() -> None:
    assert {*CODES} - {*LOG_CODES} == set()

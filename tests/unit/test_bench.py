"""The instruments of `make bench`: what they count, and when they fail a run."""

import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from tests.bench import report, scenarios
from tests.bench.__main__ import command
from tests.bench.fitness import (
    MAX_ANCHOR_SPREAD,
    MAX_LOAD_BEFORE,
    MAX_LOAD_DURING,
    RATIO_TOLERANCE,
    REFERENCE_RATIO,
    Fitness,
)
from tests.bench.growth import PAGES, Point, has_grown
from tests.bench.measure import Cost
from tests.bench.metrics import MOST_OF_BCRYPT, has_failed, measure_metrics
from tests.bench.process import ColdStart, Memory
from tests.bench.results import KEPT, MEBIBYTE, OVER, UNFIT, Results, judge, load
from tests.bench.rounds import rounds
from tests.bench.statistics import Interval, Spread, gap
from tests.bench.timing import Gap
from tests.support.fake_aws.expressions import apply_update, holds
from tests.support.fake_aws.process import Call
from tests.support.fake_aws.tables import AwsError, Tables, number_text
from tests.support.fake_aws.units import Units
from tests.support.local_run import PROJECT

# So much beyond the budget that no noise hides it.
DEAR = 2 * MOST_OF_BCRYPT
SMALL = Spread(1.0, 0.9, 1.1)
NONE = Interval(0.0, -0.5, 0.5)


def call(began: float, ended: float, operation: str = "GetItem") -> Call:
    return Call(operation, began, ended, 100)


def cost(name: str, calls: int = 0, ratio: float = 0.1, ms: float = 0.7, units: Units = Units(2, 2)) -> Cost:  # noqa: B008 (it cannot be changed)
    return Cost(name, Spread(ms, ms, ms), Spread(ratio, ratio, ratio), calls, min(calls, 2), 100, units)


KEPT_COSTS = {
    one.name: one
    for one in (
        cost(scenarios.PASSWORD_LOGIN, 4, 1.04),
        cost(scenarios.LADEN_LOGIN, 4, 1.04),
        cost(scenarios.REFRESHED, 3),
        cost(scenarios.USERINFO, 1),
        cost(scenarios.JWKS),
    )
}
QUIET = Fitness(MAX_LOAD_BEFORE, MAX_LOAD_DURING, Spread(5.0, 4.95, 5.05), REFERENCE_RATIO)
FAR_APART = Spread(5.0, 4.9, 4.91 + 5 * MAX_ANCHOR_SPREAD)


def results(**changes: Any) -> Results:
    """Return results that keep every budget, but for the changes."""
    kept = Results(
        machine={},
        fitness=QUIET,
        bcrypt_ms=SMALL,
        costs=tuple(KEPT_COSTS.values()),
        cold_start=ColdStart(0.25, 0.5),
        imports_ms={},
        memory=Memory(1, 1),
        zip_bytes=5 * MEBIBYTE,
        gaps=(Gap("unknown - wrong", NONE, NONE),),
    )
    return replace(kept, **changes)


def test_calls_under_way_together_are_one_round() -> None:
    calls = [call(0, 1, "A"), call(1.1, 2.0, "B"), call(1.2, 2.1, "C"), call(2.2, 3, "D")]

    assert [[one.operation for one in group] for group in rounds(calls)] == [["A"], ["B", "C"], ["D"]]


def test_call_that_waits_for_one_of_two_is_a_round_of_its_own() -> None:
    assert len(rounds([call(0, 1), call(0, 3), call(1.5, 2.5)])) == 2


def test_no_calls_are_no_round() -> None:
    assert rounds([]) == []


def costs_with(changed: Cost) -> dict[str, Any]:
    """Return the costs that keep every budget, with one of them changed."""
    return {"costs": tuple((KEPT_COSTS | {changed.name: changed}).values())}


def test_fit_run_within_all_budgets_passes() -> None:
    assert judge(results()) == KEPT == 0


@pytest.mark.parametrize(
    "changes",
    [
        costs_with(cost(scenarios.PASSWORD_LOGIN, 4, 1.051)),
        costs_with(cost(scenarios.PASSWORD_LOGIN, 6)),
        costs_with(cost(scenarios.PASSWORD_LOGIN, 4, units=Units(read=5, write=2))),
        costs_with(cost(scenarios.PASSWORD_LOGIN, 4, units=Units(read=4, write=3))),
        costs_with(cost(scenarios.LADEN_LOGIN, 4, units=Units(read=2, write=3))),
        costs_with(cost(scenarios.LADEN_LOGIN, 4, units=Units(read=3, write=2))),
        costs_with(cost(scenarios.REFRESHED, 4)),
        costs_with(cost(scenarios.REFRESHED, 3, ms=1.61)),
        costs_with(cost(scenarios.USERINFO, 1, ms=0.81)),
        costs_with(cost(scenarios.JWKS, 1)),
        {"cold_start": ColdStart(0.281, 0.1)},
        {"memory": Memory(1, 46 * MEBIBYTE)},
        {"zip_bytes": 16 * MEBIBYTE},
        {"gaps": (Gap("slower", Interval(2.1, 2, 3), NONE),)},
        {"gaps": (Gap("faster", Interval(-2.1, -3, -2), NONE),)},
    ],
)
def test_fit_run_over_one_budget_fails(changes: dict[str, Any]) -> None:
    assert judge(results(**changes)) == OVER == 1


@pytest.mark.parametrize(
    ("fitness", "reason"),
    [
        (replace(QUIET, load_before=MAX_LOAD_BEFORE + 0.01), "load before the run is 0.71"),
        (replace(QUIET, load_during=MAX_LOAD_DURING + 0.01), "load rose to 2.01"),
        (replace(QUIET, anchor_ms=FAR_APART), "quartiles are 5.2% apart"),
        (replace(QUIET, anchor_ratio=REFERENCE_RATIO * (1 + RATIO_TOLERANCE + 0.01)), "[+]11.0% from the reference"),
        (replace(QUIET, anchor_ratio=REFERENCE_RATIO * (1 - RATIO_TOLERANCE - 0.01)), "-11.0% from the reference"),
    ],
)
@pytest.mark.parametrize("changes", [{}, {"zip_bytes": 16 * MEBIBYTE}])
def test_unfit_run_is_judged_by_no_budget_and_says_why(fitness: Fitness, reason: str, changes: dict[str, Any]) -> None:
    run = results(fitness=fitness, **changes)
    last = report.tables(run)[-1]

    assert judge(run) == UNFIT == 3
    assert last.columns == ("unfit to be judged, because",)
    assert len(last.rows) == 1
    assert re.search(reason, last.rows[0][0])


def test_fitness_has_the_highest_load_and_the_anchor_over_the_bcrypt_of_its_round() -> None:
    fitness = Fitness.of([0.2, 1.1, 1.4, 1.2], [5, 10, 5], [50, 50, 100])

    assert (fitness.load_before, fitness.load_during) == (0.2, 1.4)
    assert (fitness.anchor_ms.median, fitness.anchor_ratio) == (5, 0.1)


def test_stored_run_is_read_back(tmp_path: Path) -> None:
    results().save(tmp_path / "results.json")

    assert load(tmp_path / "results.json") == results()


def test_run_on_a_busy_machine_measures_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.getloadavg", lambda: (MAX_LOAD_BEFORE + 0.1, 0, 0))
    ran = CliRunner().invoke(command)

    assert ran.exit_code == UNFIT
    assert "unfit to be judged: the load before the run is 0.80, over 0.7" in ran.output


def test_page_of_the_docs_says_the_limits_of_a_fit_run() -> None:
    page = report.PAGE.read_text("utf-8")

    for limit in (
        f"at most {MAX_LOAD_BEFORE} before",
        f"at most {MAX_LOAD_DURING} in the run",
        f"at most {MAX_ANCHOR_SPREAD:.0%} of its median",
        f"within {RATIO_TOLERANCE:.0%} of {REFERENCE_RATIO}",
    ):
        assert limit in page


def test_peers_are_marked_as_measured_elsewhere() -> None:
    ours, budget, goal, *peers = report.peers_table(results()).rows

    assert ours == ("**Gatehouse**", "1.04", "0.7", "0.25", "in the run above")
    assert (budget[1:4], goal[1:4]) == (("1.05", "1.6", "0.28"), ("1.03", "1", "0.2"))
    assert {row[-1] for row in peers} == {"elsewhere, once"}


def test_gap_of_equal_samples_has_zero_in_its_interval() -> None:
    samples = [1.0, 1.1, 0.9, 1.05, 0.95] * 20
    found = gap(samples, list(reversed(samples)))

    assert found.value == 0
    assert found.low <= 0 <= found.high


def test_gap_of_different_samples_excludes_zero() -> None:
    assert gap([2.0, 2.1, 1.9] * 30, [1.0, 1.1, 0.9] * 30).low > 0


def point(size: int, calls: int = 5, size_bytes: int = 4000, beyond: Interval = NONE) -> Point:
    return Point("users", size, "login", SMALL, calls, 3, size_bytes, beyond)


def test_same_costs_at_every_size_are_no_growth() -> None:
    assert not has_grown([point(1), point(1_000_000, size_bytes=4001)])


@pytest.mark.parametrize(
    "larger", [point(9, calls=6), point(9, size_bytes=5000), point(9, beyond=Interval(30.0, 21.0, 40.0))]
)
def test_more_of_anything_at_a_larger_size_is_growth(larger: Point) -> None:
    assert has_grown([point(1), larger])


def test_page_of_many_is_held_against_one_that_is_full() -> None:
    one, full, same, larger = (
        Point("users, managed", size, PAGES[0], SMALL, 5, 3, size_bytes, NONE)
        for size, size_bytes in ((1, 3900), (1_000, 4000), (1_000_000, 4001), (1_000_000, 5000))
    )

    assert not has_grown([one, full, same])
    assert has_grown([one, full, larger])


def test_scan_pages_through_copies_and_gives_each_once() -> None:
    tables = Tables(population=3)
    for pk in (f"user#{number_text(0)}", f"cred#{number_text(0)}", "count#1"):
        tables.answer("PutItem", {"TableName": "users", "Item": {"pk": {"S": pk}}})
    call: dict[str, Any] = {"TableName": "users", "Limit": 2}
    found: list[str] = []
    while call:
        page = tables.answer("Scan", call)
        found += [item["pk"]["S"] for item in page["Items"]]
        last = page.get("LastEvaluatedKey")
        call = {**call, "ExclusiveStartKey": last} if last else {}

    copies = [f"{kind}#{number_text(number)}" for number in range(4) for kind in ("cred", "user")]
    assert found == ["count#1", *copies]


COUNT_IF = "attribute_not_exists(attempts) OR (attempts < :max AND expires_at > :now)"
COUNT = "ADD attempts :one, failed :zero SET counted_at = :now, expires_at = :end"
VALUES = {
    "ExpressionAttributeValues": {
        ":max": {"N": "10"}, ":now": {"N": "50"}, ":one": {"N": "1"}, ":zero": {"N": "0"}, ":end": {"N": "60"}
    }
}  # fmt: skip


@pytest.mark.parametrize(
    ("item", "expected"),
    [
        (None, True),
        ({"attempts": {"N": "9"}, "expires_at": {"N": "51"}}, True),
        ({"attempts": {"N": "10"}, "expires_at": {"N": "51"}}, False),
        ({"attempts": {"N": "9"}, "expires_at": {"N": "50"}}, False),
        ({"attempts": {"N": "9"}}, False),
    ],
)
def test_condition_holds_as_in_dynamodb(item: dict[str, Any] | None, expected: bool) -> None:
    assert holds(COUNT_IF, item, VALUES) is expected


def test_update_adds_to_what_stands_and_to_nothing() -> None:
    after = apply_update(COUNT, {"pk": {"S": "a"}, "attempts": {"N": "2"}}, VALUES)

    assert after == {
        "pk": {"S": "a"},
        "attempts": {"N": "3"},
        "failed": {"N": "0"},
        "counted_at": {"N": "50"},
        "expires_at": {"N": "60"},
    }


def test_update_that_asks_for_it_gets_the_new_item() -> None:
    values = {"ExpressionAttributeValues": {":one": {"N": "1"}}}
    update = {"TableName": "t", "Key": {"pk": {"S": "a"}}, "UpdateExpression": "ADD attempts :one", **values}

    assert Tables().answer("UpdateItem", update | {"ReturnValues": "ALL_NEW"})["Attributes"]["attempts"] == {"N": "1"}


def test_import_runs_against_the_stub() -> None:
    """In a process of its own, because the bench sends all its calls to the stub. A command asks more than a login."""
    program = "from tests.bench.importing import measure_imports; print([one.people for one in measure_imports(1, 20)])"
    ran = subprocess.run([sys.executable, "-c", program], cwd=PROJECT, capture_output=True, text=True, check=False)

    assert (ran.returncode, ran.stdout) == (0, "[1, 20]\n"), ran.stderr


def test_expression_that_the_stub_cannot_read_is_an_error() -> None:
    with pytest.raises(ValueError, match="cannot read"):
        holds("attribute_exists(a[0]) ~ b", {}, {})


def test_transaction_with_a_failed_condition_writes_nothing() -> None:
    tables = Tables()
    put = {"TableName": "t", "Item": {"pk": {"S": "new"}}}
    failing = {"TableName": "t", "Item": {"pk": {"S": "other"}}, "ConditionExpression": "attribute_exists(pk)"}

    with pytest.raises(AwsError):
        tables.answer("TransactWriteItems", {"TransactItems": [{"Put": put}, {"Put": failing}]})
    assert tables.items == {}


def test_item_of_the_population_is_made_from_number_zero() -> None:
    tables = Tables(population=3)
    tables.answer(
        "PutItem", {"TableName": "t", "Item": {"pk": {"S": f"a{number_text(0)}"}, "n": {"S": number_text(0)}}}
    )

    def get(number: int) -> Any:
        return tables.answer("GetItem", {"TableName": "t", "Key": {"pk": {"S": f"a{number_text(number)}"}}})

    assert get(3) == {"Item": {"pk": {"S": f"a{number_text(3)}"}, "n": {"S": number_text(3)}}}
    assert get(4) == {}


def test_tables_are_written_between_their_markers_alone(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("before\n<!-- one -->\nold\n<!-- end of one -->\nafter\n", "utf-8")
    report.write(page, "one", [report.Table(("a", "b"), [("1", "2")])])

    expected = "before\n<!-- one -->\n| a | b |\n| --- | ---: |\n| 1 | 2 |\n<!-- end of one -->\nafter\n"
    assert page.read_text("utf-8") == expected


def test_metrics_in_a_login_keep_their_budget_of_a_tenth_of_a_millisecond() -> None:
    _, over_bcrypt = measure_metrics(rounds=5)

    assert not has_failed(over_bcrypt)
    assert has_failed(Spread(DEAR, 0, 2 * DEAR))

"""Every item that any flow stores says which shape it has, and the security page names its kind."""

from collections.abc import Iterator, Mapping

import pytest

from chalicelib.store.schema import SCHEMA
from infra.stage.aws import Stage
from tests.faults.flows import FLOWS, Flow
from tests.faults.workbench import Bench
from tests.support.stored_kinds import kind_of, kinds_of_the_page

TABLES = ("config", "users-employees", "sessions", "attempts")


@pytest.mark.parametrize("flow", FLOWS, ids=lambda flow: flow.name)
def test_every_item_that_a_flow_stores_has_the_schema_and_a_kind_that_the_page_lists(bench: Bench, flow: Flow) -> None:
    bench.start(flow.is_cold, flow.rules)
    case = flow.begin(bench)
    case.done(case.act())

    shapes = {key: item.get("schema") for key, item in _items(bench.stage)}

    assert shapes
    assert {key for key, schema in shapes.items() if schema != {"N": str(SCHEMA)}} == set()
    listed = kinds_of_the_page()
    kinds = {(table.partition("-")[0], kind_of(key)) for table, key, _ in (one.split(" ", 2) for one in shapes)}
    assert kinds <= {(table.partition("-")[0], kind) for table, all_ in listed.items() for kind in all_}


def _items(stage: Stage) -> Iterator[tuple[str, Mapping[str, object]]]:
    for table in TABLES:
        for item in stage.clients.dynamodb.scan(TableName=stage.prefix + table)["Items"]:
            yield f"{table} {item['pk']['S']} {item.get('sk', {}).get('S', '')}", item

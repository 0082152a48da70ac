"""Every item that any flow stores says which shape it has."""

from collections.abc import Iterator, Mapping

import pytest

from chalicelib.store.schema import SCHEMA
from infra.stage.aws import Stage
from tests.faults.flows import FLOWS, Flow
from tests.faults.workbench import Bench

TABLES = ("config", "users-employees", "sessions", "attempts")


@pytest.mark.parametrize("flow", FLOWS, ids=lambda flow: flow.name)
def test_every_item_that_a_flow_stores_has_the_schema(bench: Bench, flow: Flow) -> None:
    bench.start(flow.is_cold, flow.rules)
    case = flow.begin(bench)
    case.done(case.act())

    shapes = {key: item.get("schema") for key, item in _items(bench.stage)}

    assert shapes
    assert {key for key, schema in shapes.items() if schema != {"N": str(SCHEMA)}} == set()


def _items(stage: Stage) -> Iterator[tuple[str, Mapping[str, object]]]:
    for table in TABLES:
        for item in stage.clients.dynamodb.scan(TableName=stage.prefix + table)["Items"]:
            yield f"{table} {item['pk']['S']} {item.get('sk', {}).get('S', '')}", item

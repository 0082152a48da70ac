"""docs/run/security.md names each kind of item that the code stores, and each log group that the stage has."""

import re
from pathlib import Path

PROJECT = Path(__file__).parents[2]
PAGE = (PROJECT / "docs" / "run" / "security.md").read_text("utf-8")
STORED = set(re.findall(r"`([a-z_]+#)`", PAGE))
TEMPLATE = (PROJECT / "infra" / "stage" / "stage.yaml").read_text("utf-8")


def prefixes() -> set[str]:
    """Return the beginnings of keys that the deployed code writes, from its texts."""
    sources = (path.read_text("utf-8") for path in (PROJECT / "chalicelib").rglob("*.py"))
    return {found for text in sources for found in re.findall(r"(?<!`)\"([a-z_]+#)(?=[{\"]|codes)", text)}


def test_each_kind_of_item_stands_in_the_page() -> None:
    assert {"cred#", "family#", "account#", "jti#"} <= prefixes()
    assert prefixes() <= STORED


def test_page_names_no_kind_of_item_that_is_gone() -> None:
    assert prefixes() >= STORED


def test_each_log_group_of_the_stage_stands_in_the_page() -> None:
    groups = re.findall(r'LogGroupName: !Sub "/aws/lambda/gatehouse-\$\{Stage\}(.*)"', TEMPLATE)
    assert len(groups) == len(re.findall(r"RetentionInDays: 90", TEMPLATE))
    assert all(f"`{name or '/aws/lambda/gatehouse-STAGE'}`" in PAGE for name in groups)


def test_each_table_of_the_stage_stands_in_the_page() -> None:
    tables = re.findall(r'TableName: !Sub "gatehouse-\$\{Stage\}-(\w+)"', TEMPLATE)
    assert tables
    assert all(f"### `gatehouse-STAGE-{table}`" in PAGE for table in tables)

"""Find the items that the version before stored, page by page."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from chalicelib.model.storage import Item
from chalicelib.store.aws.calls import Aws
from chalicelib.store.configuration.rule_settings import RULE_SETTINGS
from chalicelib.store.configuration.vault import STAGE_KEY, is_of_one_region
from chalicelib.store.dynamo import from_item, to_item
from chalicelib.store.families import PREFIX_BEFORE
from chalicelib.store.people.items import is_of_version_before

PAGE = 500
# DynamoDB leaves out what is certainly of this version. `kind_of` decides about the rest.
_FILTER = (
    "attribute_not_exists(#schema)"
    " OR (attribute_exists(data_key) AND NOT begins_with(data_key, :own))"
    " OR (attribute_exists(credential_version) AND begins_with(pk, :profile))"
)
_VALUES = {":own": "mrk:", ":profile": "user#"}


class Kind(StrEnum):
    """The kinds of things that a migration does, each for the items that need it."""

    PEOPLE = "people"
    FAMILIES = "refresh_families"
    DATA_KEYS = "data_keys"
    SETTINGS = "rule_settings"
    OTHERS = "other_items"


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a table that one worker reads: segment `number` of `of`."""

    table: str
    number: int
    of: int


@dataclass(frozen=True, slots=True)
class Page:
    """Items that may be of the version before, of a part of a table. scanned: how many items DynamoDB looked at."""

    items: tuple[Item, ...]
    scanned: int


def kind_of(item: Item) -> Kind | None:
    """Return what is due about an item, or None. The stage key comes last, so it is left out here."""
    if item["pk"] == STAGE_KEY:
        return None
    if item["pk"] == RULE_SETTINGS and "schema" not in item:
        return Kind.SETTINGS
    if item["pk"].startswith(PREFIX_BEFORE) and item.get("sk", "").startswith("family#"):
        return Kind.FAMILIES
    if item["pk"].startswith("user#") and is_of_version_before(item):
        return Kind.PEOPLE
    if item.get("data_key") and is_of_one_region(item["data_key"]):
        return Kind.DATA_KEYS
    return None if "schema" in item else Kind.OTHERS


def read_page(aws: Aws, part: Part, beginning: dict[str, Any]) -> tuple[Page, dict[str, Any]]:
    """Return the next page of a part, and the key after which the following one begins, {} for the last.

    beginning: the key of the page before, {} for the first page.
    """
    answer = aws.call(
        "Scan",
        TableName=part.table,
        ConsistentRead=True,
        Limit=PAGE,
        Segment=part.number,
        TotalSegments=part.of,
        FilterExpression=_FILTER,
        ExpressionAttributeNames={"#schema": "schema"},
        ExpressionAttributeValues=to_item(_VALUES),
        **({"ExclusiveStartKey": beginning} if beginning else {}),
    )
    return Page(tuple(map(from_item, answer["Items"])), answer["ScannedCount"]), answer.get("LastEvaluatedKey", {})

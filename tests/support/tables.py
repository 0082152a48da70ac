"""The tables of the emulated AWS."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient


def table_names(dynamodb: "DynamoDBClient", prefix: str = "") -> list[str]:
    """Return the names of all tables that begin so: the tests of a process have more of them than a page has."""
    pages = dynamodb.get_paginator("list_tables").paginate()
    return [name for page in pages for name in page["TableNames"] if name.startswith(prefix)]

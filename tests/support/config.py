"""Read the stored documents of a stage's configuration."""

import json
from typing import Any

from infra.stage.aws import Stage


def document_of(stage: Stage, key: str) -> dict[str, Any]:
    """Return one document. Only this item is read, because the tests of the process fill the table."""
    table = f"{stage.prefix}config"
    answer = stage.clients.dynamodb.get_item(TableName=table, Key={"pk": {"S": key}}, ConsistentRead=True)
    document: dict[str, Any] = json.loads(answer["Item"]["document"]["S"])
    return document

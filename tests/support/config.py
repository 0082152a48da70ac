"""The documents of a stage's configuration, as they are stored."""

import json
from typing import Any

from infra.stage.aws import Stage


def document_of(stage: Stage, key: str) -> dict[str, Any]:
    """Return one document: read alone, as the table fills with what all tests of the process put there."""
    table = f"{stage.prefix}config"
    answer = stage.clients.dynamodb.get_item(TableName=table, Key={"pk": {"S": key}}, ConsistentRead=True)
    document: dict[str, Any] = json.loads(answer["Item"]["document"]["S"])
    return document

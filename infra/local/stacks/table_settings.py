"""The backups and the TTL of a stack's tables in moto, whose CloudFormation leaves both out."""

from typing import Any

from moto.dynamodb.models import dynamodb_backends
from moto.dynamodb.models.table import Table

_of_moto: Any = Table.create_from_cloudformation_json


def _create(
    cls: type[Table],
    /,
    resource_name: str,
    cloudformation_json: dict[str, Any],
    account_id: str,
    region_name: str,
    **more: Any,
) -> Table:
    table: Table = _of_moto.__func__(cls, resource_name, cloudformation_json, account_id, region_name, **more)
    backend, properties = dynamodb_backends[account_id][region_name], cloudformation_json["Properties"]
    if "PointInTimeRecoverySpecification" in properties:
        backend.update_continuous_backups(table.name, properties["PointInTimeRecoverySpecification"])
    if "TimeToLiveSpecification" in properties:
        backend.update_time_to_live(table.name, properties["TimeToLiveSpecification"])
    return table


Table.create_from_cloudformation_json = classmethod(_create)  # type: ignore[assignment, method-assign]  # moto has no other way in

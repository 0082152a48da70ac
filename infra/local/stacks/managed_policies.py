"""The managed policies of stacks in moto, which can make them, and neither change nor delete them."""

import json
from typing import Any

from moto.iam.models import ManagedPolicy, iam_backends


def _delete(policy: ManagedPolicy, *_: object) -> None:
    """Delete a policy. Raises if it is attached, as AWS does."""
    backend = iam_backends[policy.account_id][policy.partition]
    if policy.attachment_count:
        raise ValueError("Cannot delete a policy attached to entities.")
    backend.delete_policy(policy.arn)


def _update(
    _: type[ManagedPolicy], /, original_resource: ManagedPolicy, cloudformation_json: dict[str, Any], **__: str
) -> ManagedPolicy:
    backend = iam_backends[original_resource.account_id][original_resource.partition]
    document = json.dumps(cloudformation_json["Properties"]["PolicyDocument"])
    backend.create_policy_version(original_resource.arn, document, True)
    return original_resource


ManagedPolicy.delete = _delete  # type: ignore[attr-defined]  # what moto calls if it is there
ManagedPolicy.update_from_cloudformation_json = classmethod(_update)  # type: ignore[assignment, method-assign]  # moto has no other way in

"""Subscribe email addresses to the topic that a stage's alarms tell. The template leaves subscriptions alone."""

from infra.stage.aws import Stage
from infra.stage.changes import PlannedChange
from infra.stage.cloudformation.stack_status import SOUND, find_stack

TOPIC = "AWS::SNS::Topic"


def subscription_changes(stage: Stage, stack: str, email: str, dry_run: bool) -> list[PlannedChange]:
    """Return the subscription that an address lacks, and make it unless dry_run. stack: the name of the alarms' stack.

    SNS sends the address a link to confirm with. One that was sent such a link already gets no second one.
    """
    topic = _find_topic(stage, stack)
    if topic and email in _endpoints(stage, topic):
        return []
    if topic and not dry_run:
        stage.clients.sns().subscribe(TopicArn=topic, Protocol="email", Endpoint=email)
    return [PlannedChange("create", f"subscription of {stack}", f"{email}, who has to confirm it by a link in a mail")]


def _find_topic(stage: Stage, stack: str) -> str:
    """Return the ARN of the topic, or "" if there is none yet."""
    state = find_stack(stage.cloudformation, stack)
    if state is None or state.status not in SOUND:
        return ""
    pages = stage.cloudformation.get_paginator("list_stack_resources").paginate(StackName=stack)
    found = [resource for page in pages for resource in page["StackResourceSummaries"]]
    return next((one["PhysicalResourceId"] for one in found if one["ResourceType"] == TOPIC), "")


def _endpoints(stage: Stage, topic: str) -> list[str]:
    pages = stage.clients.sns().get_paginator("list_subscriptions_by_topic").paginate(TopicArn=topic)
    return [one["Endpoint"] for page in pages for one in page["Subscriptions"]]

"""`gatehouse up` makes what tells of a stage: topic, alarms, dashboard, and the rule that counts clients."""

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from chalicelib.http.metrics import DIMENSIONS, FUNCTION, NAMESPACE, UNITS
from infra.local.emulated_aws import REGION
from infra.stage.cloudformation.stacks import stack_changes, stage_stacks
from infra.stage.provision import up
from infra.tenant.file import load
from tests.cli.account import holdings
from tests.cli.conftest import Gatehouse
from tests.support.tenant_documents import small_document, write

AWS_METRICS = {
    "AWS/Lambda": {"Errors", "Throttles", "ConcurrentExecutions"},
    "AWS/ApiGateway": {"Count", "4XXError", "5XXError"},
}
OWN_DIMENSIONS = {FUNCTION, *DIMENSIONS}
SEARCH = re.compile(r"""SEARCH\('\{(\w+),(\w+),(\w+)\} MetricName="(\w+)" function="([\w-]+)"', 'SampleCount', 300\)""")
# As the template of a stage had an alarm before there was a stack of them.
OLD_ALARM = """
  FunctionErrors:
    Type: AWS::CloudWatch::Alarm
    Properties:
      Namespace: AWS/Lambda
      MetricName: Errors
      Statistic: Sum
      Period: 60
      EvaluationPeriods: 1
      Threshold: 1
      ComparisonOperator: GreaterThanOrEqualToThreshold
"""


def alarms(gatehouse: Gatehouse) -> list[dict[str, Any]]:
    """Return the alarms of the stage, as CloudWatch has them."""
    pages = boto3.client("cloudwatch").get_paginator("describe_alarms").paginate()
    found: list[dict[str, Any]] = [alarm for page in pages for alarm in page["MetricAlarms"]]
    return [one for one in found if one["AlarmName"].startswith(gatehouse.stage.prefix)]


def topic(gatehouse: Gatehouse) -> str:
    """Return the ARN of the topic, which exists."""
    arn = f"arn:aws:sns:{REGION}:123456789012:{gatehouse.stage.prefix}alarms"
    return gatehouse.stage.clients.sns().get_topic_attributes(TopicArn=arn)["Attributes"]["TopicArn"]


def subscribers(gatehouse: Gatehouse) -> list[str]:
    found = gatehouse.stage.clients.sns().list_subscriptions_by_topic(TopicArn=topic(gatehouse))["Subscriptions"]
    return [one["Endpoint"] for one in found]


def own_metrics(gatehouse: Gatehouse) -> set[str]:
    """Return the names of the metrics that are made of log lines: by their own words, and by a filter of the stage."""
    filters = boto3.client("logs").describe_metric_filters()["metricFilters"]
    made = {one["metricName"] for found in filters for one in found["metricTransformations"]}
    return {*UNITS, *(name for name in made if name.startswith(f"{gatehouse.stage.name}-"))}


def require_metric(gatehouse: Gatehouse, namespace: str, name: str, dimensions: dict[str, str]) -> None:
    """Assert that something makes this metric."""
    if namespace != NAMESPACE:
        assert name in AWS_METRICS[namespace]
        return
    assert name in own_metrics(gatehouse)
    if name in UNITS:
        assert FUNCTION in dimensions
        assert set(dimensions) <= OWN_DIMENSIONS
        assert dimensions[FUNCTION].startswith(f"gatehouse-{gatehouse.stage.name}")


def test_every_alarm_tells_the_topic_and_names_its_runbook(gatehouse: Gatehouse) -> None:
    assert gatehouse.up(small_document()).code == 0
    found = alarms(gatehouse)

    assert len(found) >= 12
    for alarm in found:
        assert alarm["AlarmActions"] == [topic(gatehouse)]
        name = alarm["AlarmName"].removeprefix(gatehouse.stage.prefix)
        assert alarm["AlarmDescription"].endswith(f"Runbook: docs/run/operations.md#{name.lower()}")
        # Each hour writes the age of the keys: without a word of it nobody rotates them.
        silence = "breaching" if name == "KeyAge" else "notBreaching"
        assert alarm["TreatMissingData"] == silence


def test_every_alarm_watches_a_metric_that_something_makes(gatehouse: Gatehouse) -> None:
    gatehouse.up(small_document())
    found = alarms(gatehouse)
    assert len(found) > 10
    for alarm in found:
        stats = [one["MetricStat"]["Metric"] for one in alarm.get("Metrics", []) if "MetricStat" in one]
        for metric in stats or ([] if "Metrics" in alarm else [alarm]):
            dimensions = {one["Name"]: one["Value"] for one in metric["Dimensions"]}
            require_metric(gatehouse, metric["Namespace"], metric["MetricName"], dimensions)


def test_dashboard_shows_metrics_that_something_makes_and_every_alarm(gatehouse: Gatehouse) -> None:
    gatehouse.up(small_document())
    shown = boto3.client("cloudwatch").get_dashboard(DashboardName=f"gatehouse-{gatehouse.stage.name}")
    widgets = json.loads(shown["DashboardBody"])["widgets"]

    before: list[str] = []
    for metric in [metric for one in widgets for metric in one["properties"].get("metrics", [])]:
        if "expression" in metric[0]:
            if metric[0]["expression"].startswith("INSIGHT_RULE_METRIC("):
                continue
            namespace, *names, name, function = SEARCH.fullmatch(metric[0]["expression"]).groups()  # type: ignore[union-attr]  # it has to match
            require_metric(gatehouse, namespace, name, dict.fromkeys(names, function))
            continue
        words = before if metric[0] == "..." else [word for word in metric if isinstance(word, str)]
        namespace, name, *pairs = before = words
        require_metric(gatehouse, namespace, name, dict(zip(pairs[::2], pairs[1::2], strict=True)))
    (listed,) = (one["properties"]["alarms"] for one in widgets if one["type"] == "alarm")
    assert sorted(arn.rpartition(":")[2] for arn in listed) == sorted(one["AlarmName"] for one in alarms(gatehouse))


def test_dashboard_draws_each_metric_that_an_alarm_watches(gatehouse: Gatehouse) -> None:
    gatehouse.up(small_document())
    shown = boto3.client("cloudwatch").get_dashboard(DashboardName=f"gatehouse-{gatehouse.stage.name}")
    drawn = json.dumps([one["properties"].get("metrics") for one in json.loads(shown["DashboardBody"])["widgets"]])
    watched = set[str]()
    for alarm in alarms(gatehouse):
        found = [one["MetricStat"]["Metric"] for one in alarm.get("Metrics", []) if "MetricStat" in one]
        for metric in found or [alarm]:
            pairs = [word for one in metric.get("Dimensions", []) for word in (one["Name"], one["Value"])]
            # The search for outcomes draws all events; the rule of clients is a picture of CloudWatch's own.
            if metric.get("MetricName") and "event" not in pairs:
                watched.add(json.dumps([metric["Namespace"], metric["MetricName"], *pairs])[:-1])

    assert len(watched) > 12
    assert [metric for metric in sorted(watched) if metric not in drawn] == []
    assert f"INSIGHT_RULE_METRIC('gatehouse-{gatehouse.stage.name}-password-grants'" in drawn


def test_password_grants_are_counted_by_client_in_the_log_of_the_function(gatehouse: Gatehouse) -> None:
    gatehouse.up(small_document())
    name = f"gatehouse-{gatehouse.stage.name}-password-grants"
    rules = boto3.client("cloudwatch").describe_insight_rules()["InsightRules"]
    (rule,) = (json.loads(one["Definition"]) for one in rules if one["Name"] == name)
    (alarm,) = (one for one in alarms(gatehouse) if one["AlarmName"].endswith("PasswordGrantsByClient"))

    assert rule["LogGroupNames"] == [f"/aws/lambda/gatehouse-{gatehouse.stage.name}"]
    assert rule["Contribution"]["Keys"] == ["$.client_id"]
    assert alarm["Metrics"][0]["Expression"] == f"INSIGHT_RULE_METRIC('{name}', 'MaxContributorValue')"


def test_address_is_subscribed_once_and_the_plan_says_so(gatehouse: Gatehouse) -> None:
    option = ("--alarm-email", "ops@example.com")
    planned = gatehouse.up(small_document(), "--dry-run", *option)
    line = ["create", "subscription", "of", f"{gatehouse.stage.prefix}alarms", "ops@example.com,"]

    assert [row[:5] for row in planned.rows if "subscription" in row] == [line]
    made = gatehouse.up(small_document(), *option)
    assert [row[:5] for row in made.rows if "subscription" in row] == [line]
    assert subscribers(gatehouse) == ["ops@example.com"]
    assert gatehouse.up(small_document(), *option).out.endswith("nothing to change.\n")
    assert gatehouse.up(small_document()).out.endswith("nothing to change.\n")
    assert subscribers(gatehouse) == ["ops@example.com"]


def test_second_address_is_added_to_a_stage_that_stands(gatehouse: Gatehouse) -> None:
    gatehouse.up(small_document(), "--alarm-email", "ops@example.com")
    gatehouse.up(small_document(), "--alarm-email", "boss@example.com")

    assert sorted(subscribers(gatehouse)) == ["boss@example.com", "ops@example.com"]


@pytest.mark.parametrize("address", ["ops", "ops@", "a b@example.com"])
def test_text_that_is_no_address_is_refused_before_anything_is_made(gatehouse: Gatehouse, address: str) -> None:
    ran = gatehouse.up(small_document(), "--alarm-email", address)

    assert (ran.code, ran.err) == (2, f"--alarm-email {address} must look like name@example.com.\n")
    assert holdings(gatehouse.stage)["stacks"] == {}


def test_alarm_of_a_stage_from_before_moves_to_the_stack_of_alarms(gatehouse: Gatehouse) -> None:
    own, *_ = stage_stacks(gatehouse.stage.name, [])
    stack_changes(gatehouse.stage, replace(own, template=own.template + OLD_ALARM), dry_run=False)
    (old,) = (
        one["AlarmName"]
        for one in boto3.client("cloudwatch").describe_alarms()["MetricAlarms"]
        if one["AlarmName"].startswith(f"gatehouse-{gatehouse.stage.name}-FunctionErrors-")
    )
    ran = gatehouse.up(small_document())

    assert ["update", "stack", own.name, "remove", "FunctionErrors"] in ran.rows
    assert ["create", "stack", f"{own.name}-alarms"] in ran.rows
    names = [one["AlarmName"] for one in alarms(gatehouse)]
    assert old not in names
    assert f"{own.name}-FunctionErrors" in names


def test_stage_whose_alarms_may_not_be_made_has_its_keys_and_gets_the_alarms_later(gatehouse: Gatehouse) -> None:
    def deny(params: dict[str, Any], **_: Any) -> None:
        if params["StackName"].endswith("-alarms"):
            raise ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "CreateChangeSet")

    events = gatehouse.stage.cloudformation.meta.events
    events.register("provide-client-params.cloudformation.CreateChangeSet", deny)
    with pytest.raises(ClientError, match="AccessDenied"):
        up(gatehouse.stage, load(Path(write(gatehouse.directory, small_document()))))
    events.unregister("provide-client-params.cloudformation.CreateChangeSet", deny)

    assert gatehouse.stage.config().keys().current("RS256")
    assert [row for row in gatehouse.up(small_document()).rows if row[0] == "create"] == [
        ["create", "stack", f"gatehouse-{gatehouse.stage.name}-alarms"]
    ]


def test_nothing_that_tells_of_a_stage_outlives_its_stacks(gatehouse: Gatehouse) -> None:
    gatehouse.up(small_document())
    for stack in (f"{gatehouse.stage.prefix}alarms", f"gatehouse-{gatehouse.stage.name}"):
        gatehouse.stage.cloudformation.delete_stack(StackName=stack)
    cloudwatch = boto3.client("cloudwatch")

    assert alarms(gatehouse) == []
    rules = [one["Name"] for one in cloudwatch.describe_insight_rules()["InsightRules"]]
    assert [name for name in rules if name.startswith(gatehouse.stage.prefix)] == []
    dashboards = [one["DashboardName"] for one in cloudwatch.list_dashboards()["DashboardEntries"]]
    assert f"gatehouse-{gatehouse.stage.name}" not in dashboards
    assert own_metrics(gatehouse) == set(UNITS)

"""The alarms of a stage and the metric filters that they watch, read off the templates."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from cfnlint.decode import cfn_yaml  # type: ignore[import-untyped]  # has no types

from chalicelib.store.aws.messages import EMAIL_UNSENT, SMS_UNSENT
from infra.deploy.edge.access_log import FORMAT
from infra.gateway.responses import load_gateway_responses

# What CloudWatch compares of a JSON line.
TERM = re.compile(r'\$\.event = "(\w+)"')
PROJECT = Path(__file__).parents[2]
STAGES = json.loads((PROJECT / ".chalice" / "config.json").read_text("utf-8"))["stages"]
# As Chalice calls the functions; `lambda_functions` lists those beside the one of the API.
FUNCTIONS = ["gatehouse-${Stage}", *(f"gatehouse-${{Stage}}-{name}" for name in STAGES["dev"]["lambda_functions"])]


def resources(kind: str) -> list[dict[str, Any]]:
    templates = (PROJECT / "infra" / "stage" / name for name in ("stage.yaml", "alarms.yaml"))
    found = [one for template in templates for one in cfn_yaml.load(str(template))["Resources"].values()]
    return [one["Properties"] for one in found if one["Type"] == kind]


def alarms_on(metric: str, function: str) -> list[dict[str, Any]]:
    watched = [{"Name": "FunctionName", "Value": {"Fn::Sub": function}}]
    alarms = resources("AWS::CloudWatch::Alarm")
    return [one for one in alarms if one.get("MetricName") == metric and one.get("Dimensions") == watched]


@pytest.mark.parametrize("function", FUNCTIONS)
def test_one_error_of_a_function_within_a_minute_is_an_alarm(function: str) -> None:
    (alarm,) = alarms_on("Errors", function)

    assert alarm["Namespace"] == "AWS/Lambda"
    require_one_a_minute(alarm)


def require_one_a_minute(alarm: dict[str, Any]) -> None:
    assert (alarm["Statistic"], alarm["Period"], alarm["EvaluationPeriods"]) == ("Sum", 60, 1)
    assert (alarm["ComparisonOperator"], alarm["Threshold"]) == ("GreaterThanOrEqualToThreshold", 1)
    assert alarm["TreatMissingData"] == "notBreaching"


@pytest.mark.parametrize(
    ("log_group", "codes"), [("FunctionLogs", {EMAIL_UNSENT, SMS_UNSENT}), ("NoticeLogs", {EMAIL_UNSENT})]
)
def test_one_message_that_could_not_be_sent_within_a_minute_is_an_alarm(log_group: str, codes: set[str]) -> None:
    (metric_filter,) = (
        one for one in resources("AWS::Logs::MetricFilter") if one["LogGroupName"] == {"Ref": log_group}
    )
    (metric,) = metric_filter["MetricTransformations"]
    watched = (metric["MetricNamespace"], metric["MetricName"])
    (alarm,) = (
        one for one in resources("AWS::CloudWatch::Alarm") if (one.get("Namespace"), one.get("MetricName")) == watched
    )

    assert set(TERM.findall(metric_filter["FilterPattern"])) == codes
    assert metric["MetricValue"] == "1"
    require_one_a_minute(alarm)


def test_throttled_requests_of_the_access_log_are_an_alarm() -> None:
    (metric_filter,) = (
        one for one in resources("AWS::Logs::MetricFilter") if one["LogGroupName"] == {"Ref": "AccessLogs"}
    )
    (metric,) = metric_filter["MetricTransformations"]
    (alarm,) = (one for one in resources("AWS::CloudWatch::Alarm") if one.get("MetricName") == metric["MetricName"])

    # API Gateway's word for it, under the name that the lines have.
    assert "THROTTLED" in load_gateway_responses()
    assert json.loads(FORMAT)["error"] == "$context.error.responseType"
    assert metric_filter["FilterPattern"] == '{ $.error = "THROTTLED" }'
    assert (alarm["Statistic"], alarm["Period"], alarm["Threshold"]) == ("Sum", 300, 100)

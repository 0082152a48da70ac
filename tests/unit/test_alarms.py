"""The alarms of a stage. moto's CloudFormation leaves them out, so they are read off the template."""

import json
from pathlib import Path
from typing import Any

import pytest
from cfnlint.decode import cfn_yaml  # type: ignore[import-untyped]  # has no types

PROJECT = Path(__file__).parents[2]
STAGES = json.loads((PROJECT / ".chalice" / "config.json").read_text("utf-8"))["stages"]
# As Chalice calls the functions; `lambda_functions` lists those beside the one of the API.
FUNCTIONS = ["gatehouse-${Stage}", *(f"gatehouse-${{Stage}}-{name}" for name in STAGES["dev"]["lambda_functions"])]


def alarms_on(metric: str, function: str) -> list[dict[str, Any]]:
    resources = cfn_yaml.load(str(PROJECT / "infra" / "stage.yaml"))["Resources"]
    alarms = [one["Properties"] for one in resources.values() if one["Type"] == "AWS::CloudWatch::Alarm"]
    watched = [{"Name": "FunctionName", "Value": {"Fn::Sub": function}}]
    return [one for one in alarms if one["MetricName"] == metric and one["Dimensions"] == watched]


@pytest.mark.parametrize("function", FUNCTIONS)
def test_one_error_of_a_function_within_a_minute_is_an_alarm(function: str) -> None:
    (alarm,) = alarms_on("Errors", function)

    counted = (alarm["Namespace"], alarm["Statistic"], alarm["Period"], alarm["EvaluationPeriods"])
    assert counted == ("AWS/Lambda", "Sum", 60, 1)
    assert (alarm["ComparisonOperator"], alarm["Threshold"]) == ("GreaterThanOrEqualToThreshold", 1)
    assert alarm["TreatMissingData"] == "notBreaching"

"""The alarms, metric filters and insight rules of a stack in moto, whose CloudFormation leaves them out."""

from typing import Any

from moto.cloudwatch.models import (
    CloudWatchBackend,
    Dimension,
    Metric,
    MetricDataQuery,
    MetricStat,
    cloudwatch_backends,
)
from moto.core.common_models import CloudFormationModel
from moto.logs.models import logs_backends

from infra.local.stacks.model import Kind, Model, Properties


def _put_alarm(account: str, region: str, name: str, properties: Properties) -> None:
    backend: CloudWatchBackend = cloudwatch_backends[account][region]
    backend.put_metric_alarm(
        name=name,
        namespace=properties.get("Namespace", ""),
        metric_name=properties.get("MetricName", ""),
        metric_data_queries=[_query(one) for one in properties.get("Metrics", [])],
        comparison_operator=properties["ComparisonOperator"],
        evaluation_periods=properties["EvaluationPeriods"],
        datapoints_to_alarm=properties.get("DatapointsToAlarm"),
        period=properties.get("Period", 0),
        threshold=properties["Threshold"],
        statistic=properties.get("Statistic", ""),
        extended_statistic=properties.get("ExtendedStatistic"),
        description=properties.get("AlarmDescription", ""),
        dimensions=properties.get("Dimensions", []),
        alarm_actions=properties.get("AlarmActions", []),
        treat_missing_data=properties.get("TreatMissingData"),
        evaluate_low_sample_count_percentile=properties.get("EvaluateLowSampleCountPercentile"),
    )


def _query(query: Properties) -> MetricDataQuery:
    stat = query.get("MetricStat")
    made = None
    if stat:
        metric = stat["Metric"]
        named = Metric(metric["MetricName"], metric["Namespace"], _dimensions(metric))
        made = MetricStat(named, stat["Period"], stat["Stat"], stat.get("Unit", ""))
    period: Any = query.get("Period")  # moto's type for it is str
    words = query["Id"], query.get("Label", ""), period, query.get("ReturnData", True)
    return MetricDataQuery(*words, query.get("Expression"), made)


def _dimensions(properties: Properties) -> list[Any]:
    return [Dimension(one["Name"], one["Value"]) for one in properties.get("Dimensions", [])]


def _delete_alarm(account: str, region: str, name: str, _: Properties) -> None:
    cloudwatch_backends[account][region].delete_alarms([name])


def _put_filter(account: str, region: str, name: str, properties: Properties) -> None:
    # The API's words begin with a small letter, those of templates with a capital.
    made: Any = [
        {key[0].lower() + key[1:]: value for key, value in one.items()} for one in properties["MetricTransformations"]
    ]
    wanted = properties["FilterPattern"], properties["LogGroupName"], made
    logs_backends[account][region].put_metric_filter(name, *wanted)


def _delete_filter(account: str, region: str, name: str, properties: Properties) -> None:
    logs_backends[account][region].delete_metric_filter(name, properties["LogGroupName"])


def _put_rule(account: str, region: str, name: str, properties: Properties) -> None:
    cloudwatch_backends[account][region].put_insight_rule(name, properties["RuleState"], properties["RuleBody"])


def _delete_rule(account: str, region: str, name: str, _: Properties) -> None:
    cloudwatch_backends[account][region].delete_insight_rules([name])


class Alarm(Model, CloudFormationModel):
    """An alarm of a stack."""

    kind = Kind("AWS::CloudWatch::Alarm", "AlarmName", _put_alarm, _delete_alarm)


class MetricFilter(Model, CloudFormationModel):
    """A metric filter of a stack."""

    kind = Kind("AWS::Logs::MetricFilter", "FilterName", _put_filter, _delete_filter)


class InsightRule(Model, CloudFormationModel):
    """A rule of Contributor Insights of a stack."""

    kind = Kind("AWS::CloudWatch::InsightRule", "RuleName", _put_rule, _delete_rule)

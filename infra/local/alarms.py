"""The alarms, metric filters and insight rules of a stack in moto, whose CloudFormation leaves them out."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

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

Properties = dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Kind:
    """A kind of resource. name: the property with its name. put, delete: take account, region, name and properties."""

    cloudformation_type: str
    name: str
    put: Callable[[str, str, str, Properties], None]
    delete: Callable[[str, str, str, Properties], None]


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


class _Model:
    """A resource, as moto's CloudFormation asks for it. moto finds direct subclasses of its own model alone."""

    kind: ClassVar[_Kind]

    def __init__(self, name: str, properties: Properties) -> None:
        self.name = self.physical_resource_id = name
        self.properties = properties

    @classmethod
    def cloudformation_name_type(cls) -> str:
        return cls.kind.name

    @classmethod
    def cloudformation_type(cls) -> str:
        return cls.kind.cloudformation_type

    @classmethod
    def has_cfn_attr(cls, _: str) -> bool:
        return False

    @classmethod
    def create_from_cloudformation_json(
        cls, resource_name: str, cloudformation_json: Properties, account_id: str, region_name: str, **_: Any
    ) -> "_Model":
        cls.kind.put(account_id, region_name, resource_name, cloudformation_json["Properties"])
        return cls(resource_name, cloudformation_json["Properties"])

    @classmethod
    def update_from_cloudformation_json(
        cls,
        original_resource: "_Model",
        new_resource_name: str,
        cloudformation_json: Properties,
        account_id: str,
        region_name: str,
    ) -> "_Model":
        original_resource.delete(account_id, region_name)
        return cls.create_from_cloudformation_json(new_resource_name, cloudformation_json, account_id, region_name)

    def delete(self, account_id: str, region_name: str) -> None:
        self.kind.delete(account_id, region_name, self.name, self.properties)

    def is_created(self) -> bool:
        return True


class Alarm(_Model, CloudFormationModel):
    """An alarm of a stack."""

    kind = _Kind("AWS::CloudWatch::Alarm", "AlarmName", _put_alarm, _delete_alarm)


class MetricFilter(_Model, CloudFormationModel):
    """A metric filter of a stack."""

    kind = _Kind("AWS::Logs::MetricFilter", "FilterName", _put_filter, _delete_filter)


class InsightRule(_Model, CloudFormationModel):
    """A rule of Contributor Insights of a stack."""

    kind = _Kind("AWS::CloudWatch::InsightRule", "RuleName", _put_rule, _delete_rule)

"""A kind of resource, for moto's CloudFormation."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

Properties = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of resource. name: the property with its name. put, delete: take account, region, name and properties.

    put makes the resource, or changes it. arn: takes account, region and name, and returns its ARN.
    """

    cloudformation_type: str
    name: str
    put: Callable[[str, str, str, Properties], None]
    delete: Callable[[str, str, str, Properties], None]
    arn: Callable[[str, str, str], str] | None = None


class Model:
    """A resource, as moto's CloudFormation asks for it. moto finds direct subclasses of its own model alone."""

    kind: ClassVar[Kind]

    def __init__(self, name: str, properties: Properties, arn: str) -> None:
        self.name = self.physical_resource_id = name
        self.properties = properties
        self.arn = arn

    @classmethod
    def cloudformation_name_type(cls) -> str:
        return cls.kind.name

    @classmethod
    def cloudformation_type(cls) -> str:
        return cls.kind.cloudformation_type

    @classmethod
    def has_cfn_attr(cls, attribute: str) -> bool:
        return attribute == "Arn" and cls.kind.arn is not None

    def get_cfn_attribute(self, _: str) -> str:
        return self.arn

    @classmethod
    def create_from_cloudformation_json(
        cls, resource_name: str, cloudformation_json: Properties, account_id: str, region_name: str, **_: Any
    ) -> "Model":
        cls.kind.put(account_id, region_name, resource_name, cloudformation_json["Properties"])
        arn = cls.kind.arn(account_id, region_name, resource_name) if cls.kind.arn else ""
        return cls(resource_name, cloudformation_json["Properties"], arn)

    @classmethod
    def update_from_cloudformation_json(
        cls,
        original_resource: "Model",
        new_resource_name: str,
        cloudformation_json: Properties,
        account_id: str,
        region_name: str,
    ) -> "Model":
        if original_resource.name != new_resource_name:
            original_resource.delete(account_id, region_name)
        return cls.create_from_cloudformation_json(new_resource_name, cloudformation_json, account_id, region_name)

    def delete(self, account_id: str, region_name: str) -> None:
        self.kind.delete(account_id, region_name, self.name, self.properties)

    def is_created(self) -> bool:
        return True

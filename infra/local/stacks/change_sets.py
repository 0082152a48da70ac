"""The parameters and outputs of change sets in moto, which forgets both."""

from typing import Any

from moto.cloudformation.models import ChangeSet
from moto.cloudformation.parsing import OutputMap, ResourceMap

_diff_of_moto, _apply_of_moto = ResourceMap.build_resource_diff, ChangeSet.apply


def _diff(
    self: ResourceMap, other_template: dict[str, Any], parameters: dict[str, Any] | None = None
) -> dict[str, Any]:
    """Return what changes. A parameter may reach a resource by a condition, so all of them change with it."""
    found = _diff_of_moto(self, other_template, parameters)
    if parameters and parameters != self.input_parameters:
        found["Modify"] = [name for name in self.resources if name in other_template["Resources"]]
    return found


def _apply(self: ChangeSet) -> None:
    _apply_of_moto(self)
    self.stack.parameters = self.parameters
    self.stack.template_dict = self.template_dict
    self.stack.output_map = OutputMap(self.stack.resource_map, self.template_dict, self.stack.stack_id)


ResourceMap.build_resource_diff = _diff  # type: ignore[method-assign]  # moto has no other way in
ChangeSet.apply = _apply  # type: ignore[method-assign]  # moto has no other way in

"""Join the functions of one REST API: each answers the resources whose methods call it."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from infra.gateway.app import Invoke, LambdaContext


@dataclass(frozen=True, slots=True)
class ApiFunction:
    """One function behind an API. routes: the methods of each resource that calls it; a Chalice app's `routes`."""

    routes: Mapping[str, Collection[str]]
    invoke: Invoke


def join_functions(*functions: ApiFunction) -> ApiFunction:
    """Return the functions as one, which hands each event to the function of its resource."""
    routes = {resource: methods for one in functions for resource, methods in one.routes.items()}
    by_resource = {resource: one.invoke for one in functions for resource in one.routes}

    def invoke(event: dict[str, Any], context: LambdaContext) -> object:
        return by_resource[event["resource"]](event, context)

    return ApiFunction(routes, invoke)

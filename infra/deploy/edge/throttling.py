"""Set how many requests a second API Gateway lets through, for the stage and for some of its methods.

`throttling` of a stage in .chalice/config.json replaces the defaults. API Gateway holds each method to its limit.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from infra.deploy.api import DeployedApi
from infra.errors import OperatorError
from infra.stage.chalice_config import PROJECT, stage_config
from infra.stage.changes import PlannedChange
from infra.tenant.faults import quote, suggest

if TYPE_CHECKING:
    from mypy_boto3_apigateway import APIGatewayClient
    from mypy_boto3_apigateway.type_defs import PatchOperationTypeDef

# More than any account has: a slip of the finger, not a wish.
HIGHEST = 1_000_000


@dataclass(frozen=True, slots=True)
class Limit:
    """The limit of a method. rate: requests a second. burst: how many may come at once."""

    rate: float
    burst: int


# By default KMS signs 1,000 times a second, which is 500 logins with an ID token each. An account has 10,000 requests a
# second and bursts of 5,000.
DEFAULTS = {"all": Limit(2000, 4000), "logins": Limit(500, 1000), "accounts": Limit(50, 100)}
# Of each group its methods, as (path, method). A method of its own limit is not held to that of "all".
METHODS = {
    "all": (("*", "*"),),
    "logins": tuple((path, "POST") for path in ("/oauth/token", "/mfa/challenge", "/mfa/associate")),
    "accounts": tuple(
        (path, "POST")
        for path in (
            "/dbconnections/signup",
            "/dbconnections/change_password",
            "/accounts/reset_password",
            "/accounts/verify_email",
            "/accounts/send_verification",
            "/u/unblock",
            "/u/verify",
            "/u/reset",
        )
    ),
}


def read_limits(stage: str, project: Path = PROJECT) -> dict[str, Limit]:
    """Return the limit of each group of methods. Raises OperatorError for a fault of .chalice/config.json."""
    named = stage_config(stage, project).config_from_disk["stages"][stage].get("throttling", {})
    place = f".chalice/config.json, stage {stage}: throttling"
    _require_members(place, named, DEFAULTS)
    return {name: _read_limit(f"{place}.{name}", named.get(name, {}), limit) for name, limit in DEFAULTS.items()}


def differing_groups(settings: dict[str, Any], limits: dict[str, Limit]) -> list[str]:
    """Return the groups with a method whose limit is another one. settings: API Gateway's `methodSettings`."""
    held = {
        _key(name): (one.get("throttlingRateLimit"), one.get("throttlingBurstLimit")) for name, one in settings.items()
    }
    return [
        name
        for name, limit in limits.items()
        if any(held.get(_key("/".join(method))) != (limit.rate, limit.burst) for method in METHODS[name])
    ]


def throttling_changes(client: "APIGatewayClient", api: DeployedApi, limits: dict[str, Limit]) -> list[PlannedChange]:
    """Set the limits that differ. Return the changes."""
    settings: dict[str, Any] = dict(client.get_stage(restApiId=api.rest_api_id, stageName=api.stage)["methodSettings"])
    groups = differing_groups(settings, limits)
    if groups:
        patches = [patch for name in groups for patch in _patches(name, limits[name])]
        client.update_stage(restApiId=api.rest_api_id, stageName=api.stage, patchOperations=patches)
    return [PlannedChange("update", f"throttling of {name}", describe_limit(limits[name])) for name in groups]


def describe_limit(limit: Limit) -> str:
    """Return a limit in words."""
    return f"{limit.rate:,} requests a second of each method, bursts of {limit.burst:,}"


def _read_limit(place: str, named: Any, default: Limit) -> Limit:
    _require_members(place, named, ("rate", "burst"))
    for name, value in named.items():
        kinds = (int, float) if name == "rate" else (int,)
        if isinstance(value, bool) or not isinstance(value, kinds) or not 1 <= value <= HIGHEST:
            raise OperatorError(f"{place}.{name} is {quote(str(value))}. Write a number from 1 to {HIGHEST:,}.")
    return replace(default, **named)


def _require_members(place: str, named: Any, known: Iterable[str]) -> None:
    if not isinstance(named, dict):
        raise OperatorError(f"{place} is no object.")
    for name in named:
        if name not in known:
            raise OperatorError(f"{place} has no {quote(name)} ({suggest(name, list(known))}).")


def _patches(group: str, limit: Limit) -> "Iterable[PatchOperationTypeDef]":
    for path, method in METHODS[group]:
        # RFC 6901 3: a slash within a name.
        pointer = f"/{path.replace('/', '~1')}/{method}/throttling"
        yield {"op": "replace", "path": f"{pointer}/rateLimit", "value": str(limit.rate)}
        yield {"op": "replace", "path": f"{pointer}/burstLimit", "value": str(limit.burst)}


def _key(name: str) -> str:
    """Return one spelling of a method's name: API Gateway has it with its slashes escaped, or not."""
    return name.replace("~1", "/").strip("/")

"""`.chalice/config.json`: which stages the project has, and the environment of each one's function."""

import json
from pathlib import Path
from typing import Any

from chalice.config import Config

from infra.errors import Refused
from infra.tenant.faults import instead, shown

PROJECT = Path(__file__).parents[2]


def stage_environment(stage: str, project: Path = PROJECT) -> dict[str, str]:
    """Return the environment variables that Chalice gives a stage's function; raises Refused for an unknown stage."""
    variables: dict[str, str] = Config(stage, config_from_disk=_listed(stage, project)).environment_variables
    return variables


def require_listed(stage: str, project: Path = PROJECT) -> None:
    """Let a stage pass that the project has; raises Refused for a name that was mistyped, or never added."""
    _listed(stage, project)


def app_name(project: Path = PROJECT) -> str:
    """Return the name that begins the names of all that Chalice deploys."""
    return str(_read(project).get("app_name", ""))


def gateway_stage(stage: str, project: Path = PROJECT) -> str:
    """Return API Gateway's name of a stage, which stands in its URL; raises Refused for an unknown stage."""
    return str(Config(stage, config_from_disk=_listed(stage, project)).api_gateway_stage)


def _listed(stage: str, project: Path) -> dict[str, Any]:
    config = _read(project)
    if stage not in config["stages"]:
        mend = instead(stage, config["stages"])
        raise Refused(f"No stage {shown(stage)} in .chalice/config.json ({mend}). Add a new stage there first.")
    return config


def _read(project: Path) -> dict[str, Any]:
    try:
        config: dict[str, Any] = json.loads((project / ".chalice" / "config.json").read_text("utf-8"))
        return config | {"stages": config["stages"]}
    except (OSError, ValueError, KeyError) as fault:
        raise Refused(f"{project} holds no readable .chalice/config.json: {fault}") from fault

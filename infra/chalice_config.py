"""`.chalice/config.json`: which stages the project has, and the environment of each one's function."""

import json
from pathlib import Path
from typing import Any

from chalice.config import Config

from infra.people import Refused

PROJECT = Path(__file__).parents[1]


def stage_environment(stage: str, project: Path = PROJECT) -> dict[str, str]:
    """Return the environment variables that Chalice gives a stage's function; raises Refused for an unknown stage."""
    config = _read(project)
    if stage not in config["stages"]:
        raise Refused(f"No stage {stage} in .chalice/config.json, which has: {', '.join(config['stages'])}.")
    variables: dict[str, str] = Config(stage, config_from_disk=config).environment_variables
    return variables


def _read(project: Path) -> dict[str, Any]:
    try:
        config: dict[str, Any] = json.loads((project / ".chalice" / "config.json").read_text("utf-8"))
        return config | {"stages": config["stages"]}
    except (OSError, ValueError, KeyError) as fault:
        raise Refused(f"{project} holds no readable .chalice/config.json: {fault}") from fault

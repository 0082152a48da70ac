"""Read `.chalice/config.json`: the project's stages, and the environment of each stage's function."""

import json
from pathlib import Path
from typing import Any

from chalice.config import Config
from chalice.constants import DEFAULT_APIGATEWAY_STAGE_NAME

from infra.errors import OperatorError
from infra.tenant.faults import quote, suggest

ISSUER = "GATEHOUSE_ISSUER"
SOURCES = Path(__file__).parents[2]
# A command that was installed from a wheel has no project of its own: it takes the folder that it is run in.
PROJECT = SOURCES if (SOURCES / ".chalice").is_dir() else Path.cwd()
# Chalice's name of the API's function, among `lambda_functions`.
API_HANDLER = "api_handler"


def stage_config(stage: str, project: Path = PROJECT) -> Config:
    """Return Chalice's configuration of a stage. Raises OperatorError for an unknown stage."""
    return Config(stage, config_from_disk=_require_stage(stage, project))


def function_configs(stage: str, project: Path = PROJECT) -> dict[str, Config]:
    """Return Chalice's configuration of each function of a stage, by the function's name in Lambda."""
    config = stage_config(stage, project)
    named = config.config_from_disk["stages"][stage].get("lambda_functions", {})
    name = f"{config.app_name}-{stage}"
    # In Lambda the function of the API is named after the stage alone.
    others = {f"{name}-{one}": config.scope(stage, one) for one in named if one != API_HANDLER}
    return {name: config.scope(stage, API_HANDLER), **others}


def stage_environment(stage: str, project: Path = PROJECT) -> dict[str, str]:
    """Return the environment variables of a stage's function. Raises OperatorError for an unknown stage."""
    variables: dict[str, str] = stage_config(stage, project).environment_variables
    return variables


def issuer_of(stage: str, project: Path = PROJECT) -> str:
    """Return the issuer that a stage is configured with, or "" if each URL of its API is one."""
    return stage_environment(stage, project).get(ISSUER, "")


def set_variable(stage: str, name: str, value: str, project: Path = PROJECT) -> None:
    """Write an environment variable of a stage's functions into the file; "" takes it out.

    Raises OperatorError for an unknown stage.
    """
    config = _require_stage(stage, project)
    variables = config["stages"][stage].setdefault("environment_variables", {})
    if value:
        variables[name] = value
    else:
        variables.pop(name, None)
    path = project / ".chalice" / "config.json"
    beside = path.with_suffix(".new")
    beside.write_text(json.dumps(config, indent=2, ensure_ascii=False) + "\n", "utf-8")
    beside.replace(path)


def require_listed(stage: str, project: Path = PROJECT) -> None:
    """Raise OperatorError if the project has no such stage: the name was mistyped, or never added."""
    _require_stage(stage, project)


def listed_stages(project: Path = PROJECT) -> list[str]:
    """Return the names of the project's stages."""
    return list(_read_config(project)["stages"])


def app_name(project: Path = PROJECT) -> str:
    """Return the application's name, with which Chalice begins the name of each thing that it deploys."""
    return str(_read_config(project).get("app_name", ""))


def gateway_stage(stage: str, project: Path = PROJECT) -> str:
    """Return API Gateway's name of a stage, which is part of its URL. Raises OperatorError for an unknown stage."""
    return str(stage_config(stage, project).api_gateway_stage or DEFAULT_APIGATEWAY_STAGE_NAME)


def _require_stage(stage: str, project: Path) -> dict[str, Any]:
    config = _read_config(project)
    if stage not in config["stages"]:
        mend = suggest(stage, config["stages"])
        raise OperatorError(f"No stage {quote(stage)} in .chalice/config.json ({mend}). Add a new stage there first.")
    return config


def _read_config(project: Path) -> dict[str, Any]:
    if not (project / ".chalice").is_dir():
        raise OperatorError(
            f"{project} is no project: run this in a clone of Gatehouse, or in its unpacked source package."
        )
    try:
        config: dict[str, Any] = json.loads((project / ".chalice" / "config.json").read_text("utf-8"))
        _require_form(config)
    except (OSError, ValueError) as fault:
        raise OperatorError(f"{project} holds no readable .chalice/config.json: {fault}") from fault
    return config


def _require_form(config: Any) -> None:
    """Raise ValueError for a part of another form, which Chalice's own reader takes."""
    parts = {"the file": config}
    for stage, of in _object("stages", _object("the file", config).get("stages")).items():
        functions = _object(f"{stage}.lambda_functions", _object(stage, of).get("lambda_functions", {}))
        parts |= {stage: of, **{f"{stage}.lambda_functions.{name}": one for name, one in functions.items()}}
    for place, part in parts.items():
        variables = _object(f"environment_variables of {place}", _object(place, part).get("environment_variables", {}))
        for name, value in variables.items():
            if not isinstance(value, str):
                raise ValueError(f"{name} in environment_variables of {place} is no text")


def _object(place: str, part: Any) -> dict[str, Any]:
    if not isinstance(part, dict):
        raise ValueError(f"{place} is no object")
    return part

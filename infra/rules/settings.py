"""Read and write the settings of rules, for the tools. A value is never shown again."""

import re
from collections.abc import Callable
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from chalicelib.errors import TemporarilyUnavailable
from chalicelib.model.clock import SystemClock
from chalicelib.store.configuration.rule_settings import RuleSettings
from chalicelib.store.configuration.vault import Vault
from infra.errors import NotReady, OperatorError
from infra.stage.aws import Stage
from infra.text_file import read_text

# Auth0's form of a name.
NAME = re.compile(r"[A-Za-z0-9_@*+:-]{1,127}")
MAX_LENGTH = 4096
_TEXTS = TypeAdapter(dict[str, str])


def settings_of(stage: Stage) -> RuleSettings:
    """Return the settings of a stage, with nothing cached."""
    return RuleSettings(stage.config(), Vault(stage.aws, stage.name), SystemClock(), lifetime_s=0)


def require_name(name: str) -> None:
    """Raise OperatorError if no setting can have this name."""
    if not NAME.fullmatch(name):
        raise OperatorError("A setting's name has 1 to 127 letters, digits and _ - @ * + : in it.")


def set_value(stage: Stage, name: str, ask: Callable[[], str]) -> None:
    """Store the value that ask returns under this name. Raises OperatorError for a bad name or value, NotReady."""
    require_name(name)
    settings = settings_of(stage)
    # Before the value is typed: the stage may not exist.
    settings.names()
    value = ask()
    if not 0 < len(value) <= MAX_LENGTH:
        raise OperatorError(f"A setting has 1 to {MAX_LENGTH} characters.")
    try:
        settings.put(name, value)
    except TemporarilyUnavailable as failure:
        if "NotFoundException" in failure.reason:
            raise NotReady("missing: the data key") from None
        raise


def unset(stage: Stage, name: str) -> None:
    """Delete one setting. Raises OperatorError if there is none of this name."""
    if not settings_of(stage).delete(name):
        raise OperatorError(f"Stage {stage.name} has no rule setting {name}.")


def read_file(path: Path) -> dict[str, str]:
    """Return the settings of a JSON file, for a run without a stage. Raises OperatorError, without a value in it."""
    try:
        return _TEXTS.validate_json(read_text(path), strict=True)
    except ValidationError:
        # The error holds the file's values.
        raise OperatorError(f"{path}: must be a JSON object of texts by name.") from None

"""Choose rule packages, load them from this environment, and check them as deployed."""

import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from chalicelib.rules.loading import BadRules, Rule, load
from chalicelib.settings import RULE_PACKAGES, rule_packages
from infra.errors import OperatorError
from infra.stage.chalice_config import PROJECT, stage_environment

VENDOR = "vendor"
NONE_NAMED = f"Name the packages with --packages or {RULE_PACKAGES}, or a stage of .chalice/config.json with --stage."


def split(given: Iterable[str]) -> tuple[str, ...]:
    """Return the packages that options name. Each option may list several between commas."""
    return rule_packages({RULE_PACKAGES: ",".join(given)})


def of_stage(stage: str, project: Path = PROJECT) -> tuple[str, ...]:
    """Return the rule packages of a stage, in their order. Raises OperatorError for an unknown stage."""
    return rule_packages(stage_environment(stage, project))


def load_here(packages: Iterable[str], project: Path = PROJECT) -> tuple[Rule, ...]:
    """Return the rules of these packages, from this environment. Raises BadRules."""
    make_importable(project)
    return load(packages)


def load_named(given: Iterable[str], stage: str, project: Path = PROJECT) -> tuple[Rule, ...]:
    """Return the rules of the given packages, or else of the stage's. Raises OperatorError, BadRules."""
    packages = split(given)
    if not packages and not stage:
        raise OperatorError(NONE_NAMED)
    return load_here(packages or of_stage(stage, project), project)


def require_deployable(packages: tuple[str, ...], project: Path = PROJECT) -> tuple[str, ...]:
    """Return a line for each thing in the packages that has no effect. Raises BadRules with all faults.

    The packages are imported in a process that can import only what the deployed function can.
    """
    if not packages:
        return ()
    read = read_as_deployed("rules", packages, project)
    if read.returncode:
        raise BadRules(read.stderr.strip())
    return tuple(read.stdout.splitlines())


def read_as_deployed(kind: str, packages: tuple[str, ...], project: Path) -> subprocess.CompletedProcess[str]:
    """Return the run of the process that reads packages as deployed (`deployed.py`). kind: rules or mails."""
    command = [sys.executable, "-m", "infra.rules.deployed", str(project), kind, *packages]
    return subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)  # noqa: S603 (our own words)


def make_importable(project: Path) -> None:
    """Append vendor/, the project's root and the current directory to the import path."""
    for place in (project / VENDOR, project, Path.cwd()):
        if str(place) not in sys.path:
            sys.path.append(str(place))

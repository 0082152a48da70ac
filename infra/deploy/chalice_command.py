"""Run Chalice, and compile what it packs: `python -m infra.deploy.chalice_command deploy --stage dev`.

A failure is one line; with `--verbose`, Chalice's tracebacks follow it.

Lambda cannot store compiled files, so without this it compiles at each start (docs/run/performance.md). A compiled
file holds its source's hash: Python ignores one that is out of date.
"""

import sys
import traceback
from collections.abc import Callable, Sequence
from compileall import compile_dir
from pathlib import Path
from py_compile import PycInvalidationMode
from typing import Any

import click
from chalice.app import Chalice
from chalice.cli import cli
from chalice.deploy import deployer
from chalice.deploy.models import RestAPI
from chalice.deploy.packager import DependencyBuilder
from chalice.deploy.planner import StringFormat
from chalice.deploy.swagger import TemplatedSwaggerGenerator

from chalicelib.http.management import make_management_app
from chalicelib.http.routes import Services
from infra.stage.aws_faults import AWS_FAILURES, describe_failure

VERBOSE = "--verbose"
FAILED = 2
MANAGEMENT_FUNCTION = "management"


def compile_all(folder: Path) -> None:
    """Compile the Python files of a folder, for this Python's version, which becomes the function's."""
    compile_dir(folder, quiet=2, force=True, invalidation_mode=PycInvalidationMode.CHECKED_HASH)


class CompilingBuilder(DependencyBuilder):
    """Chalice's builder of dependencies, which compiles them too."""

    def build_site_packages(self, abi: str, requirements_filepath: str, target_directory: str) -> None:
        """Put the required packages into a folder, and compile them."""
        super().build_site_packages(abi, requirements_filepath, target_directory)
        compile_all(Path(target_directory))


class ManagementPaths(TemplatedSwaggerGenerator):
    """Chalice's description of an API, whose methods call the Management API's function."""

    def _uri(self, lambda_arn: str | None = None) -> StringFormat:
        # Chalice knows the ARN once it has deployed the function, which it does before the API.
        names = ["partition", "region_name", f"{MANAGEMENT_FUNCTION}_lambda_arn"]
        path = f"lambda:path/2015-03-31/functions/{{{names[2]}}}/invocations"
        return StringFormat(f"arn:{{partition}}:apigateway:{{region_name}}:{path}", names)


class WholeApi(TemplatedSwaggerGenerator):
    """Chalice's description of the API, with the paths of the Management API beside its own (docs/adr/0048)."""

    def generate_swagger(self, app: Chalice, rest_api: RestAPI | None = None) -> dict[str, Any]:
        """Return the description of the whole API, so that one deployment changes all of it at once."""
        document: dict[str, Any] = super().generate_swagger(app, rest_api)
        management = make_management_app(lambda: Services({}))
        return document | {
            "paths": document["paths"] | ManagementPaths().generate_swagger(management, rest_api)["paths"]
        }


def run(arguments: Sequence[str], chalice: Callable[..., Any] = cli) -> int:
    """Run Chalice and return its exit code."""
    try:
        chalice([word for word in arguments if word != VERBOSE], obj={})
    except Exception as failure:
        click.echo(describe_failure(_cause(failure)), err=True)
        if VERBOSE in arguments:
            click.echo(traceback.format_exc(), err=True)
        return FAILED
    return 0


def _cause(failure: Exception) -> Exception:
    """Return AWS's failure if Chalice has wrapped one, else Chalice's own, whose message gives advice."""
    inner = failure
    while isinstance(wrapped := getattr(inner, "original_error", None), Exception):
        inner = wrapped
    return inner if isinstance(inner, AWS_FAILURES) else failure


if __name__ == "__main__":
    for folder in ("chalicelib", "vendor"):
        compile_all(Path(folder))
    # Chalice looks these classes up by their names, and has no option for others.
    deployer.PipDependencyBuilder = CompilingBuilder  # type: ignore[attr-defined]  # it is an import there
    deployer.TemplatedSwaggerGenerator = WholeApi  # type: ignore[attr-defined]  # as above
    sys.exit(run(sys.argv[1:]))

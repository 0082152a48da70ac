"""Chalice's own command, with what it packs compiled: `python -m infra.deploy.chalice_command deploy --stage dev`.

A failure is one line; with `--verbose`, Chalice's tracebacks follow it.

Lambda cannot keep what it compiles: it did so at each start, for a fifth of its time (docs/run/performance.md). A
compiled file holds its source's hash and counts for that source alone: one that is out of date does no harm.
"""

import sys
import traceback
from collections.abc import Callable, Sequence
from compileall import compile_dir
from pathlib import Path
from py_compile import PycInvalidationMode
from typing import Any

import click
from chalice.cli import cli
from chalice.deploy import deployer
from chalice.deploy.packager import DependencyBuilder

from infra.stage.aws_faults import AWS_FAILURES, describe_failure

VERBOSE = "--verbose"
FAILED = 2


def compile_all(folder: Path) -> None:
    """Compile what lies in a folder, for this Python, whose version becomes the function's."""
    compile_dir(folder, quiet=2, force=True, invalidation_mode=PycInvalidationMode.CHECKED_HASH)


class CompilingBuilder(DependencyBuilder):
    """Chalice's, that compiles the packages it has unpacked."""

    def build_site_packages(self, abi: str, requirements_filepath: str, target_directory: str) -> None:
        """Put the required packages into a folder."""
        super().build_site_packages(abi, requirements_filepath, target_directory)
        compile_all(Path(target_directory))


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
    """Return AWS's failure if Chalice has wrapped one, or else Chalice's, whose words give advice of its own."""
    inner = failure
    while isinstance(wrapped := getattr(inner, "original_error", None), Exception):
        inner = wrapped
    return inner if isinstance(inner, AWS_FAILURES) else failure


if __name__ == "__main__":
    for folder in ("chalicelib", "vendor"):
        compile_all(Path(folder))
    # Chalice makes its builder itself, from this name, and leaves no other way to it.
    deployer.PipDependencyBuilder = CompilingBuilder  # type: ignore[attr-defined]  # it is an import there
    sys.exit(run(sys.argv[1:]))

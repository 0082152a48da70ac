"""The options of a plan, and --detailed-exitcode, which `up` and `apply` share."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any

import typer
from typer.core import TyperCommand

from infra.cli.options import EXIT_AWS_FAILED, EXIT_OPERATOR_ERROR
from infra.errors import OperatorError

DETAILED = "--detailed-exitcode"
WOULD_CHANGE = 2

DryRun = Annotated[bool, typer.Option("--dry-run", help="Show what would change, and change nothing.")]
PlanJson = Annotated[bool, typer.Option("--json", help="With --dry-run: print the plan as JSON.")]
DetailedExitcode = Annotated[
    bool, typer.Option(DETAILED, help="With --dry-run: exit 0 if nothing would change, 2 if something would, else 1.")
]


class PlanCommand(TyperCommand):
    """A command with --detailed-exitcode, whose function returns whether something would change.

    With that option an operator error exits with 1, and so does a mistyped option: 2 means that something would change.
    """

    def make_context(self, info_name: Any, args: list[str], parent: Any = None, **extra: Any) -> Any:
        """Return the context of these arguments."""
        with _exit_1_for_operator_errors(DETAILED in args):
            return super().make_context(info_name, args, parent, **extra)

    def invoke(self, ctx: Any) -> Any:
        """Run the command."""
        is_detailed = ctx.params["detailed_exitcode"]
        with _exit_1_for_operator_errors(is_detailed):
            would_change = super().invoke(ctx)
        if is_detailed and would_change:
            raise typer.Exit(WOULD_CHANGE)


def require_dry_run(dry_run: bool, in_json: bool, detailed_exitcode: bool) -> None:
    """Raise OperatorError if an option of a plan is given without --dry-run."""
    if (in_json or detailed_exitcode) and not dry_run:
        raise OperatorError(f"{'--json' if in_json else DETAILED} is for a plan: give --dry-run too.")


@contextmanager
def _exit_1_for_operator_errors(is_detailed: bool) -> Iterator[None]:
    try:
        yield
    except Exception as left:
        # Usage errors and typer.Exit have nothing in common but this attribute.
        if is_detailed and getattr(left, "exit_code", None) == EXIT_OPERATOR_ERROR:
            vars_of: Any = left
            vars_of.exit_code = EXIT_AWS_FAILED
        raise

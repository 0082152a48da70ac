"""The parts that `up` and `apply` share: a plan in words or in JSON, and an exit code that says whether it is empty."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any

import typer
from typer.core import TyperCommand

from infra.cli.options import AWS_FAILED, REFUSED
from infra.errors import OperatorError

DETAILED = "--detailed-exitcode"
WOULD_CHANGE = 2

DryRun = Annotated[bool, typer.Option("--dry-run", help="Show what would change, and change nothing.")]
PlanJson = Annotated[bool, typer.Option("--json", help="With --dry-run: print the plan as JSON.")]
DetailedExitcode = Annotated[
    bool, typer.Option(DETAILED, help="With --dry-run: exit 0 if nothing would change, 2 if something would, else 1.")
]


class PlanCommand(TyperCommand):
    """A command that returns whether something would change, and takes --detailed-exitcode.

    With that option a refusal exits with 1, and so does a mistyped option: 2 has another meaning then.
    """

    def make_context(self, info_name: Any, args: list[str], parent: Any = None, **extra: Any) -> Any:
        """Return the context of these arguments."""
        with _refusals_exit_with_1(DETAILED in args):
            return super().make_context(info_name, args, parent, **extra)

    def invoke(self, ctx: Any) -> Any:
        """Run the command."""
        is_detailed = ctx.params["detailed_exitcode"]
        with _refusals_exit_with_1(is_detailed):
            would_change = super().invoke(ctx)
        if is_detailed and would_change:
            raise typer.Exit(WOULD_CHANGE)


def require_dry_run(dry_run: bool, in_json: bool, detailed_exitcode: bool) -> None:
    """Let the options of a plan pass; raises OperatorError if they are given without --dry-run."""
    if (in_json or detailed_exitcode) and not dry_run:
        raise OperatorError(f"{'--json' if in_json else DETAILED} is for a plan: give --dry-run too.")


@contextmanager
def _refusals_exit_with_1(is_detailed: bool) -> Iterator[None]:
    try:
        yield
    except Exception as left:
        # Usage errors and typer.Exit have nothing in common but this attribute.
        if is_detailed and getattr(left, "exit_code", None) == REFUSED:
            vars_of: Any = left
            vars_of.exit_code = AWS_FAILED
        raise

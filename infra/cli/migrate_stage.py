"""Bring the items of a filled stage into the shape of this version, and show how far it is."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from infra.cli.audit import auditing
from infra.cli.options import console
from infra.cli.output.tables import print_json, print_table
from infra.stage.aws import Stage, reach
from infra.stage.aws_faults import AWS_FAILURES
from infra.stage.migration.migrate import Migration, count_items, is_due
from infra.stage.migration.old_items import Kind


def migrate_stage(stage: str, dry_run: bool, in_json: bool) -> None:
    """Bring a stage over, and print how many items there were; a dry run counts them and writes nothing."""
    reached = reach(stage)
    rows = _count(reached) if dry_run else _migrate(reached)
    if in_json:
        print_json(console, {"stage": stage, "dry_run": dry_run, "items": rows})
    elif not rows:
        console.print(f"Stage {stage}: nothing to migrate.")
    else:
        console.print(f"Stage {stage} {'would bring' if dry_run else 'brought'} over", style="italic")
        print_table(console, ("items", "number"), [(kind, str(number)) for kind, number in rows.items()])


def _count(stage: Stage) -> dict[str, int]:
    with _shown(stage, 1) as tell:
        return _by_name(Migration(stage, tell).count())


def _migrate(stage: Stage) -> dict[str, int]:
    # A run that writes looks at all items a second time, to see that nothing is left.
    with auditing(stage, "migrate") as audited, _shown(stage, 2) as tell:
        rows = _by_name(Migration(stage, tell).run())
        audited.whom["items"] = [f"{number} {kind}" for kind, number in rows.items()]
        return rows


def _by_name(counts: Mapping[Kind, int]) -> dict[str, int]:
    return {kind.value: number for kind, number in sorted(counts.items()) if number}


def say_if_migration_is_due(stage: Stage) -> None:
    """Print which command to run, if the stage has items of the version before. `deploy` may not read them."""
    with suppress(*AWS_FAILURES):
        if is_due(stage):
            command = f"gatehouse migrate --stage {stage.name}"
            console.print(f"Stage {stage.name} has items of the version before. Once it is deployed, run: {command}")


@contextmanager
def _shown(stage: Stage, passes: int) -> Iterator[Callable[[int], None]]:
    """Show a progress bar on a terminal; return what takes the number of items that were looked at."""
    screen = Console(stderr=True)
    columns = (TextColumn("items"), BarColumn(), MofNCompleteColumn(), _Rate(), TimeRemainingColumn())
    with Progress(*columns, console=screen, transient=True, disable=not screen.is_terminal) as progress:
        task = progress.add_task("items", total=passes * count_items(stage) or None)
        yield lambda scanned: progress.advance(task, scanned)


class _Rate(ProgressColumn):
    """The column of items a second."""

    def render(self, task: Task) -> Text:
        """Return the rate of the last half minute."""
        return Text(f"{task.speed or 0:.0f}/s")

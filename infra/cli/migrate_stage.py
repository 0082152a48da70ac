"""Bring the items of a filled stage into the shape of this version, and show how far it is."""

from collections.abc import Callable, Iterator
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

from infra.cli.options import console
from infra.cli.output.tables import print_json, print_table
from infra.stage.aws import Stage, reach
from infra.stage.aws_faults import AWS_FAILURES
from infra.stage.migration.migrate import Migration, count_items, is_due


def migrate_stage(stage: str, dry_run: bool, in_json: bool) -> None:
    """Bring a stage over, and print how many items there were; a dry run counts them and writes nothing."""
    reached = reach(stage)
    # A run that writes looks at all items a second time, to see that nothing is left.
    with _shown(reached, 1 if dry_run else 2) as tell:
        migration = Migration(reached, tell)
        counts = migration.count() if dry_run else migration.run()
    rows = {kind.value: number for kind, number in sorted(counts.items()) if number}
    if in_json:
        print_json(console, {"stage": stage, "dry_run": dry_run, "items": rows})
    elif not rows:
        console.print(f"Stage {stage}: nothing to migrate.")
    else:
        console.print(f"Stage {stage} {'would bring' if dry_run else 'brought'} over", style="italic")
        print_table(console, ("items", "number"), [(kind, str(number)) for kind, number in rows.items()])


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

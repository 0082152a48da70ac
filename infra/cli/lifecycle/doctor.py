"""`gatehouse doctor`: look a stage over, and say what to mend."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from infra.cli.check import load_or_exit
from infra.cli.options import JsonOption, ProjectOption, StageOption, console, reports_failures
from infra.cli.output.tables import print_json
from infra.doctor.checks import CHECKS
from infra.doctor.findings import Examined, Finding, examine
from infra.stage.aws import reach
from infra.stage.chalice_config import PROJECT

EXIT_RED = 3
COLOURS = {"green": "green", "amber": "yellow", "red": "bold red"}


@reports_failures
def doctor(
    stage: StageOption,
    tenant: Annotated[Path | None, typer.Option(help="The tenant file that the stage should be in step with.")] = None,
    project: ProjectOption = PROJECT,
    in_json: JsonOption = False,
) -> None:
    """Look a stage over: green, amber or red, each with the mend. Changes nothing.

    Exit code 0: nothing is red; 3: something is.
    """
    file = load_or_exit(tenant) if tenant else None
    examined = Examined(reach(stage), project, file)
    with Console(stderr=True).status("Looking the stage over"):
        findings = list(examine(examined, CHECKS))
    if in_json:
        print_json(console, [finding.as_json() for finding in findings])
    else:
        _show(findings)
    if any(finding.status == "red" for finding in findings):
        raise typer.Exit(EXIT_RED)


def _show(findings: list[Finding]) -> None:
    """Print a line for each finding, and its mend below it, whole, to copy."""
    width = max(len(one.check) for one in findings)
    for one in findings:
        console.print(Text(f"{one.status:<6}", COLOURS[one.status]), f"{one.check:<{width}}  {one.message}")
        if one.mend:
            console.print(f"       {'':<{width}}  -> {one.mend}")
    console.print(f"{', '.join(f'{sum(one.status == name for one in findings)} {name}' for name in COLOURS)}.")

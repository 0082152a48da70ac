"""`gatehouse new`: a small tenant file to begin with."""

from pathlib import Path
from typing import Annotated

import typer

from infra.cli.options import console, reports_failures
from infra.errors import OperatorError

TEMPLATE = Path(__file__).parent / "new-tenant.yaml"


@reports_failures
def new(file: Annotated[Path, typer.Argument(help="The tenant file to write, such as my-tenant.yaml.")]) -> None:
    """Write a small tenant file with comments, to change and to serve with `gatehouse local`. Overwrites nothing."""
    text = TEMPLATE.read_text("utf-8")
    try:
        with file.open("x", encoding="utf-8") as written:
            written.write(text)
    except FileExistsError:
        raise OperatorError(f"{file} exists already: name another file.") from None
    except OSError as fault:
        raise OperatorError(f"{file} cannot be written ({fault.strerror}): choose another path.") from None
    console.print(f"{file} is written. Try it: gatehouse check {file}; gatehouse local --tenant {file}")

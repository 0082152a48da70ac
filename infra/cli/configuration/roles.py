"""`gatehouse roles`: the roles that a stage's people can have."""

from typing import Annotated, Any

import typer

from chalicelib.accounts.authorization import make_role_id
from chalicelib.store.configuration.documents import Document
from infra.cli.configuration.stored import stored_all
from infra.cli.options import JsonOption, StageOption, console, reports_failures
from infra.cli.output.tables import print_document, print_json, print_table
from infra.errors import OperatorError
from infra.stage.aws import reach

stage_roles = typer.Typer(name="roles", help="List a stage's roles, and show one.", no_args_is_help=True)


@stage_roles.command("list")
@reports_failures
def list_(stage: StageOption, as_json: JsonOption = False) -> None:
    """List the roles with their ids, and what each permits."""
    found = sorted(map(_shown, stored_all(reach(stage), "role")), key=lambda role: str(role["name"]))
    if as_json:
        print_json(console, found)
        return
    rows = [(one["name"], one["id"], one["description"] or "", _permissions(one)) for one in found]
    print_table(console, ("name", "id", "description", "permissions"), rows)


@stage_roles.command()
@reports_failures
def show(
    role: Annotated[str, typer.Argument(help="The name of a role, or its id.")],
    stage: StageOption,
    as_json: JsonOption = False,
) -> None:
    """Show one role, with the keys of the tenant file and its id."""
    found = list(map(_shown, stored_all(reach(stage), "role")))
    for one in found:
        if role in (one["name"], one["id"]):
            print_document(console, one, as_json)
            return
    known = sorted(str(one["name"]) for one in found)
    raise OperatorError(f"Stage {stage} has no role {role}. It has: {', '.join(known) or 'none'}.")


def _shown(document: Document) -> dict[str, Any]:
    return {"id": make_role_id(document["name"]), **document}


def _permissions(role: dict[str, Any]) -> str:
    return "\n".join(f"{one['value']} of {one['api']}" for one in role["permissions"])

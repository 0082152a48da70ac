"""`gatehouse rules`: check, list and try the rules, and write a new rule package."""

import json
from pathlib import Path
from typing import Annotated

import typer

from chalicelib.settings import RULE_PACKAGES, Settings
from infra.cli.check import load_or_exit
from infra.cli.options import EXIT_OPERATOR_ERROR, JsonOption, RealmOption, console, reports_failures
from infra.cli.output.escapes import printable
from infra.cli.output.tables import print_json, print_table
from infra.cli.rules.settings import settings
from infra.errors import OperatorError
from infra.local.rule_login import TrialOptions, make_trial_login, stage_or_file
from infra.rules.import_functions import require_deployable_imports
from infra.rules.packages import NONE_NAMED, load_here, load_named, of_stage, require_deployable, split
from infra.rules.scaffold import write_package
from infra.rules.settings import read_file, settings_of
from infra.rules.spelling import read_rules
from infra.rules.trial import RuleResult, Trial, as_json, try_rules

rules = typer.Typer(name="rules", help="Check, list and try the rules, and write a new package.", no_args_is_help=True)
rules.add_typer(settings)

PackagesOption = Annotated[
    list[str] | None,
    typer.Option("--packages", "-p", envvar=RULE_PACKAGES, help="A rule package; several, or between commas."),
]
StageChoice = Annotated[
    str,
    typer.Option("--stage", "-s", envvar="GATEHOUSE_STAGE", help="The stage whose packages are meant, such as dev."),
]


@rules.command()
@reports_failures
def check(packages: PackagesOption = None, stage: StageChoice = "", in_json: JsonOption = False) -> None:
    """Check that each rule can run; list all faults with their mends. A stage's packages are checked as deployed."""
    named = split(packages or ())
    if named:
        notes = read_rules(load_here(named))
    elif stage:
        named = of_stage(stage)
        notes = require_deployable(named)
        require_deployable_imports(stage)
    else:
        raise OperatorError(NONE_NAMED)
    if in_json:
        print_json(console, {"packages": named, "notes": notes})
        return
    for note in notes:
        console.print(note)
    console.print(f"Fine: {', '.join(named) or 'no rule packages'}")


@rules.command("list")
@reports_failures
def list_(packages: PackagesOption = None, stage: StageChoice = "", in_json: JsonOption = False) -> None:
    """List the rules in the order in which they run, each with the first line of its docstring."""
    loaded = load_named(packages or (), stage)
    rows = [
        {"package": rule.package, "rule": rule.name, "does": (rule.function.__doc__ or "").strip().partition("\n")[0]}
        for rule in loaded
    ]
    if in_json:
        print_json(console, rows)
        return
    cells = [(str(number), *row.values()) for number, row in enumerate(rows, 1)]
    print_table(console, ("", "package", "rule", "what it does"), cells)


@rules.command("new")
@reports_failures
def new(
    name: Annotated[str, typer.Argument(help="The package's name, such as acme_rules.")],
    directory: Annotated[
        Path, typer.Option("--directory", "-d", help="Where to write it; vendor/ is deployed.")
    ] = Path(),
) -> None:
    """Write a rule package with a first rule and a test of it."""
    for file in write_package(name, directory):
        console.print(str(file))


@rules.command("try")
@reports_failures
def try_(
    client: Annotated[str, typer.Option("--client", "-c", help="The client that the login comes through.")],
    realm: RealmOption,
    user: Annotated[str, typer.Option("--user", "-u", help="Who logs in: a username, an email or a user_id.")] = "",
    user_file: Annotated[
        Path | None, typer.Option(help="Another user instead: a JSON file, as `gatehouse users show --json` prints it.")
    ] = None,
    packages: PackagesOption = None,
    stage: StageChoice = "",
    tenant: Annotated[
        Path | None, typer.Option(help="A tenant file, whose users and clients replace the stage's; without AWS.")
    ] = None,
    protocol: Annotated[str, typer.Option(help="oauth2-password or oauth2-refresh-token.")] = "oauth2-password",
    scope: Annotated[str, typer.Option(help="The requested scopes.")] = "",
    audience: Annotated[str, typer.Option(help="The requested API.")] = "",
    ip: Annotated[str, typer.Option(help="The address that the login comes from.")] = "192.0.2.1",
    geoip: Annotated[
        str, typer.Option(help='The location, as a trusted proxy sends it: JSON such as {"country_code": "DE"}.')
    ] = "{}",
    body: Annotated[str, typer.Option(help="More members of the request's body: a JSON object.")] = "{}",
    mfa: Annotated[bool, typer.Option("--mfa", help="Run the rules as after a second factor.")] = False,
    rule_settings: Annotated[
        Path | None, typer.Option(help="A JSON file of rule settings, instead of the stage's.")
    ] = None,
    in_json: JsonOption = False,
) -> None:
    """Run the rules on a login of a user, and show what each changed. Nothing is stored, no password is asked for."""
    loaded = load_named(packages or (), stage)
    if bool(user) == bool(user_file):
        raise OperatorError("Say who logs in: --user or --user-file.")
    options = TrialOptions(user_file or user, realm, client, protocol, scope, audience, ip, geoip, body, mfa)
    with stage_or_file(stage, load_or_exit(tenant) if tenant else None) as reached:
        configuration = read_file(rule_settings) if rule_settings else settings_of(reached).read()
        trial = try_rules(loaded, make_trial_login(reached, options, configuration), Settings(stage).rule_budget_s)
    if in_json:
        print_json(console, as_json(trial))
    else:
        _show(trial)
    if trial.is_broken:
        raise typer.Exit(EXIT_OPERATOR_ERROR)


def _show(trial: Trial) -> None:
    changes = [cells for result in trial.steps for cells in _cells(result)]
    print_table(console, ("rule", "ms", "what", "before", "after"), changes)
    outcome = [(name, value if isinstance(value, str) else json.dumps(value)) for name, value in trial.outcome.items()]
    print_table(console, (), [*outcome, *(("warning", warning) for warning in trial.warnings)])
    console.print(printable(trial.traceback.expandtabs()), end="")


def _cells(result: RuleResult) -> list[tuple[str, ...]]:
    changes = [(change.what, change.before, change.after) for change in result.changes] or [("nothing", "", "")]
    first = (result.rule.rpartition(".")[2], f"{result.ms:.3f}")
    return [(*(first if number == 0 else ("", "")), *change) for number, change in enumerate(changes)]

"""Checks of the functions: deployed as configured, allowed what they call, able to import what the stage names."""

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote

from chalicelib.mails.rendering import BadMailTemplates
from chalicelib.rules.loading import BadRules
from chalicelib.settings import BadSettings, Settings
from infra.doctor.findings import Examined, Finding
from infra.errors import OperatorError
from infra.rules.import_functions import require_functions_of_realms
from infra.rules.mail_templates import require_deployable_mails
from infra.rules.packages import of_stage, require_deployable
from infra.stage.aws_faults import AWS_FAILURES
from infra.stage.chalice_config import function_configs

# Milliseconds of a bcrypt of cost 10 where a function has a whole processor, and the memory that gives it one.
BCRYPT_MS, BCRYPT_COST, WHOLE_MB = 52, 10, 1769
SLOW_MS, TOO_SLOW_MS = 500, 3_000
SUPPORTED = ("python3.12", "python3.13", "python3.14")


def check_functions(examined: Examined) -> Iterator[Finding]:
    """Find functions that are missing, or run with other settings than the project's."""
    for name, wanted in _wanted(examined).items():
        found = examined.configuration(name)
        check = f"function {name}"
        if found is None:
            yield Finding(check, "red", "It is not deployed.", _deploy(examined))
            continue
        differs = [one for one, value in wanted.items() if found[one] != value]
        if differs:
            yield Finding(
                check, "amber", f"It differs from .chalice/config.json in {', '.join(differs)}.", _deploy(examined)
            )
        elif found["Runtime"] not in SUPPORTED:
            yield Finding(
                check, "red", f"AWS makes no functions on {found['Runtime']} any more.", "deploy with a newer Python"
            )
        else:
            yield Finding(check, "green", f"{found['Runtime']}, {found['MemorySize']} MB, as configured.")


def check_bcrypt(examined: Examined) -> Iterator[Finding]:
    """Find a cost of bcrypt that the memory, and so the share of a processor, makes slow."""
    found = examined.configuration(examined.function())
    if found is None:
        return
    try:
        cost = Settings.from_environ(examined.environment()).bcrypt_cost
    except BadSettings as fault:
        yield Finding("settings", "red", str(fault), f"mend .chalice/config.json, then {_deploy(examined)}")
        return
    slower = max(1, WHOLE_MB / found["MemorySize"])
    expected_ms = round(BCRYPT_MS * 2.0 ** (cost - BCRYPT_COST) * slower)
    message = f"Cost {cost} takes about {expected_ms} ms with {found['MemorySize']} MB."
    if expected_ms <= SLOW_MS:
        yield Finding("bcrypt", "green", message)
    else:
        mend = f"raise lambda_memory_size up to {WHOLE_MB}, or lower GATEHOUSE_BCRYPT_COST"
        yield Finding("bcrypt", "red" if expected_ms > TOO_SLOW_MS else "amber", message, mend)


def check_packages(examined: Examined) -> Iterator[Finding]:
    """Find packages of rules, mails and legacy stores that the function cannot import."""
    name, project = examined.stage.name, examined.project
    checks = (
        ("rules", lambda: require_deployable(of_stage(name, project), project)),
        ("mail templates", lambda: require_deployable_mails(name, project)),
        ("import packages", lambda: require_functions_of_realms(examined.stage, project)),
    )
    for check, require in checks:
        try:
            require()
        except (BadRules, BadMailTemplates, OperatorError) as fault:
            yield Finding(check, "red", str(fault), f"mend the package, then {_deploy(examined)}")
        else:
            yield Finding(check, "green", "Each package can be imported as deployed.")


def check_permissions(examined: Examined) -> Iterator[Finding]:
    """Find calls that a function's role does not allow, asked of IAM itself where that can tell."""
    for name in _wanted(examined):
        found = examined.configuration(name)
        if found is None:
            continue
        role, policy = found["Role"].rpartition("/")[2], _policy(examined, name)
        check = f"permissions of {name}"
        if _attached(examined, role) != policy:
            yield Finding(check, "red", "The role's policy is not that of .chalice.", _deploy(examined))
            continue
        denied = _denied(examined, found["Role"], policy)
        if denied is None:
            yield Finding(
                check, "amber", "The role has the policy of .chalice; IAM's simulation was not available.", ""
            )
        elif denied:
            mend = "look for a permissions boundary or an organisation's policy"
            yield Finding(check, "red", f"IAM denies: {', '.join(denied)}.", mend)
        else:
            yield Finding(check, "green", "IAM allows each call of the policy.")


def check_schedules(examined: Examined) -> Iterator[Finding]:
    """Find schedules that are missing or off."""
    events = examined.client("events")
    for name in [one for one in _wanted(examined) if one.endswith(("-tell_blocked", "-rotate_keys"))]:
        targets = [one["FunctionArn"] for one in [examined.configuration(name)] if one]
        rules = [rule for arn in targets for rule in events.list_rule_names_by_target(TargetArn=arn)["RuleNames"]]
        on = [rule for rule in rules if events.describe_rule(Name=rule)["State"] == "ENABLED"]
        if on:
            yield Finding(f"schedule of {name}", "green", "It is on.")
        elif targets:
            mend = f"aws events enable-rule --name {rules[0]}" if rules else _deploy(examined)
            yield Finding(f"schedule of {name}", "red", "Nothing calls the function.", mend)


def _wanted(examined: Examined) -> dict[str, dict[str, Any]]:
    """Return the functions of the stage, each with what its configuration must be."""
    return {
        name: {"MemorySize": one.lambda_memory_size, "Timeout": one.lambda_timeout}
        for name, one in function_configs(examined.stage.name, examined.project).items()
    }


def _policy(examined: Examined, name: str) -> Any:
    stage, end = examined.stage.name, name.removeprefix(examined.function())
    return json.loads((examined.project / ".chalice" / f"policy-{stage}{end}.json").read_text("utf-8"))


def _attached(examined: Examined, role: str) -> Any:
    iam = examined.client("iam")
    names = iam.list_role_policies(RoleName=role)["PolicyNames"]
    found = [iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"] for name in names]
    document = found[0] if len(found) == 1 else None
    return json.loads(unquote(document)) if isinstance(document, str) else document


def _denied(examined: Examined, role: str, policy: Any) -> list[str] | None:
    """Return the actions that IAM denies the role, or None if it does not say."""
    iam, denied = examined.client("iam"), set()
    for statement in policy["Statement"]:
        actions, resources = (
            one if isinstance(one, list) else [one] for one in (statement["Action"], statement["Resource"])
        )
        if "Condition" in statement:
            # What a condition asks for is not in a simulation.
            continue
        try:
            answer = iam.simulate_principal_policy(PolicySourceArn=role, ActionNames=actions, ResourceArns=resources)
        except AWS_FAILURES:
            return None
        denied |= {one["EvalActionName"] for one in answer["EvaluationResults"] if one["EvalDecision"] != "allowed"}
    return sorted(denied)


def _deploy(examined: Examined) -> str:
    return f"gatehouse deploy --stage {examined.stage.name}"

"""`gatehouse doctor` on a stage that was deployed, and on what an operator's slip makes of it."""

import json

from tests.deploy.conftest import ON_ONE_WORKER, Deployment

pytestmark = ON_ONE_WORKER


def findings(deployment: Deployment, *options: str, code: tuple[int, ...] = (0, 3)) -> list[dict[str, str]]:
    ran = deployment.project.gatehouse("doctor", "--stage", "dev", "--json", *options)
    assert (ran.returncode in code, ran.stderr) == (True, "")
    found: list[dict[str, str]] = json.loads(ran.stdout)
    return found


# What the emulator does not serve, or has no numbers of; and what no test needs.
UNKNOWN = ("issuer", "botocore of the runtime", "emails", "text messages", "concurrency", "KMS Sign", "alarms")


def by_check(found: list[dict[str, str]]) -> dict[str, str]:
    return {one["check"]: one["status"] for one in found}


def test_deployed_stage_is_green_but_for_what_the_emulator_lacks(deployment: Deployment) -> None:
    found = by_check(findings(deployment, "--tenant", "my-tenant.yaml"))
    others = {name: status for name, status in found.items() if status != "green"}

    assert set(others.values()) == {"amber"}
    assert set(others) <= {*UNKNOWN, *(name for name in others if name.startswith("permissions of "))}


def test_function_with_other_memory_is_amber_and_a_schedule_that_is_off_is_red(deployment: Deployment) -> None:
    functions, events = deployment.aws.client("lambda"), deployment.aws.client("events")
    functions.update_function_configuration(FunctionName="gatehouse-dev", MemorySize=128)
    arn = deployment.configuration("gatehouse-dev-tell_blocked")["FunctionArn"]
    (rule,) = events.list_rule_names_by_target(TargetArn=arn)["RuleNames"]
    events.disable_rule(Name=rule)
    found = findings(deployment)
    functions.update_function_configuration(FunctionName="gatehouse-dev", MemorySize=1024)
    events.enable_rule(Name=rule)
    told = {one["check"]: one for one in found}

    assert told["function gatehouse-dev"]["status"] == "amber"
    assert "MemorySize" in told["function gatehouse-dev"]["message"]
    assert told["bcrypt"]["status"] == "amber"
    assert told["schedule of gatehouse-dev-tell_blocked"]["status"] == "red"
    assert told["schedule of gatehouse-dev-tell_blocked"]["mend"] == f"aws events enable-rule --name {rule}"


def test_limit_log_and_reserve_that_were_changed_by_hand_are_told_and_mended_by_deploy(deployment: Deployment) -> None:
    gateway, functions = deployment.aws.client("apigateway"), deployment.aws.client("lambda")
    changes = {"~1oauth~1token/POST/throttling/rateLimit": "9", "*/*/logging/dataTrace": "true"}
    gateway.update_stage(
        restApiId=deployment.rest_api_id,
        stageName="dev",
        patchOperations=[
            {"op": "remove", "path": "/accessLogSettings"},
            *({"op": "replace", "path": f"/{path}", "value": value} for path, value in changes.items()),
        ],
    )
    functions.put_function_concurrency(FunctionName="gatehouse-dev", ReservedConcurrentExecutions=7)
    told = {one["check"]: one for one in findings(deployment, code=(3,))}
    deployed = deployment.project.gatehouse("deploy", "--stage", "dev")
    after = by_check(findings(deployment))

    for check, status, words in (
        ("throttling", "amber", "logins"),
        ("access log", "amber", "off"),
        ("reserved concurrency", "amber", "gatehouse-dev."),
        ("bodies in logs", "red", "passwords"),
    ):
        assert told[check]["status"] == status
        assert words in told[check]["message"]
    assert "'op=replace,path=/*/*/logging/dataTrace,value=false'" in told["bodies in logs"]["mend"]
    assert deployed.returncode == 0
    assert [after[check] for check in ("throttling", "access log", "reserved concurrency")] == ["green"] * 3


def test_policy_that_was_changed_by_hand_is_red(deployment: Deployment) -> None:
    iam = deployment.aws.client("iam")
    role = deployment.configuration("gatehouse-dev-management")["Role"].rpartition("/")[2]
    (name,) = iam.list_role_policies(RoleName=role)["PolicyNames"]
    before = iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]
    iam.put_role_policy(
        RoleName=role, PolicyName=name, PolicyDocument=json.dumps(before | {"Statement": before["Statement"][:1]})
    )
    found = by_check(findings(deployment))
    iam.put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=json.dumps(before))

    assert found["permissions of gatehouse-dev-management"] == "red"

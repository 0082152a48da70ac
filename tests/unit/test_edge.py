"""The throttling, the access log and the reserve that `gatehouse deploy` sets, and the faults of their settings."""

import itertools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from typer.testing import CliRunner

from app import ROUTES
from infra.cli.main import app
from infra.deploy.api import DeployedApi
from infra.deploy.deploy import DeployNotStarted, deploy_stage
from infra.deploy.edge.access_log import FORMAT, access_group, access_log_changes
from infra.deploy.edge.concurrency import require_unreserved
from infra.deploy.edge.throttling import DEFAULTS, METHODS, Limit, read_limits, throttling_changes
from infra.errors import OperatorError
from infra.stage.aws import Stage

_numbers = itertools.count(1)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / ".chalice").mkdir()
    (tmp_path / "requirements.txt").touch()
    configure(tmp_path)
    return tmp_path


def configure(project: Path, **stage: Any) -> None:
    config = {"version": "2.0", "app_name": "gatehouse", "stages": {"dev": stage}}
    (project / ".chalice" / "config.json").write_text(json.dumps(config))


@pytest.fixture
def api(stage: Stage) -> DeployedApi:
    """An API with one method, deployed as `live`."""
    del stage  # moto runs for as long as it does
    client = boto3.client("apigateway")
    made = client.create_rest_api(name="edge")["id"]
    root = client.get_resources(restApiId=made)["items"][0]["id"]
    client.put_method(restApiId=made, resourceId=root, httpMethod="GET", authorizationType="NONE")
    client.put_integration(restApiId=made, resourceId=root, httpMethod="GET", type="MOCK")
    client.create_deployment(restApiId=made, stageName="live")
    return DeployedApi(made, "live", "https://api.example/live/")


@pytest.fixture
def group(stage: Stage) -> Iterator[str]:
    """A stage whose log group of accesses is there."""
    name = f"edge{next(_numbers)}"
    stage.clients.logs().create_log_group(logGroupName=access_group(name))
    yield name
    stage.clients.logs().delete_log_group(logGroupName=access_group(name))


def limits_of(api: DeployedApi) -> dict[str, tuple[float, int]]:
    settings = boto3.client("apigateway").get_stage(restApiId=api.rest_api_id, stageName=api.stage)["methodSettings"]
    return {name: (one["throttlingRateLimit"], one["throttlingBurstLimit"]) for name, one in settings.items()}


def test_stage_and_its_methods_get_their_limits_once(api: DeployedApi) -> None:
    client = boto3.client("apigateway")
    first, second = (throttling_changes(client, api, DEFAULTS) for _ in range(2))
    limits = limits_of(api)

    assert [change.what for change in first] == [f"throttling of {name}" for name in DEFAULTS]
    assert second == []
    assert limits["*/*"] == (2000, 4000)
    assert limits["~1oauth~1token/POST"] == (500, 1000)
    assert limits["~1dbconnections~1signup/POST"] == (50, 100)
    assert not any("well-known" in name for name in limits)


@pytest.mark.parametrize("rate", [1_000_000, 12345.75, 1])
def test_rate_of_any_size_reaches_the_api_as_it_is_written(api: DeployedApi, rate: float) -> None:
    client, limits = boto3.client("apigateway"), {**DEFAULTS, "all": Limit(rate, 4000)}
    (first, *_), second = (throttling_changes(client, api, limits) for _ in range(2))

    assert first.detail.startswith(f"{rate:,} requests a second")
    assert second == []
    assert limits_of(api)["*/*"] == (rate, 4000)


def test_limit_that_was_changed_by_hand_is_set_again_and_no_other(api: DeployedApi) -> None:
    client = boto3.client("apigateway")
    throttling_changes(client, api, DEFAULTS)
    by_hand: Any = [
        {"op": "replace", "path": f"/{method}/throttling/rateLimit", "value": "7"}
        for method in ("~1oauth~1token/POST", "~1health/GET")
    ]
    client.update_stage(restApiId=api.rest_api_id, stageName=api.stage, patchOperations=by_hand)
    changes = throttling_changes(client, api, DEFAULTS)

    assert [change.what for change in changes] == ["throttling of logins"]
    assert limits_of(api)["~1oauth~1token/POST"] == (500, 1000)
    # Of a method that is nobody's the operator decides.
    assert limits_of(api)["~1health/GET"][0] == 7


def test_each_method_that_logs_in_or_writes_accounts_has_a_lower_limit_than_the_public_ones() -> None:
    writing = {
        (route.path, "POST")
        for route in ROUTES
        if "POST" in route.methods
        and route.path.startswith(("/oauth/token", "/mfa/", "/dbconnections/", "/accounts/", "/u/"))
    }

    assert writing == {*METHODS["logins"], *METHODS["accounts"]}
    assert DEFAULTS["accounts"].rate < DEFAULTS["logins"].rate < DEFAULTS["all"].rate


def test_settings_of_the_stage_replace_the_defaults_one_by_one(project: Path) -> None:
    configure(project, throttling={"logins": {"rate": 2000, "burst": 3000}, "all": {"burst": 5000}, "accounts": {}})

    assert read_limits("dev", project) == {
        "all": Limit(2000, 5000),
        "logins": Limit(2000, 3000),
        "accounts": DEFAULTS["accounts"],
    }


@pytest.mark.parametrize(
    ("throttling", "fault"),
    [
        ([], "throttling is no object"),
        ({"login": {}}, "throttling has no `login` (did you mean `logins`?)"),
        ({"logins": 5}, "throttling.logins is no object"),
        ({"logins": {"rates": 5}}, "throttling.logins has no `rates` (did you mean `rate`?)"),
        ({"logins": {"rate": 0}}, "throttling.logins.rate is `0`. Write a number from 1"),
        ({"logins": {"rate": "500"}}, "throttling.logins.rate is `500`"),
        ({"logins": {"rate": True}}, "throttling.logins.rate is `True`"),
        ({"logins": {"burst": 1.5}}, "throttling.logins.burst is `1.5`"),
        ({"logins": {"burst": 2_000_000}}, "throttling.logins.burst is `2000000`"),
    ],
)
def test_fault_of_the_settings_is_refused_before_anything_is_deployed(
    project: Path, throttling: Any, fault: str
) -> None:
    configure(project, throttling=throttling)
    with pytest.raises(DeployNotStarted) as refused:
        deploy_stage("dev", project, lambda stage, root: pytest.fail("it was deployed"), (3, 12))

    assert f".chalice/config.json, stage dev: {fault}" in str(refused.value)


def test_access_log_is_turned_on_once(api: DeployedApi, stage: Stage, group: str) -> None:
    client, logs = boto3.client("apigateway"), stage.clients.logs()
    first, second = (access_log_changes(client, logs, api, group) for _ in range(2))
    held = client.get_stage(restApiId=api.rest_api_id, stageName=api.stage)["accessLogSettings"]

    assert ([change.action for change in first], second) == (["create"], [])
    assert held["destinationArn"].endswith(f":log-group:/gatehouse/{group}/access")
    assert held["format"] == FORMAT


def test_line_of_the_access_log_holds_nothing_that_a_caller_wrote() -> None:
    line = json.loads(FORMAT)

    assert "$context.requestId" in line.values()  # which AWS asks for
    # A path may hold an id, a query anything; a header or an authorizer's answer a token.
    assert not {"$context.path", "$context.requestOverride.path", "$context.identity.userAgent"} & {*line.values()}
    assert all(value.startswith("$context.") for value in line.values())
    assert "\n" not in FORMAT  # which AWS refuses


def test_missing_log_group_leaves_the_access_log_off_and_says_what_makes_it(api: DeployedApi, stage: Stage) -> None:
    (change,) = access_log_changes(boto3.client("apigateway"), stage.clients.logs(), api, "nowhere")

    assert change.action == "keep"
    assert "gatehouse up --stage nowhere" in change.detail


class Refusing:
    """API Gateway's client, which refuses each change of a stage in these words."""

    def __init__(self, words: str) -> None:
        self.words, self.client = words, boto3.client("apigateway")

    def __getattr__(self, name: str) -> Any:
        return getattr(self.client, name)

    def update_stage(self, **_: Any) -> None:
        raise self.client.exceptions.BadRequestException(
            {"Error": {"Code": "BadRequestException", "Message": self.words}}, "UpdateStage"
        )


def test_account_without_a_role_for_logs_is_left_as_it_is_and_told(api: DeployedApi, stage: Stage, group: str) -> None:
    client: Any = Refusing("CloudWatch Logs role ARN must be set in account settings to enable logging")
    (change,) = access_log_changes(client, stage.clients.logs(), api, group)

    assert change.action == "keep"
    assert "docs/run/edge.md" in change.detail


def test_another_refusal_is_raised(api: DeployedApi, stage: Stage, group: str) -> None:
    client: Any = Refusing("Invalid patch path")
    with pytest.raises(ClientError, match="Invalid patch path"):
        access_log_changes(client, stage.clients.logs(), api, group)


def test_command_says_what_is_left_if_the_edge_cannot_be_set(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = DeployedApi("gone", "dev", "https://gone.example/dev/")
    monkeypatch.setattr("infra.cli.deploy.deploy_stage", lambda *_, **__: gone)
    result = CliRunner().invoke(app, ["deploy", "--stage", "dev"])

    assert result.exit_code == 1
    assert result.stderr.startswith("AWS: ")
    assert "The function is deployed, but its throttling or its access log are not as they should be" in result.stderr


@pytest.mark.parametrize("reserved", [0, -1, "5", 1.5, True])
def test_reserve_that_is_no_number_of_executions_is_refused(project: Path, reserved: Any) -> None:
    configure(project, lambda_functions={"api_handler": {"reserved_concurrency": reserved}})
    with pytest.raises(DeployNotStarted, match=r"reserved_concurrency of gatehouse-dev is no whole number"):
        deploy_stage("dev", project, lambda stage, root: pytest.fail("it was deployed"), (3, 12))


class Lambda:
    """AWS Lambda, in whose account so many executions are reserved by nobody, and so many by this stage's function."""

    def __init__(self, unreserved: int, held: int | None = None, has_function: bool = True) -> None:
        self.unreserved, self.held, self.has_function = unreserved, held, has_function
        self.exceptions = boto3.client("lambda", region_name="eu-west-1").exceptions

    def get_account_settings(self) -> dict[str, Any]:
        return {"AccountLimit": {"ConcurrentExecutions": 1000, "UnreservedConcurrentExecutions": self.unreserved}}

    def get_function_concurrency(self, FunctionName: str) -> dict[str, Any]:  # noqa: N803 (boto3's name)
        if not self.has_function:
            raise self.exceptions.ResourceNotFoundException({"Error": {"Code": "ResourceNotFoundException"}}, "Get")
        return {} if self.held is None else {"ReservedConcurrentExecutions": self.held}


@pytest.mark.parametrize(
    ("reserved", "account"),
    [
        (900, Lambda(1000)),
        (900, Lambda(1000, has_function=False)),
        # What it holds already is its own to give up.
        (900, Lambda(500, held=500)),
        (1, Lambda(101)),
    ],
)
def test_reserve_that_leaves_the_other_functions_a_hundred_is_taken(
    project: Path, stage: Stage, reserved: int, account: Lambda
) -> None:
    configure(project, lambda_functions={"api_handler": {"reserved_concurrency": reserved}})

    require_unreserved("dev", project, lambda: account)


@pytest.mark.parametrize(
    ("reserved", "account", "most"),
    [(901, Lambda(1000), 900), (901, Lambda(500, held=500), 900), (1, Lambda(100), 0), (1, Lambda(10), 0)],
)
def test_reserve_that_does_not_is_refused_with_what_there_is(
    project: Path, stage: Stage, reserved: int, account: Lambda, most: int
) -> None:
    configure(project, lambda_functions={"api_handler": {"reserved_concurrency": reserved}})
    with pytest.raises(OperatorError, match=rf"reserves {reserved} executions .* can give {most}: AWS keeps 100"):
        require_unreserved("dev", project, lambda: account)


def test_reserves_of_all_functions_count(project: Path) -> None:
    configure(project, reserved_concurrency=200, lambda_functions={"events": {}, "management": {}})
    with pytest.raises(OperatorError, match="reserves 600 executions"):
        require_unreserved("dev", project, lambda: Lambda(650))


def test_stage_that_reserves_nothing_asks_nothing(project: Path) -> None:
    require_unreserved("dev", project, lambda: pytest.fail("Lambda was asked"))


def test_account_that_may_not_be_asked_is_left_to_lambda_itself(project: Path, stage: Stage) -> None:
    configure(project, lambda_functions={"api_handler": {"reserved_concurrency": 50}})

    # moto does not know the question.
    require_unreserved("dev", project)

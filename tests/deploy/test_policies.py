"""The hand-written IAM policies: what the function calls is allowed, and no more."""

import json
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

import httpx
import pytest

from tests.deploy.conftest import FUNCTION, ON_ONE_WORKER, PROJECT, Deployment
from tests.deploy.logins import SECRET_LOGIN, signed_login

pytestmark = ON_ONE_WORKER

Statement = dict[str, Any]
STAGES = pytest.mark.parametrize("stage", ["dev", "prod"])
# Lambda itself writes the log; only a two hundredth family makes the function look through those of a person; and only
# rules have settings to open, in test_deployed_rules.py.
UNSEEN = {"logs:CreateLogStream", "logs:PutLogEvents", "dynamodb:Query", "kms:Decrypt"}


def statements(stage: str) -> list[Statement]:
    policy = json.loads((PROJECT / ".chalice" / f"policy-{stage}.json").read_text("utf-8"))
    found: list[Statement] = policy["Statement"]
    return found


@dataclass(frozen=True, slots=True)
class Call:
    """One permission that a call takes. tags: of the resource, as pairs."""

    action: str
    arn: str
    tags: frozenset[tuple[str, str]]


def allows(statement: Statement, call: Call) -> bool:
    asked = statement.get("Condition", {}).get("StringEquals", {})
    wanted = {(name.removeprefix("aws:ResourceTag/"), value) for name, value in asked.items()}
    return (
        call.action in statement["Action"]
        and any(fnmatchcase(call.arn, resource) for resource in statement["Resource"])
        and wanted <= call.tags
    )


@pytest.fixture(scope="module")
def calls(site: httpx.Client, deployment: Deployment) -> set[Call]:
    """What the function called, for every way that it has to answer."""
    for form in (SECRET_LOGIN, SECRET_LOGIN | {"password": "wrong"}, signed_login(deployment)):
        site.post("/oauth/token", data=form)
    live_a_life(site)
    site.get("/.well-known/jwks.json")
    taken = {(call["action"], call["resource"]) for call in deployment.aws.calls(FUNCTION)}
    return {call_of(deployment, action, name) for action, name in taken}


def call_of(deployment: Deployment, action: str, name: str) -> Call:
    """Return a call as IAM sees it. name: of the resource, as the call had it."""
    if name.startswith("alias/"):
        name = deployment.aws.client("kms").describe_key(KeyId=name)["KeyMetadata"]["Arn"]
    return Call(action, arn_of(name), tags_of(deployment, name))


def live_a_life(site: httpx.Client) -> None:
    """Log in for a refresh token, use it, use it once too often, and give another one back."""
    offline = SECRET_LOGIN | {"scope": "openid offline_access"}
    client = {name: SECRET_LOGIN[name] for name in ("client_id", "client_secret")}
    login = site.post("/oauth/token", data=offline).json()
    refresh = client | {"grant_type": "refresh_token", "refresh_token": login["refresh_token"]}
    assert [site.post("/oauth/token", data=refresh).status_code for _ in range(2)] == [200, 400]
    site.get("/userinfo", headers={"Authorization": f"Bearer {login['access_token']}"})
    token = site.post("/oauth/token", data=offline).json()["refresh_token"]
    assert site.post("/oauth/revoke", data=client | {"token": token}).status_code == 200


def arn_of(name: str) -> str:
    return name if name.startswith("arn:") else f"arn:aws:dynamodb:eu-west-1:123456789012:table/{name}"


def tags_of(deployment: Deployment, name: str) -> frozenset[tuple[str, str]]:
    if not name.startswith("arn:aws:kms:"):
        return frozenset()
    tags = deployment.aws.client("kms").list_resource_tags(KeyId=name)["Tags"]
    return frozenset((tag["TagKey"], tag["TagValue"]) for tag in tags)


def test_every_call_of_the_function_is_allowed(calls: set[Call]) -> None:
    assert calls
    assert [call for call in calls if not any(allows(one, call) for one in statements("dev"))] == []


def test_every_permission_is_used(calls: set[Call]) -> None:
    used = {(one["Sid"], call.action) for one in statements("dev") for call in calls if allows(one, call)}
    granted = {(one["Sid"], action) for one in statements("dev") for action in one["Action"]}
    assert {(sid, action) for sid, action in granted - used if action not in UNSEEN} == set()


@STAGES
def test_no_permission_is_a_wildcard(stage: str) -> None:
    actions = [action for statement in statements(stage) for action in statement["Action"]]
    resources = [resource for statement in statements(stage) for resource in statement["Resource"]]
    assert not [action for action in actions if "*" in action]
    assert "*" not in resources


@STAGES
def test_every_resource_belongs_to_the_stage(stage: str) -> None:
    for statement in statements(stage):
        tag = statement.get("Condition", {}).get("StringEquals", {}).get("aws:ResourceTag/gatehouse-stage")
        assert tag == stage or all(f"gatehouse-{stage}" in resource for resource in statement["Resource"])


def test_stages_have_the_same_permissions() -> None:
    dev = json.dumps(statements("dev"))
    assert json.loads(dev.replace("gatehouse-dev", "gatehouse-prod").replace(': "dev"', ': "prod"')) == statements(
        "prod"
    )

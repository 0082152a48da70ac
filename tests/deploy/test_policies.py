"""The hand-written IAM policies: what the function calls is allowed, and no more."""

import json
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

import httpx
import pytest
from pyotp import TOTP

from tests.deploy.conftest import EMAIL_FROM, FUNCTION, ON_ONE_WORKER, PROJECT, Deployment
from tests.deploy.logins import PASSWORD, SECRET_LOGIN, signed_login

pytestmark = ON_ONE_WORKER

EMPLOYEES = ("--stage", "dev", "--realm", "employees")
Statement = dict[str, Any]
STAGES = pytest.mark.parametrize("stage", ["dev", "prod"])
# Lambda itself writes the log; only a two hundredth family makes the function look through those of a person.
UNSEEN = {"logs:CreateLogStream", "logs:PutLogEvents", "dynamodb:Query"}
# A phone number is no resource, and an email's sender is named when a stage is deployed.
OF_NO_STAGE = {"SendTextMessages", "SendEmails"}
MFA_SCOPES = "enroll read:authenticators remove:authenticators"
MFA_OTP = "http://auth0.com/oauth/grant-type/mfa-otp"
CLIENT = {name: SECRET_LOGIN[name] for name in ("client_id", "client_secret")}


def statements(stage: str) -> list[Statement]:
    policy = json.loads((PROJECT / ".chalice" / f"policy-{stage}.json").read_text("utf-8"))
    found: list[Statement] = policy["Statement"]
    return found


@dataclass(frozen=True, slots=True)
class Call:
    """One permission that a call takes. tags: of the resource, as pairs. key: the partition key of what is written."""

    action: str
    arn: str
    tags: frozenset[tuple[str, str]]
    key: str = ""


def allows(statement: Statement, call: Call) -> bool:
    conditions = statement.get("Condition", {})
    asked = conditions.get("StringEquals", {})
    wanted = {(name.removeprefix("aws:ResourceTag/"), value) for name, value in asked.items()}
    keys = conditions.get("ForAllValues:StringLike", {}).get("dynamodb:LeadingKeys", ["*"])
    return (
        call.action in statement["Action"]
        and is_named(statement, call.arn)
        and any(fnmatchcase(call.key, key) for key in keys)
        and wanted <= call.tags
    )


def is_named(statement: Statement, arn: str) -> bool:
    if "NotResource" in statement:
        return not any(fnmatchcase(arn, resource) for resource in statement["NotResource"])
    return any(fnmatchcase(arn, resource) for resource in statement["Resource"])


@pytest.fixture(scope="module")
def calls(site: httpx.Client, deployment: Deployment) -> set[Call]:
    """What the function called, for every way that it has to answer."""
    for form in (SECRET_LOGIN, SECRET_LOGIN | {"password": "wrong"}, signed_login(deployment)):
        site.post("/oauth/token", data=form)
    live_a_life(site)
    show_second_factors(site, deployment)
    site.get("/.well-known/jwks.json")
    taken = {(call["action"], call["resource"], call["key"]) for call in deployment.aws.calls(FUNCTION)}
    return {call_of(deployment, *call) for call in taken}


def call_of(deployment: Deployment, action: str, name: str, key: str = "") -> Call:
    """Return a call as IAM sees it. name: of the resource, as the call had it."""
    if name.startswith("alias/"):
        name = deployment.aws.client("kms").describe_key(KeyId=name)["KeyMetadata"]["Arn"]
    return Call(action, arn_of(name), tags_of(deployment, name), key)


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


def show_second_factors(site: httpx.Client, deployment: Deployment) -> None:
    """Enroll a phone and an app as their owner does, then log in by an app that the operator gave."""
    deployment.aws.client("sesv2").create_email_identity(EmailIdentity=EMAIL_FROM)
    person = added_person(deployment)
    own = SECRET_LOGIN | person | {"audience": f"{deployment.url}mfa/", "scope": MFA_SCOPES}
    bearer = {"Authorization": f"Bearer {site.post('/oauth/token', data=own).json()['access_token']}"}
    phone = {"authenticator_types": ["oob"], "oob_channels": ["sms"], "phone_number": "+14155550123"}
    for body in ({"authenticator_types": ["otp"]}, phone):
        made = site.post("/mfa/associate", json=body, headers=bearer)
        assert made.status_code == 200, made.text
    waiting = site.get("/mfa/authenticators", headers=bearer).json()
    (phone_id,) = [one["id"] for one in waiting if one.get("oob_channel") == "sms"]
    assert site.delete(f"/mfa/authenticators/{phone_id}", headers=bearer).status_code == 204
    secret = json.loads(mfa_command(deployment, "enroll", person["username"], "--json"))["secret"]
    mfa_token = site.post("/oauth/token", data=SECRET_LOGIN | person).json()["mfa_token"]
    asked = CLIENT | {"mfa_token": mfa_token}
    for channel in ({"challenge_type": "otp"}, {"challenge_type": "oob", "oob_channel": "email"}):
        challenged = site.post("/mfa/challenge", json=asked | channel)
        assert challenged.status_code == 200, challenged.text
    code = {"grant_type": MFA_OTP, "otp": TOTP(secret).now()}
    assert site.post("/oauth/token", data=asked | code).status_code == 200


def added_person(deployment: Deployment) -> dict[str, str]:
    """Make somebody with a verified email by the command; return what they log in with."""
    words = ("users", "add", *EMPLOYEES, "--username", "factored", "--email", "factored@example.com")
    added = deployment.project.gatehouse(*words, "--email-verified", "--password-stdin", typed=f"{PASSWORD}\n")
    assert (added.returncode, added.stderr) == (0, "")
    return {"username": "factored", "password": PASSWORD}


def mfa_command(deployment: Deployment, word: str, who: str, *options: str) -> str:
    ran = deployment.project.gatehouse("users", "mfa", word, who, *EMPLOYEES, *options)
    assert (ran.returncode, ran.stderr) == (0, "")
    return ran.stdout


def arn_of(name: str) -> str:
    return name if name.startswith(("arn:", "+")) else f"arn:aws:dynamodb:eu-west-1:123456789012:table/{name}"


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
    resources = [resource for statement in statements(stage) for resource in statement.get("Resource", [])]
    assert not [action for action in actions if "*" in action]
    assert "*" not in resources


@STAGES
def test_every_resource_belongs_to_the_stage(stage: str) -> None:
    for statement in [one for one in statements(stage) if one["Sid"] not in OF_NO_STAGE]:
        tag = statement.get("Condition", {}).get("StringEquals", {}).get("aws:ResourceTag/gatehouse-stage")
        assert tag == stage or all(f"gatehouse-{stage}" in resource for resource in statement["Resource"])


@STAGES
def test_text_messages_go_to_phone_numbers_and_never_to_topics(stage: str) -> None:
    topic = Call("sns:Publish", "arn:aws:sns:eu-west-1:123456789012:topic", frozenset())
    assert not [one["Sid"] for one in statements(stage) if allows(one, topic)]


@STAGES
def test_function_puts_second_factors_and_neither_people_nor_names(stage: str) -> None:
    table = f"arn:aws:dynamodb:eu-west-1:123456789012:table/gatehouse-{stage}-users-employees"
    puts = [Call("dynamodb:PutItem", table, frozenset(), key) for key in ("mfa#x", "user#x", "login#x")]
    assert [any(allows(one, put) for one in statements(stage)) for put in puts] == [True, False, False]


def test_stages_have_the_same_permissions() -> None:
    dev = json.dumps(statements("dev"))
    assert json.loads(dev.replace("gatehouse-dev", "gatehouse-prod").replace(': "dev"', ': "prod"')) == statements(
        "prod"
    )

"""The hand-written IAM policies: what the function calls is allowed, and no more."""

import json
import re
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

import httpx
import pytest
from pyotp import TOTP

from tests.deploy.blocks import added_person, block, mailed_link, mails_to, run
from tests.deploy.conftest import (
    EMAIL_FROM,
    EMPLOYEES,
    EVENTS,
    FUNCTION,
    HELP_DESK,
    MANAGEMENT,
    ON_ONE_WORKER,
    PROJECT,
    ROTATION,
    SCHEDULE,
    Deployment,
)
from tests.deploy.events import send_events
from tests.deploy.helping import ask_help_desk
from tests.deploy.logins import SECRET_LOGIN, signed_login
from tests.deploy.managing import Send, manager_of
from tests.deploy.rotations import rotate_once
from tests.support.aws_server import CONFIGURATION_SET, IDENTITY
from tests.support.lambda_runtime import Environment

pytestmark = ON_ONE_WORKER

Statement = dict[str, Any]
# The policy file of each function, by who calls.
FILES = {
    FUNCTION: "policy-{}.json",
    MANAGEMENT: "policy-{}-management.json",
    SCHEDULE: "policy-{}-tell_blocked.json",
    ROTATION: "policy-{}-rotate_keys.json",
    EVENTS: "policy-{}-events.json",
    HELP_DESK: "policy-{}-help_desk.json",
}
CALLERS = pytest.mark.parametrize("caller", FILES)
SENDERS = pytest.mark.parametrize("caller", [FUNCTION, SCHEDULE])
STAGES = pytest.mark.parametrize("stage", ["dev", "prod"])
# Lambda itself writes the log; only a two hundredth family makes the function look through those of a person; only a
# team's rules read their settings, two and more in one call; only an allowlisted address has its counts read alone.
UNSEEN = {
    # Lambda itself takes messages from the queue, in the role of the function.
    ("QueueEvents", "sqs:DeleteMessage"),
    ("QueueEvents", "sqs:GetQueueAttributes"),
    ("QueueEvents", "sqs:ReceiveMessage"),
    ("CountAttempts", "dynamodb:GetItem"),
    ("ReadConfiguration", "dynamodb:BatchGetItem"),
    ("WriteLogs", "logs:CreateLogStream"),
    ("WriteLogs", "logs:PutLogEvents"),
    ("KeepRefreshTokensAndOneTimeIdentifiers", "dynamodb:Query"),
    # Revocations at large of the version before are read beside those of this one, once a process.
    ("ReadAndEndRefreshTokens", "dynamodb:GetItem"),
    ("ReadAndEndRefreshTokens", "dynamodb:BatchGetItem"),
    # KMS itself makes the role of multi-Region keys, if the account has none, in the name of who makes the first key.
    ("MakeRoleOfMultiRegionKeys", "iam:CreateServiceLinkedRole"),
}
# A phone number is no resource, and an email's sender is a setting of the stage, which these files do not know.
OF_NO_STAGE = {"SendTextMessages", "SendEmails", "MakeRoleOfMultiRegionKeys"}
# IAM knows no resource of these calls. What is made has to have the stage's tag.
OF_NO_RESOURCE = {"FindKeys", "MakeKeys", "TagNewKeys"}
MFA_SCOPES = "enroll read:authenticators remove:authenticators"
MFA_OTP = "http://auth0.com/oauth/grant-type/mfa-otp"
CLIENT = {name: SECRET_LOGIN[name] for name in ("client_id", "client_secret")}


def statements(stage: str, caller: str = FUNCTION) -> list[Statement]:
    policy = json.loads((PROJECT / ".chalice" / FILES[caller].format(stage)).read_text("utf-8"))
    found: list[Statement] = policy["Statement"]
    return found


@dataclass(frozen=True, slots=True)
class Call:
    """One permission that a call takes. tags: of the resource, as pairs; the sender or the sealed owner is one too.

    key: the partition key of the items.
    """

    action: str
    arn: str
    tags: frozenset[tuple[str, str]]
    key: str = ""


def allows(statement: Statement, call: Call) -> bool:
    conditions = statement.get("Condition", {})
    # The emulator has one account.
    asked = {name: value for name, value in conditions.get("StringEquals", {}).items() if name != "aws:ResourceAccount"}
    wanted = {(name.removeprefix("aws:ResourceTag/"), value) for name, value in asked.items()}
    keys = conditions.get("ForAllValues:StringLike", {}).get("dynamodb:LeadingKeys", ["*"])
    keys = conditions.get("ForAllValues:StringEquals", {}).get("aws:TagKeys", keys)
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
def calls(  # noqa: PLR0913, PLR0917 (fixtures: the functions)
    site: httpx.Client,
    deployment: Deployment,
    schedule: Environment,
    rotating: Environment,
    sending: Environment,
    helping: Environment,
) -> dict[str, set[Call]]:
    """The calls of each function, for every way that it has to answer."""
    for form in (SECRET_LOGIN, SECRET_LOGIN | {"password": "wrong"}, signed_login(deployment)):
        site.post("/oauth/token", data=form)
    live_a_life(site)
    show_second_factors(site, deployment)
    site.get("/.well-known/jwks.json")
    get_blocked_and_unblocked(site, deployment, schedule)
    make_and_mend_an_account(site, deployment, schedule)
    manage(site, deployment)
    assert [event["data"]["type"] for event in send_events(deployment, sending)] == ["fp"]
    help_somebody(site, deployment, helping)
    # The second time, the key of the first is found by its tag.
    for _ in range(2):
        rotate_once(deployment, rotating)
    return {caller: calls_of(deployment, caller) for caller in FILES}


def calls_of(deployment: Deployment, caller: str) -> set[Call]:
    taken = {(call["action"], call["resource"], call["key"]) for call in deployment.aws.calls(caller)}
    calls = {call_of(deployment, *call) for call in taken}
    # A key that it may not describe is not one of the stage: that is how the rotation tells.
    return {call for call in calls if call.action != "kms:DescribeKey" or ("gatehouse-stage", "dev") in call.tags}


def call_of(deployment: Deployment, action: str, name: str, key: str = "") -> Call:
    """Return a call as IAM sees it. name: of the resource, as the call had it."""
    if name == "*":
        # A key that is made has no ARN yet, and its tags are those of the request.
        (tag,) = (("aws:RequestTag/gatehouse-stage", one.partition("=")[2]) for one in [key])
        return Call(action, name, frozenset({tag, ("kms:KeyUsage", "SIGN_VERIFY")}))
    if name.startswith(("alias/", "mrk-")):
        name = deployment.aws.client("kms").describe_key(KeyId=name)["KeyMetadata"]["Arn"]
    owner = {("kms:EncryptionContext:gatehouse", key)} if action.startswith("kms:") and key else set()
    return Call(action, arn_of(name), tags_of(deployment, name) | owner, key)


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
    person = added_person(deployment, "factored")
    own = SECRET_LOGIN | person | {"audience": f"{deployment.url}mfa/", "scope": MFA_SCOPES}
    bearer = {"Authorization": f"Bearer {site.post('/oauth/token', data=own).json()['access_token']}"}
    phone = {"authenticator_types": ["oob"], "oob_channels": ["sms"], "phone_number": "+14155550123"}
    for body in ({"authenticator_types": ["otp"]}, phone):
        made = site.post("/mfa/associate", json=body, headers=bearer)
        assert made.status_code == 200, made.text
    waiting = site.get("/mfa/authenticators", headers=bearer).json()
    (phone_id,) = [one["id"] for one in waiting if one.get("oob_channel") == "sms"]
    removed = site.delete(f"/mfa/authenticators/{phone_id}", headers=bearer)
    assert removed.status_code == 204, removed.text
    secret = json.loads(mfa_command(deployment, "enroll", person["username"], "--json"))["secret"]
    mfa_token = site.post("/oauth/token", data=SECRET_LOGIN | person).json()["mfa_token"]
    asked = CLIENT | {"mfa_token": mfa_token}
    for channel in ({"challenge_type": "otp"}, {"challenge_type": "oob", "oob_channel": "email"}):
        challenged = site.post("/mfa/challenge", json=asked | channel)
        assert challenged.status_code == 200, challenged.text
    code = {"grant_type": MFA_OTP, "otp": TOTP(secret).now()}
    assert site.post("/oauth/token", data=asked | code).status_code == 200


def get_blocked_and_unblocked(site: httpx.Client, deployment: Deployment, schedule: Environment) -> None:
    """Block somebody, mail them, follow the link, and press its button."""
    block(site, added_person(deployment, "guessed"))
    run(schedule)
    ticket = mailed_link(deployment, "guessed@example.com").partition("=")[2]
    pressed = site.post("/u/unblock", data={"ticket": ticket})
    assert pressed.status_code == 200, pressed.text


def make_and_mend_an_account(site: httpx.Client, deployment: Deployment, schedule: Environment) -> None:
    """Sign up, verify the email by its link, forget the password, mistype a code, and reset it by the right one."""
    email, realm = "joins@example.com", {"client_id": "demo-native", "connection": "customers"}
    signed_up = site.post("/dbconnections/signup", json=realm | {"email": email, "password": "quiet words at 753"})
    assert signed_up.status_code == 200, signed_up.text
    run(schedule)
    (ticket,) = set(re.findall(r"verify\?ticket=(\S+)", mails_to(deployment.aws, email)[-1]))
    assert site.post("/accounts/verify_email", json=realm | {"ticket": ticket}).status_code == 200
    # An address that earlier versions stored otherwise is looked up under both forms.
    site.post("/dbconnections/change_password", json=realm | {"email": f"\u200b{email}"})
    site.post("/accounts/send_verification", json=realm | {"email": "nobody@example.com"})
    run(schedule)
    (code,) = re.findall(r"\b[0-9]{6}\b", mails_to(deployment.aws, email)[-1])
    new = realm | {"email": email, "password": "other quiet words 358"}
    tried = [site.post("/accounts/reset_password", json=new | {"code": one}).status_code for one in ("none", code)]
    assert tried == [400, 200]


def help_somebody(site: httpx.Client, deployment: Deployment, helping: Environment) -> None:
    """Block somebody with an app by typed passwords and codes; unblock them and reset the app."""
    person = added_person(deployment, "helped")
    mfa_command(deployment, "enroll", person["username"], "--json")
    mfa_token = site.post("/oauth/token", data=SECRET_LOGIN | person).json()["mfa_token"]
    site.post("/oauth/token", data=CLIENT | {"grant_type": MFA_OTP, "mfa_token": mfa_token, "otp": "000000"})
    block(site, person)
    for action in ("unblock", "reset-factors"):
        assert ask_help_desk(helping, action, person["username"])["realm"] == "employees"
    assert site.post("/oauth/token", data=SECRET_LOGIN | person).status_code == 200


def manage(site: httpx.Client, deployment: Deployment) -> None:
    """Use the Management API as a backend does."""
    send = manager_of(site, deployment)
    for path in ("clients", "resource-servers", "connections", "client-grants"):
        assert send("GET", path).status_code == 200
    assert send("POST", "clients/demo-basic/rotate-secret").status_code == 200
    manage_people(site, send)


def manage_people(site: httpx.Client, send: Send) -> None:
    """Make, find, change and delete somebody."""
    new = {"connection": "customers", "email": "managed@example.com", "password": "quiet words at 753"}
    made = send("POST", "users", json=new | {"verify_email": True})
    assert made.status_code == 201, made.text
    path = f"users/{made.json()['user_id']}"
    for query in ({}, {"q": "email:managed@example.com"}, {"q": "identities.connection:customers"}):
        assert send("GET", "users", params=query).status_code == 200
    found = send("GET", "users", params={"q": "email:managed@example.com AND identities.connection:customers"})
    assert len(found.json()) == 1
    assert len(send("GET", "users-by-email", params={"email": "managed@example.com"}).json()) == 1
    for change in ({"app_metadata": {"a": 1}}, {"password": "other quiet words 358"}, {"blocked": True}):
        assert send("PATCH", path, json=change).status_code == 200
    look_at_person(site, send, path)
    assert send("DELETE", path).status_code == 204


def look_at_person(site: httpx.Client, send: Send, path: str) -> None:
    """See and end the blocks, second factors and refresh tokens of somebody who has some."""
    assert send("PATCH", path, json={"blocked": False}).status_code == 200
    login = CLIENT | {"username": "managed@example.com", "password": "other quiet words 358", "realm": "customers"}
    password_realm = {"grant_type": "http://auth0.com/oauth/grant-type/password-realm"}
    offline = login | password_realm | {"audience": SECRET_LOGIN["audience"], "scope": "offline_access"}
    assert site.post("/oauth/token", data=offline).status_code == 200, "no refresh token"
    grants = send("GET", "client-grants", params={"client_id": "demo-m2m"}).json()
    (audience,) = (one["audience"] for one in grants if one["audience"].endswith("api/v2/"))
    own = login | password_realm | {"audience": audience.replace("api/v2/", "mfa/"), "scope": "enroll"}
    bearer = {"Authorization": f"Bearer {site.post('/oauth/token', data=own).json()['access_token']}"}
    assert site.post("/mfa/associate", json={"authenticator_types": ["otp"]}, headers=bearer).status_code == 200
    phone = {"authenticator_types": ["oob"], "oob_channels": ["sms"], "phone_number": "+14155550177"}
    assert site.post("/mfa/associate", json=phone, headers=bearer).status_code == 200
    person = path.removeprefix("users/")
    for name in ("tickets/password-change", "tickets/email-verification", "jobs/verification-email"):
        assert send("POST", name, json={"user_id": person}).status_code == 201
    for name in ("authenticators", "authentication-methods", "enrollments", "refresh-tokens", "sessions"):
        assert send("GET", f"{path}/{name}").status_code == 200
    for name in (f"{path}/refresh-tokens", f"{path}/sessions", f"{path}/authenticators", f"user-blocks/{person}"):
        assert send("DELETE", name).status_code == 204
    assert send("GET", f"user-blocks/{person}").status_code == 200
    site.post("/oauth/token", data=offline | {"password": "wrong"})
    assert send("GET", "anomaly/blocks/ips/127.0.0.1").status_code == 404
    for address in ("127.0.0.1", "192.0.2.1"):
        assert send("DELETE", f"anomaly/blocks/ips/{address}").status_code == 204


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


@CALLERS
def test_every_call_of_a_function_is_allowed(calls: dict[str, set[Call]], caller: str) -> None:
    ours = statements("dev", caller)
    assert calls[caller]
    assert [call for call in calls[caller] if not any(allows(one, call) for one in ours)] == []


@CALLERS
def test_every_permission_is_used(calls: dict[str, set[Call]], caller: str) -> None:
    ours = statements("dev", caller)
    used = {(one["Sid"], call.action) for one in ours for call in calls[caller] if allows(one, call)}
    granted = {(one["Sid"], action) for one in ours for action in one["Action"]}
    assert granted - used - UNSEEN == set()


@CALLERS
@STAGES
def test_no_permission_is_a_wildcard(stage: str, caller: str) -> None:
    actions = [action for statement in statements(stage, caller) for action in statement["Action"]]
    named = [one for one in statements(stage, caller) if one["Sid"] not in OF_NO_RESOURCE]
    resources = [resource for statement in named for resource in statement.get("Resource", [])]
    assert not [action for action in actions if "*" in action]
    assert "*" not in resources


@CALLERS
@STAGES
def test_every_resource_belongs_to_the_stage(stage: str, caller: str) -> None:
    for statement in [one for one in statements(stage, caller) if one["Sid"] not in OF_NO_STAGE | {"FindKeys"}]:
        asked = statement.get("Condition", {}).get("StringEquals", {}).get
        tag = asked("aws:ResourceTag/gatehouse-stage") or asked("aws:RequestTag/gatehouse-stage")
        names = (f"gatehouse-{stage}", f":/gatehouse/{stage}/")
        assert tag == stage or all(any(name in resource for name in names) for resource in statement["Resource"])


@STAGES
def test_text_messages_go_to_phone_numbers_and_never_to_topics(stage: str) -> None:
    topic = Call("sns:Publish", "arn:aws:sns:eu-west-1:123456789012:topic", frozenset())
    assert not [one["Sid"] for one in statements(stage) if allows(one, topic)]


@SENDERS
@STAGES
def test_statement_of_the_docs_allows_one_sender_and_is_ours_otherwise(stage: str, caller: str) -> None:
    section = (PROJECT / "docs" / "run" / "operating.md").read_text("utf-8").partition("### One sender alone\n")[2]
    documented = json.loads(section.split("```")[1].removeprefix("json"))
    asked = [[allows(documented, call) for call in mail_from(sender)] for sender in (EMAIL_FROM, "other@example.com")]

    assert asked == [[True, True], [False, False]]
    documented.pop("Condition")
    assert documented in statements(stage, caller)


def mail_from(sender: str) -> list[Call]:
    """Return what SES asks for, if the sender's identity has a default configuration set."""
    told = frozenset({("ses:FromAddress", sender)})
    return [Call("ses:SendEmail", arn, told) for arn in (f"{IDENTITY}/{sender}", CONFIGURATION_SET)]


@STAGES
def test_function_makes_users_and_deletes_none(stage: str) -> None:
    table = f"arn:aws:dynamodb:eu-west-1:123456789012:table/gatehouse-{stage}-users-employees"
    keys = ("mfa#x", "user#x", "login#x")
    puts = [Call("dynamodb:PutItem", table, frozenset(), key) for key in keys]
    deletions = [Call("dynamodb:DeleteItem", table, frozenset(), key) for key in keys]
    assert all(any(allows(one, put) for one in statements(stage)) for put in puts)
    assert not [call for call in deletions for one in statements(stage) if allows(one, call)]


@STAGES
def test_schedule_changes_neither_counters_nor_sessions_and_reads_no_second_factors(stage: str) -> None:
    tables = f"arn:aws:dynamodb:eu-west-1:123456789012:table/gatehouse-{stage}-"
    asked = [
        Call("dynamodb:UpdateItem", f"{tables}attempts", frozenset(), "account#x"),
        Call("dynamodb:DeleteItem", f"{tables}attempts", frozenset(), "account#x"),
        Call("dynamodb:GetItem", f"{tables}sessions", frozenset(), "family#x"),
        Call("dynamodb:PutItem", f"{tables}sessions", frozenset(), "family#x"),
        Call("dynamodb:BatchGetItem", f"{tables}users-employees", frozenset(), "mfa#x"),
    ]
    assert [call for call in asked for one in statements(stage, SCHEDULE) if allows(one, call)] == []


@CALLERS
def test_stages_have_the_same_permissions(caller: str) -> None:
    dev = json.dumps(statements("dev", caller))
    assert json.loads(
        dev.replace("gatehouse-dev", "gatehouse-prod").replace(': "dev"', ': "prod"').replace("/dev/", "/prod/")
    ) == statements("prod", caller)

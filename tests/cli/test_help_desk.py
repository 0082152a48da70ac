"""`gatehouse help-desk`, and the policy of who may use it and nothing else."""

import json
from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Any

import boto3
import pytest

from chalicelib import wiring
from chalicelib.model.user import User
from infra.stage.aws import Stage
from infra.stage.second_factors import SecondFactors
from tests.cli.conftest import Gatehouse
from tests.cli.cut import acting_at
from tests.support.audit import audit_lines
from tests.support.help_desk import ARN, KEY_ID, SECRET, TOKEN, Desk
from tests.support.http import Http
from tests.support.invoking import answering
from tests.support.people import PeopleMaker
from tests.support.tenant_documents import small_document

EMPLOYEES = ("--realm", "employees")
ACCOUNT = "123456789012"
FUNCTION = f"arn:aws:lambda:eu-west-1:{ACCOUNT}:function:gatehouse-test-help_desk"


@pytest.fixture
def desk(stage: Stage, externals: wiring.Externals, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    """The function of the shared stage, and the credentials of somebody of the help desk."""
    for name, value in (("ACCESS_KEY_ID", KEY_ID), ("SECRET_ACCESS_KEY", SECRET), ("SESSION_TOKEN", TOKEN)):
        monkeypatch.setenv(f"AWS_{name}", value)
    desk = Desk(stage, externals)
    with answering(f"gatehouse-{stage.name}-help_desk", desk.send):
        yield desk


@pytest.fixture
def user(people: PeopleMaker) -> User:
    return people.make()


def test_unblock_lets_a_blocked_user_in(shared: Gatehouse, desk: Desk, http: Http, user: User) -> None:
    blocked = [http.login(username=user.username, password="wrong").status_code for _ in range(11)]
    ran = shared.run("help-desk", "unblock", user.username, *EMPLOYEES)

    assert (blocked[-1], ran.code, ran.err, ran.out) == (429, 0, "", f"{user.user_id}: forgotten.\n")
    assert http.login(username=user.username).status_code == 200
    assert [line["who"] for line in audit_lines(desk.stage)[-2:]] == [ARN, ARN]


@pytest.mark.parametrize(("options", "typed"), [((), "y\n"), (("--yes",), None)])
@pytest.mark.usefixtures("desk")
def test_reset_of_the_factors_asks_and_removes_them(
    shared: Gatehouse, http: Http, user: User, options: tuple[str, ...], typed: str | None
) -> None:
    factors = SecondFactors.of(shared.stage, "employees")
    factors.enroll(factors.find_session(user.user_id))
    before = http.login(username=user.username).status_code
    ran = shared.run("help-desk", "reset-factors", user.email, *EMPLOYEES, *options, typed=typed)

    assert (before, ran.code, ran.err) == (403, 0, "")
    assert ran.out.endswith(f"{user.user_id} has no second factor any more.\n")
    assert http.login(username=user.username).status_code == 200


def test_no_keeps_the_factors(shared: Gatehouse, desk: Desk, user: User) -> None:
    ran = shared.run("help-desk", "reset-factors", user.email, *EMPLOYEES, typed="n\n")

    assert (ran.code, desk.log) == (1, [])


@pytest.mark.usefixtures("desk")
def test_refusal_is_one_line_that_names_whom(shared: Gatehouse) -> None:
    ran = shared.run("help-desk", "unblock", "nobody-at-all", *EMPLOYEES)

    assert (ran.code, ran.out, ran.err) == (2, "", "nobody-at-all of realm employees: The user does not exist.\n")


def test_stage_without_the_function_is_told_how_to_get_it(shared: Gatehouse) -> None:
    ran = shared.run("help-desk", "unblock", "alice", *EMPLOYEES)

    assert (ran.code, "gatehouse deploy" in ran.err, ran.err.count("\n")) == (2, True, 1)


@pytest.mark.parametrize("said", [None, {"errorMessage": "Task timed out after 15.00 seconds"}])
def test_function_that_ends_without_an_answer_is_one_line(shared: Gatehouse, said: object) -> None:
    with answering(f"gatehouse-{shared.stage.name}-help_desk", lambda _: said):
        ran = shared.run("help-desk", "unblock", "alice", *EMPLOYEES)

    assert (ran.code, ran.err.count("\n"), "Traceback" in ran.err) == (2, 1, False)


# The policy


def policy_of(stage: str) -> dict[str, Any]:
    """Return the document of the policy that `up` made."""
    iam = boto3.client("iam")
    pages = iam.get_paginator("list_policies").paginate(Scope="Local")
    (found,) = [
        one
        for page in pages
        for one in page["Policies"]
        if one["PolicyName"] == f"gatehouse-{stage}-help-desk-eu-west-1"
    ]
    version = iam.get_policy_version(PolicyArn=found["Arn"], VersionId=found["DefaultVersionId"])
    document: dict[str, Any] = version["PolicyVersion"]["Document"]
    return document


def is_allowed(policy: dict[str, Any], action: str, resource: str) -> bool:
    """Return whether a policy of plain Allow statements allows a call, as IAM evaluates them."""
    for one in policy["Statement"]:
        assert (one.keys(), one["Effect"]) == ({"Sid", "Effect", "Action", "Resource"}, "Allow")
    return any(
        any(fnmatchcase(action, name) for name in one["Action"])
        and any(fnmatchcase(resource, arn) for arn in one["Resource"])
        for one in policy["Statement"]
    )


@pytest.mark.usefixtures("desk")
def test_policy_allows_all_that_both_commands_call(shared: Gatehouse, user: User) -> None:
    with acting_at(-1, lambda: None) as made:
        for words in (("unblock",), ("reset-factors", "--yes")):
            assert shared.run("help-desk", *words, user.username, *EMPLOYEES).code == 0

    assert made == ["Invoke", "Invoke"]
    assert is_allowed(policy_of("test"), "lambda:InvokeFunction", FUNCTION)


TABLES = f"arn:aws:dynamodb:eu-west-1:{ACCOUNT}:table/gatehouse-test-"
OTHER_CALLS = [
    # The password's hash, roles, the email, in each way to read and write an item; and to delete a person.
    *(
        (f"dynamodb:{operation}", f"{TABLES}{table}")
        for operation in (
            *(
                "GetItem",
                "BatchGetItem",
                "Query",
                "Scan",
                "PartiQLSelect",
                "ExportTableToPointInTime",
            ),
            *("PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem", "PartiQLUpdate"),
        )
        for table in ("users-employees", "users-customers", "config", "sessions", "attempts")
    ),
    *((f"kms:{name}", f"arn:aws:kms:eu-west-1:{ACCOUNT}:key/mrk-1") for name in ("Sign", "Decrypt", "GenerateDataKey")),
    *(
        (f"logs:{name}", f"arn:aws:logs:eu-west-1:{ACCOUNT}:log-group:{group}:*")
        for name in ("FilterLogEvents", "GetLogEvents", "PutLogEvents", "DeleteLogGroup")
        for group in ("/gatehouse/test/audit", "/aws/lambda/gatehouse-test")
    ),
    *(
        ("lambda:InvokeFunction", f"arn:aws:lambda:eu-west-1:{ACCOUNT}:function:gatehouse-{name}")
        for name in ("test", "test-management", "test-rotate_keys", "test-events", "prod-help_desk", "test-help_desk2")
    ),
    ("lambda:InvokeFunction", FUNCTION.replace("eu-west-1", "us-east-1")),
    ("lambda:InvokeFunction", FUNCTION.replace(ACCOUNT, "210987654321")),
    *(
        (f"lambda:{name}", FUNCTION)
        for name in ("GetFunction", "UpdateFunctionCode", "UpdateFunctionConfiguration", "AddPermission", "InvokeAsync")
    ),
    ("iam:PassRole", f"arn:aws:iam::{ACCOUNT}:role/gatehouse-test-help_desk"),
    ("sts:AssumeRole", f"arn:aws:iam::{ACCOUNT}:role/gatehouse-test-help_desk"),
    ("execute-api:Invoke", f"arn:aws:execute-api:eu-west-1:{ACCOUNT}:api/test/POST/oauth/token"),
]


def test_policy_allows_nothing_else(stage: Stage) -> None:
    policy = policy_of(stage.name)

    assert [call for call in OTHER_CALLS if is_allowed(policy, *call)] == []
    assert "*" not in json.dumps(policy)


@pytest.mark.usefixtures("desk")
def test_other_commands_find_nothing_that_the_policy_allows(shared: Gatehouse, user: User) -> None:
    with acting_at(-1, lambda: None) as made:
        shared.run("users", "show", user.username, *EMPLOYEES)
        shared.run("users", "mfa", "reset", user.username, *EMPLOYEES, "--yes")
        shared.run("attacks", "unblock", "--user", user.username, *EMPLOYEES)

    assert made
    assert "Invoke" not in made


def test_up_says_which_policy_to_attach_once_it_makes_it(gatehouse: Gatehouse) -> None:
    first, again = gatehouse.up(small_document()), gatehouse.up(small_document())

    arn = f"arn:aws:iam::{ACCOUNT}:policy/gatehouse-{gatehouse.stage.name}-help-desk-eu-west-1"
    assert (first.code, arn in first.out, arn in again.out) == (0, True, False)
    assert policy_of(gatehouse.stage.name)["Statement"]

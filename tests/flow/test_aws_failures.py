"""AWS failing under a login: a contract answer, nothing issued, nothing consumed that a retry needs."""

import pytest
from botocore import xform_name

from chalicelib import wiring
from chalicelib.model.user import User
from chalicelib.store.aws.caller import AwsUnreachable
from chalicelib.store.people.items import family_counter
from chalicelib.tokens.refresh import MAX_FAMILIES
from chalicelib.wiring import Externals
from infra.stage.aws import Stage
from infra.tenant.schema import TenantFile
from tests.support.clients import make_api
from tests.support.faults import aws_error, before, failing
from tests.support.http import BACKEND, EVERYTHING, Http
from tests.support.people import PASSWORD, PeopleMaker
from tests.support.stages import client_of, provision_stage

UNAVAILABLE = {
    "error": "temporarily_unavailable",
    "error_description": "The service is temporarily unavailable. Please try again.",
}
FAILURES = [
    aws_error("ProvisionedThroughputExceededException"),
    aws_error("ThrottlingException"),
    aws_error("InternalServerError"),
    aws_error("AccessDeniedException"),
    aws_error("ResourceNotFoundException"),
    AwsUnreachable("ReadTimeoutError"),
    AwsUnreachable("ConnectTimeoutError"),
]
OPERATIONS = ["GetItem", "BatchGetItem", "UpdateItem", "Sign"]


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize("failure", FAILURES, ids=lambda failure: type(failure).__name__ + str(failure)[:60])
def test_failing_call_answers_503_and_the_retry_gets_in(
    http: Http, stage: Stage, people: PeopleMaker, operation: str, failure: Exception
) -> None:
    user = people.make()
    with failing(stage, operation, failure):
        response = http.login(username=user.username)

    assert (response.status_code, response.json()) == (503, UNAVAILABLE)
    assert int(response.headers["Retry-After"]) >= 1
    assert http.log[-1]["error"] == "temporarily_unavailable"
    assert http.login(username=user.username).status_code == 200


@pytest.mark.parametrize("operation", [*OPERATIONS, "Query"])
def test_failing_call_is_logged_by_its_own_name(http: Http, stage: Stage, people: PeopleMaker, operation: str) -> None:
    user = people.make()
    let_next_login_count_families(stage, user)
    with failing(stage, operation, aws_error("AccessDeniedException")):
        http.login(username=user.username, scope=EVERYTHING)

    assert http.log[-1]["reason"] == f"{xform_name(operation)}: AccessDeniedException"


def let_next_login_count_families(stage: Stage, user: User) -> None:
    """Let the person's credentials say that the backend began as many families as it may."""
    counter = family_counter(BACKEND["client_id"])
    stage.clients.dynamodb.update_item(
        TableName=f"{stage.prefix}users-employees",
        Key={"pk": {"S": f"cred#{user.user_id}"}},
        UpdateExpression=f"SET {counter} = :most",
        ExpressionAttributeValues={":most": {"N": str(MAX_FAMILIES)}},
    )


@pytest.mark.parametrize(("operation", "about"), [("UpdateItem", "last_login"), ("Sign", "")])
def test_failures_after_the_right_password_use_up_no_attempt(
    http: Http, stage: Stage, people: PeopleMaker, operation: str, about: str
) -> None:
    user = people.make()
    with failing(stage, operation, aws_error("InternalServerError"), about=about):
        assert {http.login(username=user.username).status_code for _ in range(12)} == {503}

    assert http.login(username=user.username).status_code == 200


def test_failing_read_of_the_profile_uses_up_no_attempt(http: Http, stage: Stage, people: PeopleMaker) -> None:
    user = people.make()
    http.login(username=user.username)
    for _ in range(12):
        with failing(stage, "GetItem", aws_error("InternalServerError")):
            assert http.login(username=user.username).status_code == 503

    assert http.login(username=user.username).status_code == 200


def test_disabled_key_stops_logins_and_no_jwks(http: Http, stage: Stage, people: PeopleMaker) -> None:
    user = people.make()
    with failing(stage, "Sign", aws_error("DisabledException")):
        assert http.login(username=user.username).status_code == 503
        assert http.get("/.well-known/jwks.json").status_code == 200


def test_count_that_meets_a_transaction_goes_again(http: Http, stage: Stage, people: PeopleMaker) -> None:
    user = people.make()
    with failing(stage, "UpdateItem", aws_error("TransactionConflictException"), times=range(2)):
        assert http.login(username=user.username).status_code == 200


def test_wrong_password_whose_failure_cannot_be_noted_stays_counted(
    http: Http, stage: Stage, people: PeopleMaker
) -> None:
    user = people.make()
    for _ in range(10):
        with failing(stage, "UpdateItem", aws_error("InternalServerError"), times=range(1, 2)):
            assert http.login(username=user.username, password="wrong").status_code == 503

    assert http.login(username=user.username).status_code == 429


@pytest.mark.parametrize("change", ["password", "block", "delete"])
def test_user_changed_during_the_login_is_refused(http: Http, stage: Stage, people: PeopleMaker, change: str) -> None:
    user = people.make()
    employees = people.of("employees")
    changes = {
        "password": lambda: employees.set_password(user, "another password"),
        "block": lambda: employees.set_blocked(user, True),
        "delete": lambda: employees.delete(user),
    }
    with before(stage, "UpdateItem", changes[change], about="last_login"):
        response = http.login(username=user.username, password=PASSWORD)

    assert response.status_code == 400
    assert response.json()["error"] == "invalid_grant"


def test_count_that_never_stands_still_is_an_answer_of_ours(http: Http, stage: Stage, people: PeopleMaker) -> None:
    user = people.make()
    moved_on = aws_error("ConditionalCheckFailedException")
    moved_on.body["Item"] = {"credential_version": {"N": "1"}}
    with failing(stage, "UpdateItem", moved_on, times=range(1, 1_000)):
        response = http.login(username=user.username, password="wrong")

    assert (response.status_code, response.json()) == (503, UNAVAILABLE)


def test_count_that_can_never_begin_is_an_answer_of_ours(http: Http, stage: Stage, people: PeopleMaker) -> None:
    user = people.make()
    with failing(stage, "UpdateItem", aws_error("ConditionalCheckFailedException"), times=range(10_000)):
        response = http.login(username=user.username)

    assert (response.status_code, response.json()) == (503, UNAVAILABLE)


def test_api_whose_algorithm_has_no_key_is_a_server_error_that_the_log_explains(http: Http, stage: Stage) -> None:
    response = http.login(audience=make_api(stage, signing_alg="ES512"))

    assert (response.status_code, response.json()["error"]) == (500, "server_error")
    assert http.log[-1]["reason"] == "no current ES512 key"


def test_stage_without_a_tenant_is_a_server_error_that_the_log_explains(
    demo: TenantFile, stage: Stage, externals: Externals
) -> None:
    bare = provision_stage("bare", demo)
    bare.config().delete("tenant")

    with client_of(bare, externals) as client:
        response = client.login()
    assert (response.status_code, response.json()["error"]) == (500, "server_error")
    assert client.log[-1]["reason"] == "gatehouse-bare-config holds no tenant"


def test_process_with_bad_settings_answers_and_logs_every_fault(http: Http, monkeypatch: pytest.MonkeyPatch) -> None:
    http.services = wiring.services
    wiring.services.cache_clear()
    monkeypatch.setenv("GATEHOUSE_STAGE", "")
    monkeypatch.setenv("GATEHOUSE_BCRYPT_COST", "99")
    response = http.login()

    assert (response.status_code, response.json()["error"]) == (500, "server_error")
    assert "GATEHOUSE_STAGE is missing" in http.log[-1]["reason"]
    assert "GATEHOUSE_BCRYPT_COST must be" in http.log[-1]["reason"]

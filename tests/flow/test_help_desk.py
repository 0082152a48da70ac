"""The help desk's function: it unblocks, it resets factors, and it says in the audit log whom STS named."""

import json
from typing import Any

import pytest

from chalicelib import wiring
from chalicelib.model.user import User
from infra.stage.aws import Stage
from infra.stage.second_factors import SecondFactors
from tests.support.attempts import counts_of, sum_of_counts
from tests.support.audit import audit_lines
from tests.support.config import document_of
from tests.support.faults import aws_error, failing
from tests.support.fixed import Clock
from tests.support.help_desk import ARN, SECRET, TOKEN, Answer, Desk, Sts, signed
from tests.support.http import Http
from tests.support.mfa import App, mfa_token_of, with_otp
from tests.support.people import PeopleMaker


@pytest.fixture
def desk(stage: Stage, externals: wiring.Externals) -> Desk:
    return Desk(stage, externals)


@pytest.fixture
def user(people: PeopleMaker) -> User:
    return people.make()


def error(answer: dict[str, Any]) -> str:
    return str(answer.get("error", ""))


def block(http: Http, user: User) -> None:
    assert [http.login(username=user.username, password="wrong").status_code for _ in range(11)][-1] == 429


@pytest.mark.parametrize("name", ["username", "email", "user_id"])
def test_blocked_user_is_unblocked_and_may_log_in(desk: Desk, http: Http, user: User, name: str) -> None:
    block(http, user)
    answer = desk.ask("unblock", getattr(user, name))

    assert answer == {"realm": "employees", "user_id": user.user_id}
    assert sum_of_counts(counts_of(desk.stage, user)) == (0, 0)
    assert http.login(username=user.username).status_code == 200


def test_realm_may_be_named_by_its_alias(desk: Desk, user: User) -> None:
    tenant = document_of(desk.stage, "tenant")
    desk.stage.config().put("tenant", tenant | {"realm_aliases": {"staff": "employees"}})
    try:
        answer = desk.ask("unblock", user.username, "staff")
    finally:
        desk.stage.config().put("tenant", tenant)

    assert answer == {"realm": "employees", "user_id": user.user_id}


def test_change_stands_between_two_audit_lines_that_name_whom_sts_named(desk: Desk, user: User) -> None:
    known = len(audit_lines(desk.stage))
    desk.ask("unblock", user.username)
    before, after = audit_lines(desk.stage)[known:]
    (line,) = desk.log

    named = {"who": ARN, "what": "help-desk unblock", "realm": "employees", "user": user.user_id}
    assert (before.items() >= named.items(), "result" in before) == (True, False)
    assert after.items() >= {**named, "audit": before["audit"], "result": "done"}.items()
    wanted = {"event": "help_desk", "action": "unblock", "user": user.user_id, "audit": before["audit"]}
    assert line.items() >= {**wanted, "realm": "employees", "request_id": "request-1"}.items()
    assert "error" not in line


@pytest.mark.parametrize("call", ["CreateLogStream", "PutLogEvents"])
def test_nothing_changes_if_the_audit_line_cannot_be_written(desk: Desk, http: Http, user: User, call: str) -> None:
    block(http, user)
    with failing(desk.stage, call, aws_error("ServiceUnavailableException")):
        answer = desk.ask("unblock", user.username)

    assert error(answer) == "temporarily_unavailable"
    assert sum_of_counts(counts_of(desk.stage, user)) != (0, 0)


def test_change_whose_result_cannot_be_written_is_made_and_its_line_warns(desk: Desk, http: Http, user: User) -> None:
    block(http, user)
    with failing(desk.stage, "PutLogEvents", aws_error("ServiceUnavailableException"), times=range(1, 9)):
        answer = desk.ask("unblock", user.username)

    assert answer["user_id"] == user.user_id
    assert "audit log lacks the result" in desk.log[-1]["warnings"][0]


def test_change_that_fails_has_an_audit_line_that_says_so(desk: Desk, http: Http, user: User) -> None:
    block(http, user)
    with failing(desk.stage, "UpdateItem", aws_error("InternalServerError")):
        answer = desk.ask("unblock", user.username)

    last = audit_lines(desk.stage)[-1]
    assert (error(answer), last["result"], last["error"]) == (
        "temporarily_unavailable",
        "failed",
        "TemporarilyUnavailable",
    )


# Factors


@pytest.fixture
def app(stage: Stage, user: User, clock: Clock) -> App:
    """An app of the user, which an operator gave."""
    factors = SecondFactors.of(stage, "employees")
    return App(factors.enroll(factors.find_session(user.user_id))["secret"], clock)


def test_user_whose_factors_were_reset_logs_in_by_the_password_alone(
    desk: Desk, http: Http, user: User, app: App
) -> None:
    waiting = mfa_token_of(http.login(username=user.username))
    answer = desk.ask("reset-factors", user.username)

    assert answer == {"realm": "employees", "user_id": user.user_id}
    assert http.login(username=user.username).status_code == 200
    assert with_otp(http, waiting, app.code()).status_code == 400


def test_reset_keeps_the_password_and_lifts_the_limit_on_codes(desk: Desk, http: Http, user: User, app: App) -> None:
    mfa_token = mfa_token_of(http.login(username=user.username))
    tried = [with_otp(http, mfa_token, app.code(3600)).status_code for _ in range(11)]
    before = counts_of(desk.stage, user)["password_hash"]
    desk.ask("reset-factors", user.username)

    assert tried == [400] * 10 + [429]
    assert counts_of(desk.stage, user)["password_hash"] == before
    pk = {":pk": f"mfa#employees#{user.user_id}"}
    assert desk.stage.dynamo.query(f"{desk.stage.prefix}attempts", "pk = :pk", pk) == []


@pytest.mark.usefixtures("app")
def test_owner_is_mailed_of_a_reset(desk: Desk, user: User) -> None:
    desk.ask("reset-factors", user.username)

    (queued,) = [mail for mail in queued_mails(desk.stage) if "factor-removed" in mail and user.user_id in mail]
    assert '"to": ""' in queued


def queued_mails(stage: Stage) -> list[str]:
    items = stage.dynamo.scan(f"{stage.prefix}attempts")
    return [item["document"] for item in items if item["pk"].startswith("mail#")]


@pytest.mark.usefixtures("app")
def test_reset_that_meets_another_change_is_a_conflict_and_changes_nothing(desk: Desk, http: Http, user: User) -> None:
    with failing(desk.stage, "TransactWriteItems", aws_error("TransactionCanceledException", "ConditionalCheckFailed")):
        answer = desk.ask("reset-factors", user.username)

    assert error(answer) == "auth0_idp_error"
    assert http.login(username=user.username).status_code == 403


# Refusals


@pytest.mark.parametrize("action", ["unblock", "reset-factors"])
def test_unknown_user_is_refused_and_leaves_no_audit_line(desk: Desk, action: str) -> None:
    known = len(audit_lines(desk.stage))

    assert error(desk.ask(action, "nobody-at-all")) == "inexistent_user"
    assert len(audit_lines(desk.stage)) == known


def test_user_of_another_realm_is_unknown(desk: Desk, user: User) -> None:
    assert error(desk.ask("unblock", user.user_id, "customers")) == "inexistent_user"


@pytest.mark.parametrize("realm", ["no-such-realm", "x" * 2000, "employees#", ""])
def test_unknown_realm_is_refused(desk: Desk, user: User, realm: str) -> None:
    assert error(desk.ask("unblock", user.username, realm)) == "invalid_request"


@pytest.mark.parametrize("action", ["set-password", "delete", "enroll", "", "__class__"])
def test_any_other_action_is_refused(desk: Desk, user: User, action: str) -> None:
    assert error(desk.ask(action, user.username)) == "invalid_request"
    assert desk.sts.asked == []


EVENTS: list[object] = [
    None, [], "unblock", {},
    {"action": "unblock", "realm": "employees", "who": "alice"},
    {"action": "unblock", "realm": "employees", "who": "alice", "proof": "none"},
    {"action": "unblock", "realm": "employees", "who": "alice", "proof": {"authorization": 1}},
    {"action": "unblock", "realm": "employees", "who": ["alice"], "proof": {}},
    {"action": ["unblock"], "realm": "employees", "who": "alice", "proof": {}},
    {"action": "unblock", "realm": "employees", "who": "x" * 400, "proof": {}},
    {"action": "unblock", "realm": "employees", "who": "", "proof": {}},
    {"action": "unblock", "realm": "employees", "who": "alice", "proof": {}, "more": 1},
    {"requestContext": {"resourcePath": "/oauth/token"}},
]  # fmt: skip


@pytest.mark.parametrize("event", EVENTS)
def test_malformed_event_is_refused_before_anything_is_asked(desk: Desk, event: object) -> None:
    assert error(desk.send(event)) == "invalid_request"
    assert desk.sts.asked == []


# Who calls


def refused(desk: Desk, proof: dict[str, str], who: str = "alice") -> str:
    """Return the error of a call with this proof, after which nothing is in the audit log."""
    known = len(audit_lines(desk.stage))
    answer = desk.ask("reset-factors", who, proof=proof)
    assert len(audit_lines(desk.stage)) == known
    return error(answer)


def test_proof_without_temporary_credentials_is_one_too(desk: Desk, user: User) -> None:
    assert "user_id" in desk.ask("unblock", user.username, proof=signed(desk.stage.name, token=None))


def test_proof_by_a_wrong_secret_is_refused(desk: Desk) -> None:
    assert refused(desk, signed(desk.stage.name, secret="another secret")) == "access_denied"


def test_proof_for_another_stage_is_refused(desk: Desk) -> None:
    assert refused(desk, signed("dev")) == "access_denied"


def test_signature_that_leaves_the_stage_out_never_reaches_sts(desk: Desk) -> None:
    proof = signed(desk.stage.name)
    for taken, put in ((";x-gatehouse-stage", ""), ("x-gatehouse-stage", "accept")):
        changed = proof["authorization"].replace(taken, put)
        assert refused(desk, proof | {"authorization": changed}) == "access_denied"
    assert desk.sts.asked == []


@pytest.mark.parametrize(
    "change",
    [
        {"authorization": "AWS4-HMAC-SHA256"},
        {"x-amz-date": "20260101T000000Z\r\nhost: example.com"},
        {"x-amz-date": ""},
        {"host": "sts.example.com"},
        {"x-gatehouse-stage": "prod"},
        {"x-amz-security-token": "x" * 9000},
    ],
)
def test_malformed_proof_never_reaches_sts(desk: Desk, change: dict[str, str]) -> None:
    assert refused(desk, signed(desk.stage.name) | change) == "access_denied"
    assert desk.sts.asked == []


@pytest.mark.parametrize(
    ("failure", "wanted"),
    [
        (TimeoutError(), "temporarily_unavailable"),
        (ConnectionResetError(), "temporarily_unavailable"),
        (Answer(503, ""), "temporarily_unavailable"),
        (Answer(200, "<html>"), "access_denied"),
        (Answer(301, ""), "access_denied"),
    ],
)
def test_nothing_changes_if_sts_does_not_answer(
    stage: Stage, externals: wiring.Externals, failure: Exception | Answer, wanted: str
) -> None:
    assert refused(Desk(stage, externals, Sts(failure)), signed(stage.name)) == wanted


def test_no_secret_stands_in_a_line_or_an_answer(desk: Desk, user: User) -> None:
    proof, known = signed(desk.stage.name), len(audit_lines(desk.stage))
    answers = [desk.ask("unblock", user.username), desk.ask("unblock", user.username, proof=proof | {"x": "y"})]
    said = json.dumps([*answers, *desk.log, *audit_lines(desk.stage)[known:]])

    signature, stored = proof["authorization"][-64:], counts_of(desk.stage, user)["password_hash"]
    assert [text for text in (SECRET, TOKEN, signature, stored) if text in said] == []

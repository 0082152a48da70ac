"""The audit log of the Management API: a line before each change, and one with its result after it."""

import pytest

from chalicelib.errors import TemporarilyUnavailable
from chalicelib.http.management import ROUTES
from chalicelib.model.tenant import MANAGEMENT_SCOPES
from chalicelib.store.logs.audit import AuditEntry, AuditLog
from infra.stage.aws import Stage
from tests.support.audit import audit_lines
from tests.support.faults import aws_error, failing
from tests.support.fixed import Clock
from tests.support.management import Backend, refusal
from tests.support.people import PeopleMaker


def test_change_has_a_line_before_it_and_one_with_its_result(
    backend: Backend, stage: Stage, people: PeopleMaker
) -> None:
    user, known = people.make("customers"), len(audit_lines(stage))
    answer = backend.send("PATCH", f"/users/{user.user_id}", json={"nickname": "Nick", "blocked": True})
    before, after = audit_lines(stage)[known:]

    assert answer.status_code == 200
    client_id, audit = backend.client["client_id"], backend.http.log[-1]["audit"]
    named = {"audit": audit, "stage": stage.name, "who": client_id, "what": "PATCH /api/v2/users/{id}"}
    named["id"] = user.user_id
    assert {name: value for name, value in before.items() if name != "time"} == named
    result = {"realm": "customers", "user": user.user_id, "changed": "blocked, nickname", "result": "done"}
    assert {name: value for name, value in after.items() if name != "time"} == named | result


def test_change_is_not_made_if_its_line_cannot_be_written(backend: Backend, stage: Stage, people: PeopleMaker) -> None:
    user = people.make("customers")
    assert backend.token
    with failing(stage, "PutLogEvents", aws_error("ServiceUnavailableException")):
        answer = backend.send("PATCH", f"/users/{user.user_id}", json={"nickname": "Nick"})

    assert refusal(answer) == (503, "temporarily_unavailable")
    assert backend.get(f"/users/{user.user_id}").get("nickname") is None


def test_line_that_cloudwatch_rejects_is_a_line_that_cannot_be_written(stage: Stage, clock: Clock) -> None:
    # CloudWatch takes no line of tomorrow, and says so in a success.
    clock.advance(86_400)
    with pytest.raises(TemporarilyUnavailable) as failed:
        AuditLog(stage.aws, stage.name, clock).write(AuditEntry("somebody", "something", {}))

    assert failed.value.reason == "put_log_events: rejected"


def test_change_whose_result_cannot_be_written_is_done_and_its_line_warns(
    backend: Backend, stage: Stage, people: PeopleMaker
) -> None:
    user = people.make("customers")
    assert backend.token
    with failing(stage, "PutLogEvents", aws_error("ServiceUnavailableException"), times=range(1, 9)):
        answer = backend.send("DELETE", f"/users/{user.user_id}")

    assert answer.status_code == 204
    assert "audit log lacks the result" in backend.http.log[-1]["warnings"][0]


def test_change_that_fails_has_a_line_that_says_so(backend: Backend, stage: Stage) -> None:
    answer = backend.send("DELETE", "/users/customers|nobody/authenticators")
    line = audit_lines(stage)[-1]

    assert (answer.status_code, line["result"], line["error"]) == (404, "failed", "inexistent_user")


def test_request_that_is_not_admitted_has_no_line(backend: Backend, stage: Stage, people: PeopleMaker) -> None:
    user = people.make("customers")
    reader = Backend.of(stage, backend.http, [scope for scope in MANAGEMENT_SCOPES if scope.startswith("read:")])
    known = len(audit_lines(stage))

    assert reader.send("DELETE", f"/users/{user.user_id}").status_code == 403
    assert reader.send("GET", f"/users/{user.user_id}").status_code == 200
    assert len(audit_lines(stage)) == known


def test_every_route_that_is_no_read_is_a_change() -> None:
    changes = [route for route in ROUTES if route.event]

    assert [route.path for route in ROUTES if (route.methods == ("GET",)) == bool(route.event)] == []
    assert {route.answer.__name__ for route in changes} == {"audited"}

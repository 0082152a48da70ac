"""A code that could not be sent: what is answered, and the log line that the stage's alarm counts."""

from collections.abc import Iterator
from typing import Any

import pytest

from chalicelib import wiring
from chalicelib.settings import Settings
from infra.stage.aws import Stage
from tests.support.faults import aws_error, failing
from tests.support.fixed import BCRYPT_COST, ISSUER
from tests.support.http import Http
from tests.support.mfa import associate, mfa_token_of
from tests.support.people import PeopleMaker
from tests.support.rules import client_with_rules, require_mfa

OOB: dict[str, Any] = {"authenticator_types": ["oob"]}
WANTED: dict[str, dict[str, Any]] = {
    "Publish": OOB | {"oob_channels": ["sms"], "phone_number": "+14155550199"},
    "SendEmail": OOB | {"oob_channels": ["email"], "email": "other@example.com"},
}


@pytest.fixture
def http(stage: Stage, externals: wiring.Externals) -> Iterator[Http]:
    with client_with_rules(stage, externals, require_mfa) as client:
        yield client


@pytest.mark.parametrize(("operation", "event"), [("Publish", "gd_send_sms_failure"), ("SendEmail", "fn")])
def test_code_that_cannot_be_sent_is_a_503_and_a_line_with_the_reason(
    http: Http, stage: Stage, people: PeopleMaker, operation: str, event: str
) -> None:
    user = people.make()
    mfa_token = mfa_token_of(http.login(username=user.username))
    with failing(stage, operation, aws_error("AccessDeniedException")):
        answer = associate(http, mfa_token, **WANTED[operation])

    assert (answer.status_code, answer.json()["error"]) == (503, "temporarily_unavailable")
    line = http.log[-1]
    assert (line["event"], line["user"], line["realm"]) == (event, user.user_id, "employees")
    assert line["reason"].endswith(": AccessDeniedException")
    assert "other@example.com" not in str(line)
    assert "+14155550199" not in str(line)


def test_email_without_a_sender_is_a_500_and_such_a_line_too(
    http: Http, stage: Stage, externals: wiring.Externals, people: PeopleMaker
) -> None:
    mfa_token = mfa_token_of(http.login(username=people.make().username))
    senderless = wiring.build(Settings(stage.name, ISSUER, BCRYPT_COST), stage.aws, externals)
    http.services = lambda: senderless
    answer = associate(http, mfa_token, **WANTED["SendEmail"])

    assert (answer.status_code, answer.json()["error"]) == (500, "server_error")
    assert (http.log[-1]["event"], http.log[-1]["reason"]) == ("fn", "GATEHOUSE_EMAIL_FROM is not set")

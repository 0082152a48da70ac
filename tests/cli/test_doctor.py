"""`gatehouse doctor` on a stage whose functions are not deployed; tests/deploy has one whose are."""

import http.client
import io
import json
import shlex
import time
import urllib.request
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from chalicelib.errors import TemporarilyUnavailable
from infra.doctor import findings, reach
from infra.doctor.findings import Examined, Finding, examine
from infra.doctor.limits import check_concurrency, hold
from infra.errors import OperatorError
from infra.stage import aws
from tests.cli.conftest import Gatehouse

WRITES = ("Put", "Update", "Delete", "Create", "Transact", "Enable", "Disable", "Add", "Remove", "Send", "Start")


def look(gatehouse: Gatehouse, *options: str) -> tuple[int, dict[str, dict[str, str]]]:
    """Return the exit code and the findings, by what was looked at: the worst of each."""
    ran = gatehouse.run("doctor", "--json", *gatehouse.listed(), *options)
    found: list[dict[str, str]] = json.loads(ran.out)
    assert all(list(one) == ["check", "status", "message", "mend"] for one in found)
    order = ("green", "amber", "red")
    return ran.code, {one["check"]: one for one in sorted(found, key=lambda one: order.index(one["status"]))}


def statuses(found: dict[str, dict[str, str]]) -> dict[str, str]:
    return {name: one["status"] for name, one in found.items()}


def test_stage_of_up_and_apply_is_green_in_what_these_make(own: Gatehouse) -> None:
    code, found = look(own)
    prefix = own.stage.prefix
    made = ("stacks", "items", "keys", "age of the RS256 key", f"table {prefix}sessions", f"table {prefix}config")

    assert {name: found[name]["status"] for name in made} == dict.fromkeys(made, "green")
    assert all(one["status"] == "green" for name, one in found.items() if name.startswith("log group"))
    # Nothing is deployed.
    assert code == 3
    assert (found["issuer"]["status"], found["issuer"]["mend"]) == ("red", f"gatehouse deploy --stage {own.stage.name}")


def test_each_amber_or_red_finding_says_what_to_do(own: Gatehouse) -> None:
    _, found = look(own)

    assert [name for name, one in found.items() if one["status"] == "red" and not one["mend"]] == []


def test_table_prints_each_finding_and_the_counts(own: Gatehouse) -> None:
    ran = own.run("doctor", *own.listed())

    assert ran.code == 3
    assert f"table {own.stage.prefix}sessions" in ran.out
    assert ran.out.splitlines()[-1].endswith(" red.")


def test_ttl_that_is_off_is_red_until_the_mend_was_run(own: Gatehouse) -> None:
    table, dynamodb = f"{own.stage.prefix}sessions", own.stage.clients.dynamodb
    dynamodb.update_time_to_live(
        TableName=table, TimeToLiveSpecification={"Enabled": False, "AttributeName": "expires_at"}
    )
    _, found = look(own)
    words = shlex.split(found[f"table {table}"]["mend"])
    dynamodb.update_time_to_live(
        TableName=table, TimeToLiveSpecification={"Enabled": True, "AttributeName": "expires_at"}
    )
    _, mended = look(own)

    assert found[f"table {table}"]["status"] == "red"
    assert words[:4] == ["aws", "dynamodb", "update-time-to-live", "--table-name"]
    assert mended[f"table {table}"]["status"] == "green"


def test_backups_that_are_off_are_red(own: Gatehouse) -> None:
    table = f"{own.stage.prefix}config"
    own.stage.clients.dynamodb.update_continuous_backups(
        TableName=table, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": False}
    )
    _, found = look(own)

    assert found[f"table {table}"]["status"] == "red"
    assert "update-continuous-backups" in found[f"table {table}"]["mend"]


def test_table_that_may_be_deleted_is_amber(own: Gatehouse) -> None:
    table = f"{own.stage.prefix}config"
    own.stage.clients.dynamodb.update_table(TableName=table, DeletionProtectionEnabled=False)
    _, found = look(own)

    assert found[f"table {table}"]["status"] == "amber"


def test_log_group_that_is_gone_or_keeps_all_is_told(own: Gatehouse) -> None:
    logs, gone = own.stage.clients.logs(), f"/aws/lambda/gatehouse-{own.stage.name}"
    kept = f"{gone}-management"
    logs.delete_log_group(logGroupName=gone)
    logs.delete_retention_policy(logGroupName=kept)
    _, found = look(own)

    assert found[f"log group {gone}"]["status"] == "red"
    assert found[f"log group {kept}"]["status"] == "amber"


def test_key_that_kms_deleted_is_red(own: Gatehouse) -> None:
    (key,) = own.stage.config().keys().keys
    own.stage.clients.kms.disable_key(KeyId=key.key_arn.rpartition("/")[2])
    _, found = look(own)

    assert found["keys"]["status"] == "red"
    assert key.kid in found["keys"]["message"]


def test_key_that_outgrew_its_schedule_is_red(own: Gatehouse) -> None:
    config = own.stage.config()
    known = config.keys()
    (key,) = known.keys
    older = replace(known, keys=(replace(key, since=key.since - 100 * 86_400),))
    assert config.replace_keys(known, older)
    _, found = look(own)

    assert found["age of the RS256 key"]["status"] == "red"
    assert found["age of the RS256 key"]["mend"] == f"gatehouse keys rotate --stage {own.stage.name}"


def test_tenant_file_that_was_changed_is_amber(own: Gatehouse) -> None:
    file = next(own.directory.glob("*.yaml"))
    _, in_step = look(own, "--tenant", str(file))
    file.write_text(file.read_text("utf-8").replace("token_lifetime: ", "token_lifetime: 1"), "utf-8")
    own.stage.config().delete("client#" + json.loads(own.run("clients", "list", "--json").out)[0]["client_id"])
    _, found = look(own, "--tenant", str(file))

    assert in_step["tenant file"]["status"] == "green"
    assert found["tenant file"]["status"] == "amber"
    assert "gatehouse apply" in found["tenant file"]["mend"]


def test_alarms_that_tell_nobody_are_amber_until_somebody_subscribes(own: Gatehouse) -> None:
    _, before = look(own)
    topic = own.stage.clients.sns().create_topic(Name=f"gatehouse-{own.stage.name}-alarms")["TopicArn"]
    own.stage.clients.sns().subscribe(TopicArn=topic, Protocol="email", Endpoint="ops@example.com")
    _, after = look(own)

    assert (before["alarms"]["status"], after["alarms"]["status"]) == ("amber", "green")
    assert "--alarm-email" in before["alarms"]["mend"]


def test_doctor_writes_nothing(own: Gatehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[str] = []
    new_session = aws.new_session

    def watched() -> Any:
        session = new_session()
        session.events.register("before-call", lambda model, **_: made.append(model.name))
        return session

    for module in (aws, findings):
        monkeypatch.setattr(module, "new_session", watched)
    look(own)

    assert "DescribeTable" in made and "GetFunctionConfiguration" in made
    assert [name for name in made if name.startswith(WRITES)] == []


def test_check_that_aws_refuses_is_amber_and_ends_no_other(own: Gatehouse) -> None:
    def refused(_: Examined) -> list[Finding]:
        raise ClientError({"Error": {"Code": "AccessDeniedException", "Message": "no"}}, "GetThing")

    def broken(_: Examined) -> list[Finding]:
        raise OperatorError("the project is broken")

    def sound(_: Examined) -> list[Finding]:
        return [Finding("sound", "green", "fine")]

    examined = Examined(own.stage, own.directory)
    found = list(examine(examined, (("refused", refused), ("broken", broken), ("sound", sound))))

    assert [(one.check, one.status) for one in found] == [("refused", "amber"), ("broken", "red"), ("sound", "green")]


@pytest.mark.parametrize("code", ["AccessDeniedException", "AccessDenied", "AuthorizationError"])
def test_refusal_that_the_store_translated_is_amber(own: Gatehouse, code: str) -> None:
    def refused(_: Examined) -> list[Finding]:
        raise TemporarilyUnavailable(reason=f"scan: {code}")

    (found,) = examine(Examined(own.stage, own.directory), [("refused", refused)])

    assert (found.status, code in found.message) == ("amber", True)


def test_check_that_fails_in_a_way_of_its_own_is_red_and_ends_no_other(own: Gatehouse) -> None:
    def crashed(_: Examined) -> list[Finding]:
        raise KeyError("a secret")

    examined = Examined(own.stage, own.directory)
    found = list(examine(examined, (("crashed", crashed), ("sound", lambda _: [Finding("sound", "green", "fine")]))))

    assert [(one.check, one.status) for one in found] == [("crashed", "red"), ("sound", "green")]
    assert "KeyError" in found[0].message and "secret" not in found[0].message


def test_stage_that_does_not_exist_is_looked_over_without_a_traceback(gatehouse: Gatehouse) -> None:
    code, found = look(gatehouse)

    assert code == 3
    assert found["stacks"]["status"] == "red"


def test_project_without_policies_and_without_chalice_is_told(own: Gatehouse, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    ran = own.run("doctor", "--json", "--project", str(empty))

    assert ran.code == 3
    assert "is no project" in ran.out


class Answers:
    """A client of Lambda and CloudWatch with an account's figures."""

    def __init__(self, reserved: int) -> None:
        self.reserved = reserved

    def get_account_settings(self) -> dict[str, Any]:
        return {"AccountLimit": {"ConcurrentExecutions": 1000}}

    def get_function_concurrency(self, **_: str) -> dict[str, int]:
        return {"ReservedConcurrentExecutions": self.reserved}

    def get_metric_statistics(self, **_: Any) -> dict[str, Any]:
        return {"Datapoints": []}


def test_function_that_was_stopped_by_reserving_nothing_is_red(own: Gatehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Examined, "client", lambda *_: Answers(0))
    (found,) = check_concurrency(Examined(own.stage, own.directory))

    assert (found.status, found.mend) == (
        "red",
        f"aws lambda delete-function-concurrency --function-name gatehouse-{own.stage.name}",
    )


@pytest.mark.parametrize("failure", [http.client.BadStatusLine("x"), http.client.IncompleteRead(b""), OSError()])
def test_issuer_that_answers_no_http_is_red(
    own: Gatehouse, monkeypatch: pytest.MonkeyPatch, failure: Exception
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise failure

    monkeypatch.setattr(reach, "find_issuer", lambda _: "https://login.example.com/")
    monkeypatch.setattr(urllib.request, "urlopen", fail)
    (found,) = reach.check_issuer(Examined(own.stage, own.directory))

    assert "does not answer" in found.message


@pytest.mark.parametrize("text", ["[]", "1", '{"jwks_uri": 1}', '{"jwks_uri": "http://x"}', "null", "{}"])
def test_issuer_whose_answer_is_no_metadata_is_red(own: Gatehouse, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr(reach, "find_issuer", lambda _: "https://login.example.com/")
    monkeypatch.setattr(urllib.request, "urlopen", lambda *_, **__: io.BytesIO(text.encode()))
    (found,) = reach.check_issuer(Examined(own.stage, own.directory))

    assert "does not answer" in found.message


@pytest.mark.parametrize(("used", "status"), [(100, "green"), (600, "amber"), (950, "red")])
def test_use_is_held_against_the_quota(used: int, status: str) -> None:
    assert hold("x", used, 1000, "message", "mend").status == status


@pytest.mark.parametrize(
    ("lines", "status"),
    [
        ([], "amber"),
        ([{"event": "keys", "botocore": "1.31.56"}], "red"),
        ([{"event": "keys", "botocore": "1.31.56"}, {"event": "keys", "botocore": "1.42.3"}], "green"),
        ([{"event": "keys"}], "amber"),
    ],
)
def test_botocore_is_what_the_rotation_wrote_last(own: Gatehouse, lines: list[dict[str, str]], status: str) -> None:
    logs, now_ms = own.stage.clients.logs(), int(1000 * time.time())
    group = f"/aws/lambda/gatehouse-{own.stage.name}-rotate_keys"
    logs.create_log_stream(logGroupName=group, logStreamName="a")
    for number, line in enumerate(lines):
        message = json.dumps({"time": "2026-11-27T10:00:00.000+00:00"} | line)
        at_ms = now_ms - 60_000 + number
        logs.put_log_events(logGroupName=group, logStreamName="a", logEvents=[{"timestamp": at_ms, "message": message}])
    _, found = look(own)

    assert found["botocore of the runtime"]["status"] == status

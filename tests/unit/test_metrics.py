"""A request's log line in CloudWatch's embedded metric format. Source: AWS's specification of that format."""

import json
from dataclasses import fields
from datetime import datetime
from typing import Any

import botocore.session
import pytest
from botocore.config import Config
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.errors import TemporarilyUnavailable
from chalicelib.http import log
from chalicelib.http.metrics import UNITS, Metrics
from chalicelib.model.request import Outcome
from chalicelib.store.aws.botocore_caller import BotocoreCaller, hold
from chalicelib.store.aws.budget import Budget, open_budget
from chalicelib.store.aws.caller import AwsRefused, Operation
from chalicelib.store.aws.calls import Aws, ConditionFailed
from chalicelib.store.aws.thin_client import ThinClient, Timing
from tests.support.raw_server import answer, raw_server
from tests.support.wire_double import WireDouble, refusal

NAME = "gatehouse-test"
ENVIRON = {"AWS_DEFAULT_REGION": "eu-west-1", "AWS_ACCESS_KEY_ID": "id", "AWS_SECRET_ACCESS_KEY": "key"}
MAX_METRICS, MAX_DIMENSIONS, MAX_VALUE = 100, 30, 1024
# Those that CloudWatch knows and this project uses.
KNOWN_UNITS = {"Milliseconds", "Count"}
counts = st.integers(0, 10**6)
texts = {field.name: st.text() for field in fields(Outcome) if field.name != "warnings"}
codes = {name: st.text("abcdefghijklmnopqrstuvwxyz_:/.-", max_size=60) for name in ("event", "grant_type")}
outcomes = st.builds(Outcome, **texts | codes, warnings=st.lists(st.text(), max_size=2))
about = st.fixed_dictionaries(
    {"request_id": st.text(), "path": st.text(), "status": st.integers(200, 504), "ms": counts, "aws_calls": counts},
    optional={"kms_throttles": counts, "dynamodb_throttles": counts, "sns_throttles": counts},
)


def written(metrics: Metrics, line: dict[str, Any]) -> str:
    return metrics.add_to(json.dumps(line, separators=(",", ":")), line)


def read_metrics(text: str) -> set[tuple[str, ...]]:
    """Return name and dimensions of each metric that CloudWatch makes of a line, held against the specification."""
    assert "\n" not in text
    line = json.loads(text)
    assert set(line["_aws"]) == {"Timestamp", "CloudWatchMetrics"}
    assert type(line["_aws"]["Timestamp"]) is int
    found = set()
    for directive in line["_aws"]["CloudWatchMetrics"]:
        assert set(directive) == {"Namespace", "Dimensions", "Metrics"}
        assert directive["Namespace"] == "Gatehouse"
        assert 0 < len(directive["Metrics"]) <= MAX_METRICS
        for dimensions in directive["Dimensions"]:
            assert 0 < len(dimensions) <= MAX_DIMENSIONS
            values = [line[key] for key in dimensions]
            assert all(type(value) is str and 0 < len(value) <= MAX_VALUE and value.isascii() for value in values)
            for metric in directive["Metrics"]:
                assert set(metric) == {"Name", "Unit"}
                assert metric["Unit"] in KNOWN_UNITS
                assert type(line[metric["Name"]]) is int
                found.add((metric["Name"], *dimensions))
    return found


@given(outcomes, about)
def test_any_request_leaves_a_line_in_embedded_metric_format(outcome: Outcome, more: dict[str, Any]) -> None:
    line = log.line(outcome, **more)
    text = written(Metrics(NAME), line)

    assert read_metrics(text) == {
        *((name, "function") for name in UNITS if name in line or name == "cold_start"),
        *(("ms", "function", name) for name in ("event", "grant_type") if name in line),
    }
    whole = json.loads(text)
    added = {name: whole.pop(name) for name in ("_aws", "function", "cold_start")}
    assert whole == line
    assert (added["function"], added["cold_start"]) == (NAME, 1)
    at = datetime.fromtimestamp(added["_aws"]["Timestamp"] / 1000, tz=datetime.fromisoformat(line["time"]).tzinfo)
    assert at.isoformat(timespec="milliseconds") == line["time"]


def test_dimensions_are_never_a_client_a_realm_a_user_or_an_address() -> None:
    line = log.line(
        Outcome("sepft", "password", "demo-backend", "employees", "employees|b2b5", "192.0.2.7"), ms=9, aws_calls=5
    )
    text = written(Metrics(NAME), line)
    (metadata,) = [json.loads(text)["_aws"]]

    assert {name for _, *names in read_metrics(text) for name in names} == {"function", "event", "grant_type"}
    for value in ("demo-backend", "employees", "192.0.2.7"):
        assert value not in json.dumps(metadata)


def test_cold_start_is_counted_in_the_first_line_of_a_process_alone() -> None:
    metrics, line = Metrics(NAME), log.line(Outcome("sepft"), ms=9, aws_calls=5)
    lines = [json.loads(written(metrics, line)) for _ in range(2)]

    assert [one.get("cold_start") for one in lines] == [1, None]
    assert ("cold_start", "function") not in read_metrics(json.dumps(lines[1]))


def test_line_of_no_request_is_left_as_it_is() -> None:
    line = log.line(Outcome("fn", realm="employees", reason="send_email: MessageRejected"))

    assert written(Metrics(NAME), line) == json.dumps(line, separators=(",", ":"))


def test_line_outside_of_lambda_has_no_metrics(capsys: pytest.CaptureFixture[str]) -> None:
    line = log.line(Outcome("sepft"), ms=9, aws_calls=5)
    log.write_line(line)

    assert json.loads(capsys.readouterr().out) == line


def throttled(answers: list[Any], operation: Operation) -> Budget:
    client = ThinClient(WireDouble(answers), ENVIRON, lambda _: True, Timing(lambda: 0, lambda _: None, lambda: 0))
    with open_budget(lambda: 0) as budget, pytest.raises(AwsRefused):
        client.ask(operation, {})
    return budget


def test_each_try_that_aws_throttles_is_counted_by_service() -> None:
    limit, other = refusal("ThrottlingException"), refusal("AccessDeniedException")

    assert throttled([limit, limit], "Sign").throttles == {"kms": 2}
    assert throttled([limit, other], "GetItem").throttles == {"dynamodb": 1}
    assert throttled([other], "GetItem").throttles == {}


def test_throttled_tries_of_botocore_are_counted_too() -> None:
    body = b'{"__type":"ThrottlingException","message":"no"}'
    config = Config(region_name="eu-west-1", retries={"mode": "standard", "total_max_attempts": 2})
    session = botocore.session.Session()
    session.set_credentials("id", "key")
    with raw_server((answer(body, 400), answer(body, 400))) as server:
        client = session.create_client("kms", endpoint_url=f"http://127.0.0.1:{server.port}", config=config)
        hold(client)
        with open_budget(lambda: 0) as budget, pytest.raises(AwsRefused):
            BotocoreCaller(lambda _: client).ask("Sign", {"KeyId": "k", "Message": b"", "SigningAlgorithm": "RS"})
        client.close()

    assert budget.throttles == {"kms": 2}


@pytest.mark.parametrize(
    ("reason", "throttles"),
    [
        ("ThrottlingError", {"dynamodb": 1}),
        ("ProvisionedThroughputExceeded", {"dynamodb": 1}),
        ("ValidationError", {}),
        ("ConditionalCheckFailed", {}),
    ],
)
def test_transaction_that_is_cancelled_for_a_throttled_write_is_counted(reason: str, throttles: dict[str, int]) -> None:
    refused = refusal(
        "TransactionCanceledException", members={"CancellationReasons": [{"Code": "None"}, {"Code": reason}]}
    )
    client = ThinClient(WireDouble([refused]), ENVIRON, lambda _: True)
    with open_budget(lambda: 0) as budget, pytest.raises((ConditionFailed, TemporarilyUnavailable)):
        Aws(client, lambda: BotocoreCaller(lambda _: pytest.fail())).call("TransactWriteItems", TransactItems=[])

    assert budget.throttles == throttles

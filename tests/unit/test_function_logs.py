"""The log lines of a local run: the last ones are kept, and the oldest forgotten."""

from infra.local import function_logs
from infra.local.emulated_aws import STAGE, local_aws
from infra.local.function_logs import FunctionLogs
from infra.stage.aws import reach


def test_run_that_goes_on_for_long_keeps_its_last_lines() -> None:
    with local_aws():
        logs, kept = reach(STAGE).clients.logs(), FunctionLogs("-long")
        logs.create_log_group(logGroupName=kept.group)
        for number in range(2 * function_logs.KEPT + 1):
            kept.write({"number": number})
        streams = logs.describe_log_streams(logGroupName=kept.group)["logStreams"]

    assert [stream["logStreamName"] for stream in streams] == ["3", "4"]

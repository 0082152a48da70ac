"""AWS inside this process: moto, with each call made atomic, as AWS's calls are."""

import logging
import os
import threading
import warnings
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from moto import mock_aws
from moto.core.botocore_stubber import BotocoreStubber
from moto.core.model_instances import model_data

REGION = "eu-west-1"
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "local", "AWS_SECRET_ACCESS_KEY": "local", "AWS_DEFAULT_REGION": REGION}
# These would lead calls, or the choice of credentials, out of the process.
FOREIGN = ("AWS_ENDPOINT_URL", "AWS_PROFILE", "AWS_SESSION_TOKEN")


@contextmanager
def local_aws() -> Iterator[None]:
    """Answer every AWS call of this process in memory until the block ends; nothing reaches the network.

    moto keeps plain dicts and runs in the callers' threads: without the lock two conditional writes can both succeed.
    """
    for name in FOREIGN:
        os.environ.pop(name, None)
    os.environ |= CREDENTIALS
    # moto's CloudFormation leaves alarms out, and says so at length.
    logging.getLogger("moto").setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", message="Tried to parse AWS::CloudWatch::Alarm")
    with mock_aws(config={"core": {"mock_credentials": False}}), _one_call_at_a_time():
        _forget_copies()
        yield


def _forget_copies() -> None:
    """Keep moto from remembering every item and table that it ever made: each transaction copies whole tables."""
    # moto knows its models once they are imported, which a first call would do.
    import moto.dynamodb.models  # noqa: F401, PLC0415

    for model in model_data["dynamodb"].values():
        model.instances_tracked = deque(maxlen=0)  # type: ignore[attr-defined]  # moto's metaclass adds it, and only moto's reset reads it


@contextmanager
def _one_call_at_a_time() -> Iterator[None]:
    unlocked = BotocoreStubber.__call__
    lock = threading.RLock()

    def locked(self: BotocoreStubber, *args: Any, **kwargs: Any) -> Any:
        with lock:
            return unlocked(self, *args, **kwargs)

    BotocoreStubber.__call__ = locked  # type: ignore[method-assign]  # the one place that all of moto's calls pass
    try:
        yield
    finally:
        BotocoreStubber.__call__ = unlocked  # type: ignore[method-assign]  # put back

"""The composition root of the scheduled rotation, which is a function of its own. No login imports it."""

from collections.abc import Callable
from functools import cache
from typing import Any

from chalicelib.http.log import report_botocore, write_line
from chalicelib.http.rotation import ScheduledRotation
from chalicelib.rotation.kms_keys import KmsKeys
from chalicelib.rotation.rotation import KeyRotation
from chalicelib.settings import Settings, environment
from chalicelib.store.aws.calls import Aws
from chalicelib.store.aws.connections import connect
from chalicelib.store.configuration.config import ConfigStore
from chalicelib.store.dynamo import Dynamo
from chalicelib.wiring.externals import Externals


def build_rotation(
    settings: Settings, aws: Aws, externals: Externals, emit: Callable[[dict[str, Any]], None] = write_line
) -> ScheduledRotation:
    """Return the scheduled rotation of one stage. emit: takes its log lines."""
    config = ConfigStore(Dynamo(aws), f"gatehouse-{settings.stage}-config", externals.clock, lifetime_s=0)
    rotation = KeyRotation(config, KmsKeys(aws, settings.stage, externals.pause))
    return ScheduledRotation(config, rotation, externals.clock, emit)


@cache
def scheduled_rotation() -> ScheduledRotation:
    """Return this process's rotation, from its environment; built at the first call."""
    return build_rotation(Settings.from_environ(), connect(environment(), report_botocore), Externals())

"""AWS as the command uses it: the deployed code's own clients, and CloudFormation beside them."""

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.errors import WireError
from chalicelib.store.aws import Clients, connect
from chalicelib.store.config import ConfigStore

if TYPE_CHECKING:
    from mypy_boto3_cloudformation.client import CloudFormationClient

# What a command turns into one clear line: AWS's failures, and those that the store has translated.
AWS_FAILURES = (BotoCoreError, ClientError, WireError)


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage, and the clients that reach it."""

    name: str
    clients: Clients
    cloudformation: "CloudFormationClient"

    @property
    def prefix(self) -> str:
        """What the names of all its tables begin with."""
        return f"gatehouse-{self.name}-"

    def config(self) -> ConfigStore:
        """Return the configuration, with nothing cached."""
        return ConfigStore(self.clients.dynamodb, f"{self.prefix}config", time.time, lifetime_s=0)


def reach(stage: str) -> Stage:
    """Return a stage of the account and region that the environment names."""
    return Stage(stage, connect(), boto3.client("cloudformation"))


def said(failure: Exception) -> str:
    """Return what an AWS failure comes down to, in one line."""
    return failure.reason if isinstance(failure, WireError) else str(failure).partition("\n")[0]

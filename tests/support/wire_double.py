"""A transport that answers what a test tells it to, and keeps what was sent."""

import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from chalicelib.store.aws.caller import AwsUnreachable
from chalicelib.store.aws.http_reply import Reply


@dataclass(frozen=True)
class Sent:
    """One request."""

    host: str
    headers: dict[str, str] = field(repr=False)
    body: bytes = field(repr=False)

    @property
    def parameters(self) -> dict[str, Any]:
        parameters: dict[str, Any] = json.loads(self.body)
        return parameters


@dataclass
class WireDouble:
    """A transport. answers: what the next requests come to, in order; the last one stays."""

    answers: list[Reply | AwsUnreachable]
    sent: list[Sent] = field(default_factory=list)

    def __call__(self, host: str, headers: Mapping[str, str], body: bytes) -> Reply:
        self.sent.append(Sent(host, dict(headers), body))
        now = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(now, AwsUnreachable):
            raise now
        return now


def reply(body: Any = None, status: int = 200, **headers: str) -> Reply:
    """Return an answer in JSON, with its checksum unless the headers say another."""
    raw = json.dumps(body or {}).encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply(status, {"x-amz-crc32": str(zlib.crc32(raw))} | named, raw)


def refusal(code: str, status: int = 400, members: Mapping[str, Any] | None = None) -> Reply:
    """Return an error in DynamoDB's words."""
    named = {"__type": f"com.amazonaws.dynamodb.v20120810#{code}", "message": "from AWS"}
    return reply({**named, **(members or {})}, status)

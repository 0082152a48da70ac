"""DynamoDB, KMS and CloudWatch Logs without botocore: JSON over a transport, signed, tried twice.

`environment` says which settings this path honours.
"""

import json
import random
import secrets
import threading
import time
import zlib
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from chalicelib.store.aws import budget
from chalicelib.store.aws.caller import SERVICES, AwsRefused, AwsUnreachable, Operation, is_throttle
from chalicelib.store.aws.http_reply import OK, SERVER_ERROR, Reply
from chalicelib.store.aws.sigv4 import Signer
from chalicelib.store.aws.transport import Transport

USER_AGENT = "gatehouse"
OUT_OF_TIME = "OutOfTime"
# The longest pauses before the second try: of a call that was throttled, and of any other.
THROTTLED_PAUSE_S = 1
FAILED_PAUSE_S = 0.05
# As botocore has them. A call that succeeds at once gives one back.
QUOTA = 500
THROTTLED_COST = 5
FAILED_COST = 14
# AWS takes a signature for five minutes.
MAX_SKEW_S = 240

_PROTOCOLS = {
    "dynamodb": ("application/x-amz-json-1.0", "DynamoDB_20120810"),
    "kms": ("application/x-amz-json-1.1", "TrentService"),
    "logs": ("application/x-amz-json-1.1", "Logs_20140328"),
}
# Their answers have no members, and no body. Of any other operation, an empty body was lost on its way.
_WITHOUT_BODY: tuple[Operation, ...] = ("CreateLogStream",)
_BLOBS: dict[Operation, tuple[str, ...]] = {
    "Decrypt": ("Plaintext",),
    "GenerateDataKey": ("Plaintext", "CiphertextBlob"),
    "GetPublicKey": ("PublicKey",),
    "Sign": ("Signature",),
}
_SKEWED = {"InvalidSignatureException", "RequestExpired", "RequestTimeTooSkewed"}
_TRANSIENT = {"RequestTimeout", "RequestTimeoutException", "PriorRequestNotComplete"}
# It has no idempotency token: a second try could make a second key.
_MADE_ONCE = {"CreateKey"}
_FINAL = {OUT_OF_TIME, "NoCredentialsError"}


class Timing(NamedTuple):
    """The time as the client sees it. clock: epoch seconds. jitter: 0 to 1."""

    clock: Callable[[], float] = time.time
    pause: Callable[[float], None] = time.sleep
    jitter: Callable[[], float] = random.random


class _Skewed(AwsRefused):
    """AWS's clock differs from the one that a request was signed by."""


class _Quota:
    """The retries that a process may still make to one service, so as not to double the load of a failing one."""

    def __init__(self) -> None:
        self._left, self._lock = QUOTA, threading.Lock()

    def take(self, cost: int) -> bool:
        with self._lock:
            is_enough = self._left >= cost
            self._left -= cost if is_enough else 0
            return is_enough

    def give(self, amount: int) -> None:
        with self._lock:
            self._left = min(QUOTA, self._left + amount)


class ThinClient:
    """The AwsCaller of the request path.

    environ: holds AWS_DEFAULT_REGION and credentials; `needs_botocore` returned None for it.
    has_time: whether a try that begins after a pause of so many seconds ends in the request's time.
    """

    def __init__(
        self,
        transport: Transport,
        environ: Mapping[str, str],
        has_time: Callable[[float], bool],
        timing: Timing = Timing(),  # noqa: B008 (it cannot be changed)
    ) -> None:
        self._transport, self._has_time, self._timing = transport, has_time, timing
        region = environ["AWS_DEFAULT_REGION"]
        self._signers = {service: Signer(service, region, environ) for service in _PROTOCOLS}
        self._quotas = {service: _Quota() for service in _PROTOCOLS}
        # How far AWS's clock is ahead of ours, as far as AWS has complained.
        self._skew_s = 0.0

    def ask(self, operation: Operation, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Return AWS's answer. A call that failed is tried a second time if it may be repeated.

        Raises AwsRefused and AwsUnreachable.
        """
        body, quota = _serialize(operation, parameters), self._quotas[SERVICES[operation]]
        try:
            answer = self._try(operation, body)
        except (AwsRefused, AwsUnreachable) as failure:
            cost = self._prepare_retry(failure, operation, quota)
            if cost is None:
                raise
            answer = self._try(operation, body)
            quota.give(cost)
        else:
            quota.give(1)
        return answer

    def _try(self, operation: Operation, body: bytes) -> dict[str, Any]:
        if not self._has_time(0):
            raise AwsUnreachable(OUT_OF_TIME)
        service, skew_s = SERVICES[operation], self._skew_s
        content_type, prefix = _PROTOCOLS[service]
        signer = self._signers[service]
        headers = signer.sign(content_type, f"{prefix}.{operation}", body, self._timing.clock() + skew_s)
        headers["user-agent"] = USER_AGENT
        reply = self._transport(signer.host, headers, body)
        answer = _parse(operation, reply)
        if reply.status == OK:
            return answer
        refused = _make_refusal(answer, reply.status)
        if refused.code in _SKEWED:
            self._correct_clock(refused, reply, skew_s)
        if is_throttle(refused.code, refused.status):
            budget.current().count_throttle(service)
        raise refused

    def _correct_clock(self, refused: AwsRefused, reply: Reply, skew_s: float) -> None:
        """Sign by AWS's clock from now on, and raise _Skewed, if the refused request was signed by another."""
        now_s = _parse_date(reply.headers.get("date", ""))
        if now_s is not None and abs(now_s - self._timing.clock() - skew_s) > MAX_SKEW_S:
            self._skew_s = now_s - self._timing.clock()
            raise _Skewed(refused.code, refused.body, refused.status)

    def _prepare_retry(self, failure: AwsRefused | AwsUnreachable, operation: Operation, quota: _Quota) -> int | None:
        """Pause before a second try, and return its cost of the quota; return None if it may not be made."""
        if isinstance(failure, _Skewed):
            return 0
        is_throttled = _is_throttled(failure)
        if not is_throttled and (operation in _MADE_ONCE or not _is_transient(failure)):
            return None
        longest_s, cost = (THROTTLED_PAUSE_S, THROTTLED_COST) if is_throttled else (FAILED_PAUSE_S, FAILED_COST)
        pause_s = self._timing.jitter() * longest_s
        if not self._has_time(pause_s) or not quota.take(cost):
            return None
        self._timing.pause(pause_s)
        return cost


def _serialize(operation: Operation, parameters: Mapping[str, Any]) -> bytes:
    if operation == "TransactWriteItems":
        # The token lets DynamoDB recognize a transaction that it has done, if its answer was lost.
        parameters = {"ClientRequestToken": secrets.token_hex(16), **parameters}
    return json.dumps(parameters, default=_encode_base64, separators=(",", ":")).encode()


def _encode_base64(value: bytes) -> str:
    return b64encode(value).decode()


def _parse(operation: Operation, reply: Reply) -> dict[str, Any]:
    """Return the members of an answer. Raises AwsUnreachable if AWS did not send it, or it was changed on its way."""
    if reply.headers.get("x-amz-crc32") not in (None, str(zlib.crc32(reply.body))):
        raise AwsUnreachable("ChecksumError")
    if not reply.body and operation in _WITHOUT_BODY:
        return {}
    # Few answers hold binary attributes, and a look into each part of an answer takes time.
    hook = _open_attribute if b'"B"' in reply.body or b'"BS"' in reply.body else None
    try:
        answer = json.loads(reply.body, object_hook=hook)
        for name in _BLOBS.get(operation, ()):
            if name in answer:
                answer[name] = b64decode(answer[name], validate=True)
        return {name: value for name, value in answer.items() if value is not None}
    except (AttributeError, TypeError, ValueError) as error:
        raise AwsUnreachable("ResponseParserError") from error


def _open_attribute(value: dict[str, Any]) -> dict[str, Any]:
    """Return an attribute value with bytes in place of base64. An attribute whose name is B or BS stays unchanged."""
    match value:
        case {"B": str(text)}:
            return {"B": b64decode(text, validate=True)}
        case {"BS": [*texts]}:
            return {"BS": [b64decode(text, validate=True) for text in texts]}
    return value


def _make_refusal(answer: dict[str, Any], status: int) -> AwsRefused:
    code = str(answer.pop("__type", status)).partition(":")[0].rpartition("#")[2]
    body = {name: value for name, value in answer.items() if name not in ("message", "Message")}
    return AwsRefused(code, body, status)


def _is_throttled(failure: AwsRefused | AwsUnreachable) -> bool:
    return isinstance(failure, AwsRefused) and is_throttle(failure.code, failure.status)


def _is_transient(failure: AwsRefused | AwsUnreachable) -> bool:
    if isinstance(failure, AwsUnreachable):
        return failure.reason not in _FINAL
    return failure.status >= SERVER_ERROR or failure.code in _TRANSIENT


def _parse_date(date: str) -> float | None:
    """Return the epoch seconds of a Date header, or None."""
    from email.utils import parsedate_to_datetime  # noqa: PLC0415 (only where clocks differ)

    try:
        return parsedate_to_datetime(date).timestamp()
    except ValueError:
        return None

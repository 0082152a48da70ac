"""Serve a fast fake of AWS on loopback: DynamoDB, KMS, SNS's Publish, SES v2's SendEmail and what an audit log asks.

Signatures are real, by keys of this process. Run as a module, it prints its two ports, the second for TLS, and
serves until it is killed.
"""

import asyncio
import base64
import json
import secrets
import sys
import time
import uuid
import zlib
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from email.utils import formatdate
from pathlib import Path
from typing import cast

from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1, EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.ec import generate_private_key as make_ec_key
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key as make_rsa_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from httptools import HttpRequestParser

from infra.gateway.serving import listen
from tests.support.aws_names import make_tls
from tests.support.fake_aws.process import Call
from tests.support.fake_aws.tables import AwsError, Body, Tables
from tests.support.fake_aws.units import Meter

CONTROL = "/control"
SENT_EMAIL = "/v2/email/outbound-emails"
PUBLISHED = b"<PublishResponse><PublishResult><MessageId>1</MessageId></PublishResult></PublishResponse>"
# What the audit log of a command asks: STS who calls, and CloudWatch Logs to keep the lines.
WHO_CALLS = b"Action=GetCallerIdentity"
CALLER = (
    b"<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>arn:aws:iam::000000000000:user/operator</Arn>"
    b"</GetCallerIdentityResult></GetCallerIdentityResponse>"
)
LOGS = "Logs_20140328"
OK, BAD_REQUEST = 200, 400


@dataclass(frozen=True, slots=True)
class Keys:
    """The stub's KMS."""

    keys: dict[str, RSAPrivateKey | EllipticCurvePrivateKey] = field(default_factory=dict)

    def answer(self, operation: str, call: Body) -> Body:
        """Return KMS's answer. Raises KeyError for an operation that Gatehouse does not use."""
        return _OPERATIONS[operation](self, call)

    def create(self, call: Body) -> Body:
        """CreateKey."""
        key_id = f"mrk-{uuid.uuid4().hex}"
        self.keys[key_id] = make_rsa_key(65537, 2048) if call["KeySpec"] == "RSA_2048" else make_ec_key(SECP256R1())
        return {"KeyMetadata": {"KeyId": key_id, "Arn": f"arn:aws:kms:eu-west-1:000000000000:key/{key_id}"}}

    def list_keys(self, _: Body) -> Body:
        """ListKeys: there are no keys of earlier runs."""
        return {"Keys": [], "Truncated": False}

    def public(self, call: Body) -> Body:
        """GetPublicKey."""
        key = self._find(call).public_key()
        return {"PublicKey": _base64(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))}

    def sign(self, call: Body) -> Body:
        """Sign."""
        key, message = self._find(call), base64.b64decode(call["Message"])
        if isinstance(key, RSAPrivateKey):
            return {"Signature": _base64(key.sign(message, PKCS1v15(), SHA256()))}
        return {"Signature": _base64(key.sign(message, ECDSA(SHA256())))}

    def _find(self, call: Body) -> RSAPrivateKey | EllipticCurvePrivateKey:
        """Return the key that a call names, by its ID or its ARN."""
        return self.keys[call["KeyId"].rpartition("/")[2]]

    def data_key(self, _: Body) -> Body:
        """GenerateDataKey: the key is its own ciphertext."""
        key = _base64(secrets.token_bytes(32))
        return {"Plaintext": key, "CiphertextBlob": key}

    def decrypt(self, call: Body) -> Body:
        """Decrypt."""
        return {"Plaintext": call["CiphertextBlob"]}

    def re_encrypt(self, call: Body) -> Body:
        """ReEncrypt."""
        return {"CiphertextBlob": call["CiphertextBlob"]}


_OPERATIONS: dict[str, Callable[[Keys, Body], Body]] = {
    "CreateKey": Keys.create,
    "ListKeys": Keys.list_keys,
    "GetPublicKey": Keys.public,
    "Sign": Keys.sign,
    "GenerateDataKey": Keys.data_key,
    "Decrypt": Keys.decrypt,
    "ReEncrypt": Keys.re_encrypt,
}


@dataclass(slots=True)
class Stub:
    """The fake's state. hold_s: the delay of each answer, so that calls made together overlap.

    is_forgetting: whether transactions succeed and leave nothing, so that a measurement may make any number of people.

    calls: the calls recorded so far; None if recording is off. connections: the open ones by TLS.
    """

    tables: Tables = field(default_factory=Tables)
    keys: Keys = field(default_factory=Keys)
    hold_s: float = 0.0
    is_forgetting: bool = False
    calls: list[Call] | None = None
    connections: set["Connection"] = field(default_factory=set)
    meter: Meter = field(init=False)

    def __post_init__(self) -> None:
        self.meter = Meter(self.tables.find)

    def answer(self, path: str, target: str, asked: bytes) -> tuple[int, bytes]:
        """Return the status and the body of an answer. target: the operation of a JSON protocol, else ""."""
        if path == SENT_EMAIL:
            return OK, b'{"MessageId":"1"}'
        if path == CONTROL:
            return OK, json.dumps(self.control(json.loads(asked))).encode()
        if not target:
            return OK, CALLER if WHO_CALLS in asked else PUBLISHED
        service, _, operation = target.partition(".")
        if service == LOGS:
            return OK, b"{}"
        answering = self.keys.answer if service == "TrentService" else self.answer_items
        try:
            return OK, json.dumps(answering(operation, json.loads(asked))).encode()
        except AwsError as refused:
            return BAD_REQUEST, json.dumps(refused.body).encode()

    def answer_items(self, operation: str, call: Body) -> Body:
        """Return DynamoDB's answer. Units are counted if recording is on. Raises AwsError."""
        if self.is_forgetting and operation == "TransactWriteItems":
            return {}
        if self.calls is None:
            return self.tables.answer(operation, call)
        return self.meter.ask(operation, call, lambda: self.tables.answer(operation, call))

    def control(self, asked: Body) -> Body:
        """Return the calls recorded so far, set what else it names, and close connections if asked."""
        calls = [asdict(call) for call in self.calls or ()]
        self.hold_s = asked.get("hold_s", self.hold_s)
        self.is_forgetting = asked.get("is_forgetting", self.is_forgetting)
        self.tables.population = asked.get("population", self.tables.population)
        self.calls = [] if asked.get("is_recording", False) else None
        if asked.get("closes_connections"):
            for connection in self.connections:
                connection.close()
        return {"calls": calls}

    def record(self, call: Call) -> None:
        """Add a call, if recording is on."""
        if self.calls is not None:
            self.calls.append(call)


class Connection(asyncio.Protocol):
    """One connection of HTTP/1.1, kept alive. The parser calls the methods that begin with `on_`."""

    def __init__(self, stub: Stub) -> None:
        """stub: answers the requests."""
        self._stub = stub
        self._parser = HttpRequestParser(self)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport for the answers."""
        self._transport = cast("asyncio.Transport", transport)
        if transport.get_extra_info("ssl_object"):
            self._stub.connections.add(self)

    def connection_lost(self, _: Exception | None) -> None:
        """Forget the connection."""
        self._stub.connections.discard(self)

    def close(self) -> None:
        """Close the connection at once, as a server does to one that was idle for long."""
        self._transport.abort()

    def data_received(self, data: bytes) -> None:
        """Parse received bytes."""
        self._parser.feed_data(data)

    def on_message_begin(self) -> None:
        """Reset the state for a new request."""
        self._path, self._target, self._body = "", "", b""
        self._began = time.perf_counter()

    def on_url(self, url: bytes) -> None:
        """Keep the path; no request has a query."""
        self._path = url.decode()

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep the operation's name."""
        if name.lower() == b"x-amz-target":
            self._target = value.decode()

    def on_body(self, body: bytes) -> None:
        """Keep a part of the body."""
        self._body += body

    def on_message_complete(self) -> None:
        """Answer, at once or after hold_s."""
        status, body = self._stub.answer(self._path, self._target, self._body)
        self._units = self._stub.meter.take()
        # Sent in one piece, because the answers are small.
        answer = _head(status, body) + body
        if self._target and self._stub.hold_s:
            asyncio.get_running_loop().call_later(self._stub.hold_s, self._send, answer)
        else:
            self._send(answer)

    def _send(self, answer: bytes) -> None:
        self._transport.write(answer)
        if self._path != CONTROL:
            operation = self._target.partition(".")[2] or self._path
            size_bytes = len(self._body) + len(answer.partition(b"\r\n\r\n")[2])
            self._stub.record(Call(operation, self._began, time.perf_counter(), size_bytes, self._units))


def _head(status: int, body: bytes) -> bytes:
    """Return the status line and DynamoDB's headers, whose parsing costs the client time."""
    headers = {
        "Server": "Server",
        "Date": formatdate(usegmt=True),
        "Content-Type": "text/xml" if body in (PUBLISHED, CALLER) else "application/x-amz-json-1.0",
        "Content-Length": str(len(body)),
        "Connection": "keep-alive",
        "x-amzn-RequestId": secrets.token_hex(26).upper(),
        "x-amz-crc32": str(zlib.crc32(body)),
    }
    lines = [f"HTTP/1.1 {status} -", *(f"{name}: {value}" for name, value in headers.items()), "", ""]
    return "\r\n".join(lines).encode()


def _base64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


async def main(authorities: Path) -> None:
    """Serve on a free port of this machine, and by TLS on another. authorities: the file to write the authority to."""
    stub, ports = Stub(), []
    for tls in (None, make_tls(authorities)):
        listener = listen("127.0.0.1", 0)
        ports.append(listener.getsockname()[1])
        server = await asyncio.get_running_loop().create_server(lambda: Connection(stub), sock=listener, ssl=tls)
    sys.stdout.write(" ".join(map(str, ports)) + "\n")
    sys.stdout.flush()
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))

"""An AWS that answers at once, on loopback: DynamoDB, KMS, SNS's Publish and SES v2's SendEmail.

Signatures are real, made with keys of this process. Run as a module it prints its port and serves until it is killed.
"""

import asyncio
import base64
import json
import sys
import time
import uuid
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import uvicorn
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1, EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.ec import generate_private_key as make_ec_key
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key as make_rsa_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from bench.rounds import Call
from bench.tables import Body, Refused, Tables
from infra.serving import BACKLOG, KEEP_ALIVE_S, listen

CONTROL = "/control"
SENT_EMAIL = "/v2/email/outbound-emails"
PUBLISHED = b"<PublishResponse><PublishResult><MessageId>1</MessageId></PublishResult></PublishResponse>"
OK, BAD_REQUEST = 200, 400

Send = Callable[[Mapping[str, Any]], Awaitable[None]]
Receive = Callable[[], Awaitable[Mapping[str, Any]]]


@dataclass(frozen=True, slots=True)
class Keys:
    """The stub's KMS."""

    keys: dict[str, RSAPrivateKey | EllipticCurvePrivateKey] = field(default_factory=dict)

    def answer(self, operation: str, call: Body) -> Body:
        """Return KMS's answer; raises KeyError for an operation that Gatehouse does not use."""
        operations = {"CreateKey": self.create, "GetPublicKey": self.public, "Sign": self.sign}
        return operations[operation](call)

    def create(self, call: Body) -> Body:
        """CreateKey."""
        arn = f"arn:aws:kms:eu-west-1:000000000000:key/{uuid.uuid4()}"
        self.keys[arn] = make_rsa_key(65537, 2048) if call["KeySpec"] == "RSA_2048" else make_ec_key(SECP256R1())
        return {"KeyMetadata": {"KeyId": arn.rpartition("/")[2], "Arn": arn}}

    def public(self, call: Body) -> Body:
        """GetPublicKey."""
        key = self.keys[call["KeyId"]].public_key()
        return {"PublicKey": _base64(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))}

    def sign(self, call: Body) -> Body:
        """Sign."""
        key, message = self.keys[call["KeyId"]], base64.b64decode(call["Message"])
        if isinstance(key, RSAPrivateKey):
            return {"Signature": _base64(key.sign(message, PKCS1v15(), SHA256()))}
        return {"Signature": _base64(key.sign(message, ECDSA(SHA256())))}


@dataclass(slots=True)
class Stub:
    """The ASGI application. hold_s: how long an answer is held, so that calls made together overlap.

    calls: those answered since recording began; None while nobody asks.
    """

    tables: Tables = field(default_factory=Tables)
    keys: Keys = field(default_factory=Keys)
    hold_s: float = 0.0
    calls: list[Call] | None = None

    async def __call__(self, scope: Mapping[str, Any], receive: Receive, send: Send) -> None:
        """Answer one call."""
        began, asked = time.perf_counter(), await _body(receive)
        headers = dict(scope["headers"])
        target = headers.get(b"x-amz-target", b"").decode()
        status, answer = self._answer(scope["path"], target, asked)
        if target and self.hold_s:
            await asyncio.sleep(self.hold_s)
        kind = b"text/xml" if answer == PUBLISHED else b"application/json"
        fields = [(b"content-type", kind), (b"content-length", str(len(answer)).encode())]
        await send({"type": "http.response.start", "status": status, "headers": fields})
        await send({"type": "http.response.body", "body": answer})
        if self.calls is not None and scope["path"] != CONTROL:
            operation = target.partition(".")[2] or scope["path"]
            self.calls.append(Call(operation, began, time.perf_counter(), len(asked) + len(answer)))

    def _answer(self, path: str, target: str, asked: bytes) -> tuple[int, bytes]:
        if path == SENT_EMAIL:
            return OK, b'{"MessageId":"1"}'
        if not target and path != CONTROL:
            return OK, PUBLISHED
        service, _, operation = target.partition(".")
        answering = self.keys.answer if service == "TrentService" else self.tables.answer
        try:
            answer = self._control(json.loads(asked)) if path == CONTROL else answering(operation, json.loads(asked))
        except Refused as refused:
            return BAD_REQUEST, json.dumps(refused.body).encode()
        return OK, json.dumps(answer).encode()

    def _control(self, asked: Body) -> Body:
        """Return the calls recorded so far, and set what is asked: hold_s, population, is_recording."""
        calls = [asdict(call) for call in self.calls or ()]
        self.hold_s = asked.get("hold_s", self.hold_s)
        self.tables.population = asked.get("population", self.tables.population)
        self.calls = [] if asked.get("is_recording", False) else None
        return {"calls": calls}


def _base64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


async def _body(receive: Receive) -> bytes:
    body, more = b"", True
    while more:
        message = await receive()
        body, more = body + message.get("body", b""), message.get("more_body", False)
    return body


def main() -> None:
    """Serve on a free port of this machine."""
    listener = listen("127.0.0.1", 0)
    sys.stdout.write(f"{listener.getsockname()[1]}\n")
    sys.stdout.flush()
    config = uvicorn.Config(
        Stub(),
        interface="asgi3",
        http="httptools",
        lifespan="off",
        log_level="error",
        access_log=False,
        timeout_keep_alive=KEEP_ALIVE_S,
        backlog=BACKLOG,
    )
    uvicorn.Server(config).run(sockets=[listener])


if __name__ == "__main__":
    main()

"""The help desk's function on a stage of the tests, and an STS that checks signatures as AWS's does."""

import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

import boto3

from chalicelib import wiring
from chalicelib.http.help_desk import HelpDesk
from chalicelib.settings import Settings
from chalicelib.wiring.help_desk import build_help_desk
from infra.deploy.help_desk import sign_proof
from infra.local.emulated_aws import REGION
from infra.stage.aws import Stage
from tests.support.fixed import BCRYPT_COST, EMAIL_FROM, ISSUER

KEY_ID, SECRET, TOKEN = "ASIAHELPDESK", "the secret of the help desk's credentials", "the+token/of=them"
ARN = "arn:aws:sts::123456789012:assumed-role/help-desk/dana"
ANSWER = f"<GetCallerIdentityResult><Arn>{ARN}</Arn><UserId>AROA:dana</UserId></GetCallerIdentityResult>"
_PARTS = re.compile(r"AWS4-HMAC-SHA256 Credential=(\w+)/([^,]+), SignedHeaders=([^,]+), Signature=(\w+)")


@dataclass
class Answer:
    """An answer of STS."""

    status: int
    text: str

    def read(self) -> bytes:
        return self.text.encode()


@dataclass
class Sts:
    """A connection to STS, which knows one pair of keys. failure: raised, or said, in place of an answer."""

    failure: Exception | Answer | None = None
    asked: list[Mapping[str, str]] = field(default_factory=list)

    def request(self, method: str, path: str, body: bytes, headers: Mapping[str, str]) -> None:
        self.asked.append(headers)
        if isinstance(self.failure, Exception):
            raise self.failure
        is_known = _is_signed(f"{method}\n{path}\n", body, headers)
        self._answer = Answer(200, ANSWER) if is_known else Answer(403, "<Code>SignatureDoesNotMatch</Code>")

    def getresponse(self) -> Answer:
        return self.failure if isinstance(self.failure, Answer) else self._answer

    def close(self) -> None:
        """Nothing is open."""


def _is_signed(line: str, body: bytes, headers: Mapping[str, str]) -> bool:
    """Return whether the one pair of keys signed a request. Source: AWS, "Create a signed AWS API request"."""
    key_id, scope, names, signature = _PARTS.fullmatch(headers["authorization"]).groups()  # type: ignore[union-attr]  # the flow lets no other through
    signed = "".join(f"{name}:{headers[name]}\n" for name in names.split(";"))
    canonical = f"{line}\n{signed}\n{names}\n{sha256(body).hexdigest()}"
    digest = sha256(canonical.encode()).hexdigest()
    key = f"AWS4{SECRET}".encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    to_sign = f"AWS4-HMAC-SHA256\n{headers['x-amz-date']}\n{scope}\n{digest}"
    return key_id == KEY_ID and hmac.compare_digest(hmac.digest(key, to_sign.encode(), "sha256").hex(), signature)


def signed(stage: str, secret: str = SECRET, token: str | None = TOKEN) -> dict[str, str]:
    """Return what the command sends along for a stage."""
    return sign_proof(boto3.Session(KEY_ID, secret, token, REGION), stage, REGION)


@dataclass
class Desk:
    """The function of a stage. log: its lines."""

    stage: Stage
    externals: wiring.Externals
    sts: Sts = field(default_factory=Sts)
    log: list[dict[str, Any]] = field(default_factory=list)

    def send(self, event: object) -> dict[str, Any]:
        """Invoke the function with an event."""
        settings = Settings(self.stage.name, ISSUER, BCRYPT_COST, email_from=EMAIL_FROM)
        # http.client's connection, as far as the flow uses it
        flow = build_help_desk(settings, self.stage.aws, self.externals, REGION, lambda: self.sts)  # type: ignore[arg-type, return-value]
        return HelpDesk(flow, self.log.append, lambda: 0).answer(event, "request-1")

    def ask(self, action: str, who: str, realm: str = "employees", **more: object) -> dict[str, Any]:
        """Ask as the command does; more replaces members of the event."""
        return self.send({"action": action, "realm": realm, "who": who, "proof": signed(self.stage.name)} | more)

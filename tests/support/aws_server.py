"""Serve moto as an AWS that `chalice deploy` can deploy to, with a log of the calls and their callers.

Run as a module with the paths of the log and of the TLS authorities: it prints its two ports, the second for TLS, and
serves until its standard input ends. With the name of a Region too, the fake answers for DynamoDB's items there: moto
copies a table in each transaction.
"""

import io
import json
import logging
import re
import sys
import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO
from urllib.parse import parse_qs

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import make_server

import infra.local.stacks.alarms
import infra.local.stacks.change_sets
import infra.local.stacks.managed_policies
import infra.local.stacks.table_settings
import infra.local.stacks.web_acls  # noqa: F401 (all teach moto's CloudFormation what it leaves out)
from infra.local.emails import received_emails, whole_emails
from infra.local.key_ids import whole_key_ids
from tests.support.aws_names import make_tls
from tests.support.fake_aws.in_process import TARGET, ItemsOfMoto

API_DOCUMENT = re.compile(r"/restapis(/[^/]+)?")
CALLER = re.compile(r"Credential=([^/]+)/")
MAILS = "/mails"
OUTBOUND_EMAILS = "/v2/email/outbound-emails"
IDENTITY = "arn:aws:ses:eu-west-1:123456789012:identity"
CONFIGURATION_SET = "arn:aws:ses:eu-west-1:123456789012:configuration-set/default"
SERVICES = {
    "DynamoDB_20120810": "dynamodb",
    "TrentService": "kms",
    "Logs_20140328": "logs",
    "AWSEvents": "events",
    "AmazonSQS": "sqs",
}
OF_ACCOUNT = "eu-west-1:123456789012"
OBJECT = re.compile(r"^/([\w-]+/.+)$")
WRITES = {"Put": "PutItem", "Update": "UpdateItem", "Delete": "DeleteItem", "ConditionCheck": "ConditionCheckItem"}


@dataclass(frozen=True, slots=True)
class AwsServer:
    """The WSGI application: moto, one call at a time, as each of AWS's calls is atomic. items: answers in its place."""

    moto: Any
    log: TextIO
    items: ItemsOfMoto | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Answer one AWS call, or list the mails that were sent."""
        if environ["PATH_INFO"] == MAILS:
            start_response("200 OK", [("Content-Type", "application/json")])
            return [json.dumps(_mails()).encode()]
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        with self.lock:
            for line in _log_lines(environ, body):
                self.log.write(json.dumps(line) + "\n")
                self.log.flush()
            operation = environ.get("HTTP_X_AMZ_TARGET", "").partition(TARGET)[2]
            found = self.items.answer(operation, body) if self.items and operation else None
            if found:
                start_response(f"{found[0]} -", list(found[1].items()))
                return [found[2].encode()]
            readable = _readable(environ, body)
            environ |= {"wsgi.input": io.BytesIO(readable), "CONTENT_LENGTH": str(len(readable))}
            answer: Iterable[bytes] = self.moto(environ, start_response)
            return answer


def _readable(environ: dict[str, Any], body: bytes) -> bytes:
    """Return an API document in the form that moto reads: Chalice writes Swagger 2.0, without a description."""
    if environ["REQUEST_METHOD"] not in ("POST", "PUT") or not API_DOCUMENT.fullmatch(environ["PATH_INFO"]):
        return body
    document = json.loads(body)
    if document.pop("swagger", None):
        document |= {"openapi": "3.0.1", "info": {"description": "", **document["info"]}}
    return json.dumps(document).encode()


def _mails() -> list[dict[str, Any]]:
    return [{"to": mail.to, "text": mail.text} for mail in received_emails()]


def _log_lines(environ: dict[str, Any], body: bytes) -> Iterator[dict[str, str]]:
    """Yield the permissions that a call needs, each with its resource, the item's key and the caller's key id."""
    caller = CALLER.search(environ.get("HTTP_AUTHORIZATION", ""))
    if caller:
        for action, resource, key in _permissions(environ, body):
            yield {"caller": caller[1], "action": action, "resource": resource, "key": key}


def _permissions(environ: dict[str, Any], body: bytes) -> Iterator[tuple[str, str, str]]:
    """Yield the permissions that a call needs: action, resource, partition key or owner of what KMS seals."""
    target, _, operation = environ.get("HTTP_X_AMZ_TARGET", "").partition(".")
    if target in SERVICES:
        call = json.loads(body)
        for action, resource, key in (*_of_items(operation, call), *_of_others(operation, call)):
            yield f"{SERVICES[target]}:{action}", resource, key
    elif "/s3/aws4_request" in environ.get("HTTP_AUTHORIZATION", ""):
        yield from (("s3:PutObject", f"arn:aws:s3:::{name}", "") for name in OBJECT.findall(environ["PATH_INFO"]))
    elif environ["PATH_INFO"] == OUTBOUND_EMAILS:
        # SES asks for both, if the sender's identity has a default configuration set.
        yield "ses:SendEmail", f"{IDENTITY}/{json.loads(body)['FromEmailAddress']}", ""
        yield "ses:SendEmail", CONFIGURATION_SET, ""
    elif body.startswith(b"Action=Publish&"):
        form = parse_qs(body.decode())
        yield "sns:Publish", form.get("PhoneNumber", form.get("TopicArn", [""]))[0], ""


def _of_items(operation: str, call: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    for member in call.get("TransactItems", []):
        for kind, write in member.items():
            yield WRITES[kind], write["TableName"], _key_of(write)
    for table, read in call.get("RequestItems", {}).items():
        for key in read["Keys"]:
            yield operation, table, key["pk"]["S"]
    if operation in ("CreateKey", "ListKeys"):
        # They have no resource. A key that is made with tags needs the permission to tag too.
        tagged = " ".join(f"{tag['TagKey']}={tag['TagValue']}" for tag in call.get("Tags", []))
        yield from ((name, "*", tagged) for name in (operation, *(["TagResource"] if tagged else [])))
    if "TableName" in call or "KeyId" in call:
        yield operation, call.get("TableName") or call["KeyId"], _key_of(call)


def _of_others(operation: str, call: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Yield what a call of EventBridge, SQS or CloudWatch Logs needs."""
    for entry in call.get("Entries", ()):
        yield operation, f"arn:aws:events:{OF_ACCOUNT}:event-bus/{entry['EventBusName']}", ""
    queue = str(call.get("QueueUrl") or call.get("QueueName") or "").rpartition("/")[2]
    if queue:
        yield operation, f"arn:aws:sqs:{OF_ACCOUNT}:{queue}", ""
    if "logStreamName" in call:
        arn = f"arn:aws:logs:{OF_ACCOUNT}:log-group:{call['logGroupName']}"
        yield operation, f"{arn}:log-stream:{call['logStreamName']}", ""


def _key_of(call: dict[str, Any]) -> str:
    if "Tags" in call:
        return " ".join(tag["TagKey"] for tag in call["Tags"])
    if "EncryptionContext" in call:
        return str(call["EncryptionContext"]["gatehouse"])
    queried = {"pk": call.get("ExpressionAttributeValues", {}).get(":pk", {})}
    return str((call.get("Item") or call.get("Key") or queried).get("pk", {}).get("S", ""))


def main(log: Path, authorities: Path, region: str = "") -> None:
    """Serve on a free port of this machine, and by TLS on another. authorities: the file to write the authority to.

    region: where the fake answers for items, if anywhere.
    """
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    with whole_emails(), whole_key_ids(), log.open("w", encoding="utf-8") as lines:
        items = ItemsOfMoto(region) if region else None
        app = AwsServer(DomainDispatcherApplication(create_backend_app), lines, items)
        servers = [
            make_server("127.0.0.1", 0, app, threaded=True, ssl_context=tls) for tls in (None, make_tls(authorities))
        ]
        sys.stdout.write(" ".join(str(server.port) for server in servers) + "\n")
        sys.stdout.flush()
        for server in servers:
            threading.Thread(target=server.serve_forever, daemon=True).start()
        sys.stdin.read()


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), *sys.argv[3:])

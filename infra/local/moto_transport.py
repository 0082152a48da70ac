"""The transport of the thin path to AWS whose other end is moto, in this process."""

import threading
from collections.abc import Mapping

from botocore.awsrequest import AWSPreparedRequest
from botocore.compat import HTTPHeaders
from moto.core.botocore_stubber import BotocoreStubber

from chalicelib.store.aws.caller import AwsUnreachable
from chalicelib.store.aws.http_reply import Reply

# Held for each call by either path, as moto's plain dicts let two conditional writes both succeed.
CALL_LOCK = threading.RLock()


class MotoTransport:
    """A Transport."""

    def __call__(self, host: str, headers: Mapping[str, str], body: bytes) -> Reply:
        """Return moto's answer. Raises AwsUnreachable for a host that moto does not know."""
        request = AWSPreparedRequest("POST", f"https://{host}/", HTTPHeaders.from_dict(dict(headers)), body, False)
        with CALL_LOCK:
            answer = BotocoreStubber().process_request(request)
        if answer is None:
            raise AwsUnreachable("EndpointConnectionError, of moto")
        status, named, content = answer
        raw = content.encode() if isinstance(content, str) else bytes(content)
        return Reply(status, {name.lower(): str(value) for name, value in named.items()}, raw)

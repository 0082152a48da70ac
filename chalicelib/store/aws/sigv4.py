"""Signature version 4 for POST requests to the root of one AWS service."""

import hmac
import re
from collections.abc import Mapping
from hashlib import sha256
from time import gmtime, strftime

from chalicelib.store.aws.caller import AwsUnreachable

# Characters that a header carries unchanged: no credential is cut, folded, or quoted in an error's text.
_CREDENTIAL = re.compile(r"[!-~]+")


class Signer:
    """Signs for one service of one Region. environ: read for each request, as its credentials may change."""

    def __init__(self, service: str, region: str, environ: Mapping[str, str]) -> None:
        self.host = f"{service}.{region}.amazonaws.com"
        self._service, self._region, self._environ = service, region, environ
        # The secret, the day, and the key that was made of them last.
        self._day_key = ("", "", b"")

    def sign(self, content_type: str, target: str, body: bytes, now_s: float) -> dict[str, str]:
        """Return the headers of a signed request. target: the x-amz-target. now_s: epoch seconds.

        Raises AwsUnreachable if the environment has no credentials, or some that no header can carry.
        Source: AWS, "Create a signed AWS API request". The names of the headers are signed in this order.
        """
        key_id, secret, token = self._read_credentials()
        moment = strftime("%Y%m%dT%H%M%SZ", gmtime(now_s))
        headers = {"content-type": content_type, "host": self.host, "x-amz-date": moment}
        if token:
            headers["x-amz-security-token"] = token
        headers["x-amz-target"] = target
        lines, names = "".join(f"{name}:{value}\n" for name, value in headers.items()), ";".join(headers)
        canonical = f"POST\n/\n\n{lines}\n{names}\n{sha256(body).hexdigest()}"
        scope = f"{moment[:8]}/{self._region}/{self._service}/aws4_request"
        to_sign = f"AWS4-HMAC-SHA256\n{moment}\n{scope}\n{sha256(canonical.encode()).hexdigest()}"
        signature = _compute_mac(self._derive_key(secret, moment[:8]), to_sign).hex()
        headers["authorization"] = (
            f"AWS4-HMAC-SHA256 Credential={key_id}/{scope}, SignedHeaders={names}, Signature={signature}"
        )
        return headers

    def _read_credentials(self) -> tuple[str, str, str]:
        key_id, secret = self._environ.get("AWS_ACCESS_KEY_ID", ""), self._environ.get("AWS_SECRET_ACCESS_KEY", "")
        token = self._environ.get("AWS_SESSION_TOKEN", "")
        if not _CREDENTIAL.fullmatch(key_id) or not secret or (token and not _CREDENTIAL.fullmatch(token)):
            raise AwsUnreachable("NoCredentialsError")
        return key_id, secret, token

    def _derive_key(self, secret: str, day: str) -> bytes:
        made_from, made_on, key = self._day_key
        if (made_from, made_on) != (secret, day):
            key = f"AWS4{secret}".encode()
            for part in (day, self._region, self._service, "aws4_request"):
                key = _compute_mac(key, part)
            self._day_key = (secret, day, key)
        return key


def _compute_mac(key: bytes, text: str) -> bytes:
    return hmac.digest(key, text.encode(), "sha256")

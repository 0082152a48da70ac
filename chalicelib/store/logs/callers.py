"""Find who calls a function directly: STS names who signed a request that the caller sends along (docs/adr/0065).

An invocation does not tell the function who made it.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from chalicelib.errors import AccessDenied, TemporarilyUnavailable

if TYPE_CHECKING:
    from http.client import HTTPConnection

BODY = b"Action=GetCallerIdentity&Version=2011-06-15"
CONTENT_TYPE = "application/x-www-form-urlencoded; charset=utf-8"
# Its value is the stage, so that no other stage can use a proof that it got.
STAGE_HEADER = "x-gatehouse-stage"
# The headers that a caller sends along; the last one only with temporary credentials.
PROOF = ("authorization", "x-amz-date", "x-amz-security-token")
# No header is folded or cut, and none is longer than a token of STS.
_VALUE = re.compile("[ -~]{1,8192}")
_AUTHORIZATION = (
    r"AWS4-HMAC-SHA256 Credential=\w{{1,128}}/[0-9]{{8}}/{region}/sts/aws4_request, "
    r"SignedHeaders=content-type;host;x-amz-date;{token}x-gatehouse-stage, Signature=[0-9a-f]{{64}}"
)
_ARN = re.compile(rb"<Arn>(arn:[!-;=-~]+)</Arn>")
OK, SERVER_ERROR = 200, 500


def sts_host(region: str) -> str:
    """Return the host of STS in a Region of the partition aws."""
    return f"sts.{region}.amazonaws.com"


@dataclass(slots=True, eq=False, repr=False)
class CallerIdentity:
    """Asks STS who signed a proof. connect: opens a connection to STS in the Region of the function."""

    stage: str
    region: str
    connect: "Callable[[], HTTPConnection]"

    def find_arn(self, proof: Mapping[str, str]) -> str:
        """Return the ARN of who signed a GetCallerIdentity for this stage. Raises AccessDenied.

        proof: the headers PROOF of the signed request. STS takes a signature for some minutes.
        Source: AWS, "Signing AWS API requests"; HashiCorp Vault does the same in its AWS auth method.
        """
        if not self._is_for_this_stage(proof):
            raise AccessDenied("The proof of the caller is none for this stage.")
        status, body = self._ask(proof)
        found = _ARN.search(body)
        if status >= SERVER_ERROR:
            raise TemporarilyUnavailable(reason=f"get_caller_identity: {status}")
        if status != OK or found is None:
            raise AccessDenied("AWS does not know who signed the proof of the caller.", reason=f"STS said {status}")
        return found[1].decode()

    def _is_for_this_stage(self, proof: Mapping[str, str]) -> bool:
        """Return whether the signature holds for the stage: STS ignores a header that is not signed."""
        token = "x-amz-security-token;" if "x-amz-security-token" in proof else ""
        signed = _AUTHORIZATION.format(region=self.region, token=token)
        is_signed = re.fullmatch(signed, proof.get("authorization", ""), re.ASCII) is not None
        return is_signed and set(proof) <= set(PROOF) and all(map(_VALUE.fullmatch, proof.values()))

    def _ask(self, proof: Mapping[str, str]) -> tuple[int, bytes]:
        from http.client import HTTPException  # noqa: PLC0415 (no login needs it)

        known = {"host": sts_host(self.region), "content-type": CONTENT_TYPE, STAGE_HEADER: self.stage}
        connection = self.connect()
        try:
            connection.request("POST", "/", BODY, {**known, **proof})
            answer = connection.getresponse()
            return answer.status, answer.read()
        except (OSError, HTTPException) as failure:
            raise TemporarilyUnavailable(reason=f"get_caller_identity: {type(failure).__name__}") from None
        finally:
            connection.close()

"""Signatures are botocore's, byte for byte."""

import datetime
import string
from typing import Any

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.store.aws.caller import AwsUnreachable
from chalicelib.store.aws.sigv4 import Signer

ENVIRON = {"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_SESSION_TOKEN": "token"}
NOW_S = 1_790_000_000
WORD = st.text(string.ascii_letters + string.digits + "-._", min_size=1)
# A credential is whatever a header can carry, though AWS's are base64.
CREDENTIAL = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1)
ENVIRONS = st.fixed_dictionaries(
    {"AWS_ACCESS_KEY_ID": CREDENTIAL, "AWS_SECRET_ACCESS_KEY": st.text(min_size=1).filter(str.isprintable)},
    optional={"AWS_SESSION_TOKEN": CREDENTIAL | st.just("")},
)
# Until the year 9999, in which botocore's timestamps end.
REQUESTS = st.tuples(ENVIRONS, WORD, WORD, st.binary(), st.integers(0, 253_402_300_799))


def signed_by_botocore(
    signer: Signer, environ: dict[str, str], headers: dict[str, str], body: bytes, now_s: float
) -> dict[str, str]:
    """Return the headers that botocore sends for the same request at that time."""
    credentials = Credentials(
        environ["AWS_ACCESS_KEY_ID"], environ["AWS_SECRET_ACCESS_KEY"], environ.get("AWS_SESSION_TOKEN")
    )
    service, region, *_ = signer.host.split(".")
    # The stub leaves out the methods that one should not call.
    auth: Any = SigV4Auth(credentials, service, region)
    request = AWSRequest("POST", f"https://{signer.host}/", headers, body)
    moment = datetime.datetime.fromtimestamp(now_s, datetime.UTC)
    # The parts of add_auth, which itself looks at the real clock.
    request.context["timestamp"] = moment.strftime("%Y%m%dT%H%M%SZ")
    auth._modify_request_before_signing(request)
    signature = auth.signature(auth.string_to_sign(request, auth.canonical_request(request)), request)
    auth._inject_signature_to_request(request, signature)
    return {name.lower(): value for name, value in request.headers.items()}


@given(
    service=st.sampled_from(["dynamodb", "kms"]),
    region=st.text(string.ascii_lowercase + string.digits + "-", min_size=1),
    requests=st.lists(REQUESTS, min_size=1, max_size=4),
)
def test_signed_headers_are_botocores(
    service: str, region: str, requests: list[tuple[dict[str, str], str, str, bytes, int]]
) -> None:
    environ: dict[str, str] = {}
    # One signer for all of them, whose credentials and day change under it.
    signer = Signer(service, region, environ)
    for settings, content_type, target, body, now_s in requests:
        environ.clear()
        environ.update(settings)
        headers = signer.sign(content_type, target, body, now_s)

        sent = {"content-type": content_type, "x-amz-target": target}
        assert headers.pop("host") == signer.host
        assert headers == signed_by_botocore(signer, environ, sent, body, now_s)


def test_next_request_is_signed_with_credentials_that_changed_in_the_process() -> None:
    environ = dict(ENVIRON)
    signer = Signer("kms", "eu-west-1", environ)
    signer.sign("json", "Sign", b"{}", NOW_S)
    environ |= {"AWS_ACCESS_KEY_ID": "AKIDNEXT", "AWS_SECRET_ACCESS_KEY": "next", "AWS_SESSION_TOKEN": "new"}

    changed = signer.sign("json", "Sign", b"{}", NOW_S)

    assert changed == Signer("kms", "eu-west-1", environ).sign("json", "Sign", b"{}", NOW_S)
    assert changed["x-amz-security-token"] == "new"
    assert "Credential=AKIDNEXT/" in changed["authorization"]


def test_signature_changes_with_the_secret_alone() -> None:
    environ = dict(ENVIRON)
    signer = Signer("kms", "eu-west-1", environ)
    before = signer.sign("json", "Sign", b"{}", NOW_S)
    environ["AWS_SECRET_ACCESS_KEY"] = "next"

    assert signer.sign("json", "Sign", b"{}", NOW_S) != before


@pytest.mark.parametrize("name", ["AWS_ACCESS_KEY_ID", "AWS_SESSION_TOKEN"])
@pytest.mark.parametrize("value", ["two words", "cut\r\nx-evil: 1", "caf\u00e9", "\x00"])
def test_credential_that_no_header_can_carry_is_refused_and_not_shown(name: str, value: str) -> None:
    with pytest.raises(AwsUnreachable) as refusal:
        Signer("kms", "eu-west-1", ENVIRON | {name: value}).sign("json", "Sign", b"{}", NOW_S)

    assert str(refusal.value) == "NoCredentialsError"


@pytest.mark.parametrize("name", ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"])
def test_credentials_that_are_gone_are_a_failure_of_ours(name: str) -> None:
    with pytest.raises(AwsUnreachable, match="NoCredentialsError"):
        Signer("kms", "eu-west-1", ENVIRON | {name: ""}).sign("json", "Sign", b"{}", NOW_S)

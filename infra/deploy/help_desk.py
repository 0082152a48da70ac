"""Ask the help desk's function, which alone may do what it does for the caller (docs/adr/0065)."""

import json
from typing import Any

import boto3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.exceptions import NoCredentialsError

from chalicelib.store.logs.callers import BODY, CONTENT_TYPE, PROOF, STAGE_HEADER, sts_host
from infra.errors import OperatorError
from infra.stage.aws import PATIENT, new_session


def ask_help_desk(stage: str, action: str, realm: str, who: str) -> str:
    """Return the user_id of whom the function unblocked or reset. Raises OperatorError.

    action: as of chalicelib/flows/help_desk.py. who: a username, email or user_id.
    """
    session = new_session()
    client = session.client("lambda", config=PATIENT)
    event = {"action": action, "realm": realm, "who": who, "proof": sign_proof(session, stage, client.meta.region_name)}
    try:
        answer = client.invoke(FunctionName=f"gatehouse-{stage}-help_desk", Payload=json.dumps(event).encode())
    except client.exceptions.ResourceNotFoundException:
        raise OperatorError(
            f"Stage {stage} has no help desk in this account and region. Run `gatehouse up` and `gatehouse deploy`."
        ) from None
    said: dict[str, Any] = json.loads(answer["Payload"].read()) or {}
    if "user_id" not in said:
        # Lambda itself says errorMessage, if the function ended.
        reason = said.get("error_description") or said.get("errorMessage") or "The function gave no answer."
        raise OperatorError(f"{who} of realm {realm}: {reason}")
    return str(said["user_id"])


def sign_proof(session: boto3.Session, stage: str, region: str) -> dict[str, str]:
    """Return the headers by which STS tells the function of a stage who calls. They hold no secret key."""
    credentials = session.get_credentials()
    if credentials is None:
        raise NoCredentialsError
    headers = {"content-type": CONTENT_TYPE, STAGE_HEADER: stage}
    request = AWSRequest("POST", f"https://{sts_host(region)}/", headers=headers, data=BODY)
    SigV4Auth(credentials.get_frozen_credentials(), "sts", region).add_auth(request)
    return {name.lower(): value for name, value in request.headers.items() if name.lower() in PROOF}

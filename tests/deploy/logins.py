"""The logins that the deployed function is asked for."""

import time
import uuid

import jwt

from tests.deploy.conftest import Deployment

AUDIENCE = "https://api.example.com/timesheets"
PASSWORD = "correct horse battery staple"
LOGIN = {"grant_type": "password", "username": "alice", "password": PASSWORD, "audience": AUDIENCE}
SECRET_LOGIN = LOGIN | {"client_id": "demo-backend", "client_secret": "demo-backend-secret"}


def signed_login(deployment: Deployment) -> dict[str, str]:
    """Return a login by the client that signs, with a fresh assertion."""
    tenant = deployment.tenant
    claims = {"iss": tenant.client_id, "sub": tenant.client_id, "aud": deployment.url, "jti": str(uuid.uuid4())}
    assertion = jwt.encode(claims | {"exp": int(time.time()) + 60}, tenant.key, "RS256")
    kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
    return LOGIN | {"client_assertion_type": kind, "client_assertion": assertion}

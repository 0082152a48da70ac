"""APIs with roles, and what logins at them are granted."""

from typing import Any

from chalicelib.model.user import User
from infra.stage.aws import Stage
from tests.support.clients import make_api
from tests.support.http import Http
from tests.support.people import PASSWORD
from tests.support.tokens import claims_in

READ, CREATE, DELETE, APPROVE = ALL = (
    "read:timesheets",
    "create:timesheets",
    "delete:timesheets",
    "approve:timesheets",
)
# In another order than the API's.
EDITOR = {"editor": [CREATE, READ], "boss": [APPROVE]}


def api(stage: Stage, **changes: Any) -> str:
    """Make an API that enforces policies, and whose tokens show permissions."""
    values = {"enforce_policies": True, "token_dialect": "access_token_authz", "role_permissions": EDITOR}
    return make_api(stage, **values | changes)


def login(http: Http, user: User, audience: str, **params: str) -> dict[str, Any]:
    response = http.login(**{"username": user.username, "password": PASSWORD, "audience": audience} | params)
    assert response.status_code == 200, response.text
    answer: dict[str, Any] = response.json()
    return answer


def refresh(http: Http, answer: dict[str, Any], **params: str) -> dict[str, Any]:
    response = http.refresh(answer["refresh_token"], **params)
    assert response.status_code == 200, response.text
    renewed: dict[str, Any] = response.json()
    return renewed


def granted(answer: dict[str, Any]) -> tuple[str, Any]:
    """Return the scope of an answer, which its token has too, and the token's permissions."""
    claims = claims_in(answer["access_token"])
    assert claims["scope"] == answer["scope"]
    return answer["scope"], claims.get("permissions")

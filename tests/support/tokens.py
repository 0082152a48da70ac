"""Read the tokens of an answer."""

from typing import Any

import httpx
import jwt


def claims_of(answer: httpx.Response, name: str = "access_token") -> dict[str, Any]:
    """Return the claims of a token in an answer, unverified; requires that there is one."""
    assert answer.status_code == 200, answer.text
    claims: dict[str, Any] = jwt.decode(answer.json()[name], options={"verify_signature": False})
    return claims

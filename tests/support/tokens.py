"""Read the tokens of an answer."""

from typing import Any

import httpx
import jwt


def claims_in(token: str) -> dict[str, Any]:
    """Return the claims of a token, unverified."""
    claims: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
    return claims


def claims_of(answer: httpx.Response, name: str = "access_token") -> dict[str, Any]:
    """Return the claims of a token in a successful answer, unverified."""
    assert answer.status_code == 200, answer.text
    return claims_in(answer.json()[name])

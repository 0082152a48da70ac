"""Read the tokens of an answer."""

from typing import Any

import httpx
import jwt


def body_of(answer: httpx.Response) -> dict[str, Any]:
    """Return the body of a successful answer."""
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


def claims_in(token: str) -> dict[str, Any]:
    """Return the claims of a token, unverified."""
    claims: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
    return claims


def claims_of(answer: httpx.Response, name: str = "access_token") -> dict[str, Any]:
    """Return the claims of a token in a successful answer, unverified."""
    return claims_in(body_of(answer)[name])

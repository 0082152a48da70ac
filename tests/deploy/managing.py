"""Requests to the deployed Management API, with the access token of a backend."""

from collections.abc import Callable
from typing import Any

import httpx

from tests.deploy.conftest import Deployment

Send = Callable[..., httpx.Response]


def manager_of(site: httpx.Client, deployment: Deployment) -> Send:
    """Return the function that sends a request: it takes the method, the path below /api/v2/, and options of httpx."""
    client = {"client_id": "demo-m2m", "client_secret": "demo-m2m-secret"}
    asked = {"grant_type": "client_credentials", "audience": f"{deployment.url}api/v2/", **client}
    answer = site.post("/oauth/token", data=asked)
    assert answer.status_code == 200, answer.text
    headers = {"Authorization": f"Bearer {answer.json()['access_token']}"}

    def send(method: str, path: str, **options: Any) -> httpx.Response:
        return site.request(method, f"/api/v2/{path}", headers=headers, **options)

    return send

"""A backend that uses the Management API: a client with a client grant, and its requests with a fresh token."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import httpx

from chalicelib.model.tenant import MANAGEMENT, MANAGEMENT_SCOPES, management_audience
from infra.stage.aws import Stage
from tests.support.clients import make_client
from tests.support.fixed import ISSUER
from tests.support.http import Http

SECRET = "the long secret of a backend"


@dataclass
class Backend:
    """A client of the Management API. client: its credentials."""

    http: Http
    client: dict[str, str]
    _token: str = field(default="", repr=False)

    @classmethod
    def of(cls, stage: Stage, http: Http, scopes: Iterable[str] = MANAGEMENT_SCOPES) -> "Backend":
        """Register a client that may ask for these scopes."""
        client_id = make_client(stage, secret=SECRET, client_grants={MANAGEMENT: [*scopes]})
        return cls(http, {"client_id": client_id, "client_secret": SECRET})

    def ask_token(self, **params: str) -> httpx.Response:
        """Ask for an access token of the Management API; params override."""
        wanted = {"grant_type": "client_credentials", "audience": management_audience(ISSUER)}
        return self.http.token({**wanted, **self.client, **params})

    @property
    def token(self) -> str:
        """An access token, asked for once."""
        if not self._token:
            answer = self.ask_token()
            assert answer.status_code == 200, answer.text
            self._token = answer.json()["access_token"]
        return self._token

    def send(self, method: str, path: str, **options: Any) -> httpx.Response:
        """Send a request with the token. path: below /api/v2."""
        headers = {"Authorization": f"Bearer {self.token}"} | options.pop("headers", {})
        return self.http.request(method, f"/api/v2{path}", headers=headers, **options)

    def get(self, path: str, **query: Any) -> Any:
        """Return the body of a list or an entry that is there."""
        answer = self.send("GET", path, params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()


def refusal(answer: httpx.Response) -> tuple[int, str]:
    """Return the status and the errorCode of an error, which has all members that SDKs read."""
    body = answer.json()
    assert set(body) == {"statusCode", "error", "message", "errorCode", "error_description"}, body
    assert (body["statusCode"], body["message"]) == (answer.status_code, body["error_description"])
    return answer.status_code, body["errorCode"]

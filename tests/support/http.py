"""An HTTP client of the real handler, behind the real gateway, without a port."""

import asyncio
from collections.abc import Callable, Mapping
from copy import copy
from typing import Any

import httpx

from app import make_app
from chalicelib.http.management import make_management_app
from chalicelib.http.routes import Services
from infra.gateway.app import Gateway, GatewayConfig
from infra.gateway.functions import ApiFunction, join_functions
from infra.gateway.proxy_event import GatewayStage
from infra.gateway.responses import load_gateway_responses

PASSWORD_REALM = "http://auth0.com/oauth/grant-type/password-realm"
TIMESHEETS = "https://api.example.com/timesheets"
REPORTS = "https://api.example.com/reports"
EVERYTHING = "openid profile email offline_access read:timesheets"
BACKEND = {"client_id": "demo-backend", "client_secret": "demo-backend-secret"}
GATEWAY_RESPONSES = load_gateway_responses()
REQUEST_IDS = ("x-request-id", "x-amzn-requestid")
ALICE = {"username": "alice", "password": "correct horse battery staple"}


def visible_parts(response: httpx.Response) -> tuple[dict[str, str], bytes]:
    """Return the parts of a response that must not differ: status, headers without the request's ids, and body."""
    headers = {name: value for name, value in response.headers.items() if name not in REQUEST_IDS}
    return {"status": str(response.status_code), **headers}, response.content


class Http:
    """Sends requests to an application of its own, from one source address.

    services, clock: called by the application for each request; a test may replace them.
    log: the application's log lines, oldest first.
    """

    def __init__(
        self,
        services: Callable[[], Services],
        source_ip: str,
        stage: GatewayStage | None = None,
        clock: Callable[[], float] = lambda: 0,
        management: Callable[[], Services] | None = None,
    ) -> None:
        """stage: API Gateway's; by default the API is at the root of its host.

        management: the services of the Management API; without them its paths are unknown.
        clock: by default it stands still, so that no request runs out of time on a busy machine.
        """
        self.services, self.clock, self.source_ip = services, clock, source_ip
        self.log: list[dict[str, Any]] = []
        # Looked up for each request, because a test may replace them.
        self.app = make_app(lambda: self.services(), self.log.append, lambda: self.clock())  # noqa: PLW0108
        functions = [ApiFunction(self.app.routes, self.app)]
        if management:
            managing = make_management_app(management, self.log.append, lambda: self.clock())  # noqa: PLW0108
            functions.append(ApiFunction(managing.routes, managing))
        self._whole = join_functions(*functions)
        self._config = GatewayConfig(
            self._whole.routes, stage or GatewayStage(domain_name="api.example.test"), GATEWAY_RESPONSES
        )
        self._gateway = Gateway(self._whole.invoke, self._config)

    def at(self, source_ip: str) -> "Http":
        """Return a client of the same application from another address, with threads of its own."""
        other = copy(self)
        other.source_ip, other._gateway = source_ip, Gateway(self._whole.invoke, self._config)
        return other

    def request(self, method: str, path: str, **options: Any) -> httpx.Response:
        """Send a request. options: as in httpx."""
        return asyncio.run(self._send(method, path, options))

    def get(self, path: str, **options: Any) -> httpx.Response:
        return self.request("GET", path, **options)

    def post(self, path: str, **options: Any) -> httpx.Response:
        return self.request("POST", path, **options)

    def token(self, params: Mapping[str, str | None], **headers: str | bytes) -> httpx.Response:
        """Post a form to the token endpoint; a parameter that is None is left out."""
        form = {name: value for name, value in params.items() if value is not None}
        return self.post("/oauth/token", data=form, headers=headers)

    def login(self, **params: str | None) -> httpx.Response:
        """Log alice in with the password grant through demo-backend; params override."""
        return self.token({"grant_type": "password", "audience": TIMESHEETS, **BACKEND, **ALICE, **params})

    def realm_login(self, realm: str | None, **params: str | None) -> httpx.Response:
        """Log in with the password-realm grant; params override."""
        return self.login(grant_type=PASSWORD_REALM, realm=realm, **params)

    def refresh(self, token: str, client: Mapping[str, str] = BACKEND, /, **params: str | None) -> httpx.Response:
        """Refresh through demo-backend; client and params override."""
        return self.token({"grant_type": "refresh_token", "refresh_token": token, **client, **params})

    async def _send(self, method: str, path: str, options: dict[str, Any]) -> httpx.Response:
        transport = httpx.ASGITransport(app=self._gateway, client=(self.source_ip, 50_000))
        async with httpx.AsyncClient(transport=transport, base_url="https://api.example.test") as client:
            return await client.request(method, path, **options)

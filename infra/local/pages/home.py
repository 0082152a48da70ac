"""The first page of a local run: what is served, who can log in, and a login whose tokens are shown decoded."""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlencode

import jwt

from chalicelib.model.tenant import PASSWORD, PASSWORD_REALM
from infra.gateway.app import Gateway, Message
from infra.local.aws_port import exports
from infra.local.curls import client_for
from infra.local.outbox import Outbox
from infra.local.pages.documents import has_documents, has_viewer
from infra.local.pages.page import Page, PageRequest, render
from infra.local.screen import LocalRun

LOGIN_PATH = "/_local/login"
FIELDS = ("realm", "username", "password", "audience", "scope")
SHOWN_MESSAGES = 10
TOKENS = ("access_token", "id_token")
Decoded = tuple[str, str, str, str]


@dataclass(frozen=True, slots=True)
class Home:
    """The page at /, and the login of its form.

    endpoints: the API's methods by path. made_secrets: the client secrets that the file left out, by client_id.
    """

    run: LocalRun
    gateway: Gateway
    outbox: Outbox
    endpoints: Mapping[str, Collection[str]]
    made_secrets: Mapping[str, str] = field(repr=False)

    async def show(self, request: PageRequest) -> Page | None:
        """Answer the page, or log a person in; None for another path."""
        match request.method, request.path:
            case "GET", "/":
                return self._page(self._first_person())
            case "POST", path if path == LOGIN_PATH:
                typed = _form(await request.body())
                return self._page(typed, *await self._log_in(request, typed))
        return None

    def _page(self, typed: Mapping[str, str], status: int = 0, answer: Mapping[str, Any] | None = None) -> Page:
        return render(
            "home.html",
            run=self.run,
            endpoints={path: ", ".join(methods) for path, methods in self.endpoints.items()},
            login=LOGIN_PATH,
            messages=self.outbox.newest(SHOWN_MESSAGES),
            typed={name: typed.get(name, "") for name in FIELDS},
            answered=status,
            answer=json.dumps(answer, indent=2) if answer else "",
            tokens=[_decoded(name, answer[name]) for name in TOKENS if answer and name in answer],
            exports=exports(self.run.aws_url) if self.run.aws_url else "",
            has_documents=has_documents(),
            has_viewer=has_viewer(),
        )

    def _first_person(self) -> dict[str, str]:
        """Return the form's values at first: the demo's first person, or nothing of another file's people."""
        apis = self.run.file.apis
        people = ((realm, user) for realm, users in self.run.file.users.items() for user in users)
        realm, user = next(people, ("", None))
        shown = user if self.run.with_secrets else None
        username = (shown.username or shown.email or "") if shown else ""
        audience = apis[0].identifier if apis else ""
        return {"realm": realm, "username": username, "audience": audience, "scope": "openid profile email"}

    async def _log_in(self, request: PageRequest, typed: Mapping[str, str]) -> tuple[int, dict[str, Any]]:
        """Send the login to the token endpoint, as a client does; return the status and the answer."""
        realm = typed.get("realm", "")
        grant = PASSWORD if realm == self.run.file.tenant.default_directory else PASSWORD_REALM
        client = client_for(self.run.file, realm, grant)
        if not client:
            return 400, {"error": "invalid_request", "error_description": "No client of the file logs in there."}
        secret = client.client_secret or self.made_secrets.get(client.client_id, "")
        form = {**typed, "grant_type": grant, "client_id": client.client_id, "client_secret": secret}
        if grant == PASSWORD:
            del form["realm"]
        return await _token_endpoint(self.gateway, request, {name: value for name, value in form.items() if value})


async def _token_endpoint(
    gateway: Gateway, request: PageRequest, form: Mapping[str, str]
) -> tuple[int, dict[str, Any]]:
    """Return the status and the answer of the token endpoint, asked from the address of the person at the page."""
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": urlencode(form).encode()}

    async def send(message: Message) -> None:
        sent.append(message)

    headers = [(b"host", request.header("host").encode()), (b"content-type", b"application/x-www-form-urlencoded")]
    path = {"path": "/oauth/token", "raw_path": b"/oauth/token", "query_string": b"", "headers": headers}
    await gateway({**request.scope, **path}, receive, send)
    start, body = sent
    return start["status"], json.loads(body["body"])


def _form(body: bytes) -> dict[str, str]:
    """Return the fields that were typed: of those that stand twice, the first."""
    typed = parse_qs(body.decode("utf-8", "replace"))
    return {name: typed[name][0] for name in FIELDS if name in typed}


def _decoded(name: str, token: str) -> Decoded:
    """Return a token's name, its header and its claims as JSON, and the token."""
    claims = jwt.decode(token, options={"verify_signature": False})
    return name, json.dumps(jwt.get_unverified_header(token), indent=2), json.dumps(claims, indent=2), token

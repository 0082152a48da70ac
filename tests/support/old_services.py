"""Auth0 and a Cognito user pool as they answer on the wire, for one person, on ports of this machine."""

import base64
import hashlib
import hmac
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.support.limits import WAIT_S
from tests.support.people import PASSWORD

AUTH0_SECRET = "c4nary-secret-of-the-application"
TOKEN = "c4nary-access-token"
COGNITO_CLIENT, COGNITO_SECRET = "pool-client", "c4nary-secret-of-the-pool-client"

Answer = tuple[int, Any]


@dataclass
class OldService:
    """One old service. asked: the headers and the JSON bodies of its requests.

    instead: is answered to each log-in that would be right. slow: is waited for before each answer.
    """

    email: str
    username: str = "old.ann"
    sub: str = "auth0|5f1"
    url: str = ""
    instead: Answer | bytes | None = None
    asked: list[tuple[str, dict[str, str], Any]] = field(default_factory=list)
    slow: threading.Event | None = None

    def is_right(self, username: str, password: str) -> bool:
        return username.lower() in (self.email, self.username) and password == PASSWORD


def auth0(service: OldService, path: str, headers: dict[str, str], body: Any) -> Answer | bytes:
    """Answer as Auth0's /oauth/token and /userinfo do."""
    if path == "/userinfo":
        if headers.get("authorization") != f"Bearer {TOKEN}":
            return 401, {"error": "unauthorized"}
        claims = {"name": "Ann Old", "nickname": "ann", "picture": "http://old.example/ann.png"}
        return 200, {"sub": service.sub, "email": service.email, "email_verified": True, "updated_at": "2026"} | claims
    if (body["client_id"], body["client_secret"]) != ("old-app", AUTH0_SECRET):
        return 401, {"error": "access_denied", "error_description": "Unauthorized"}
    if not service.is_right(body["username"], body["password"]):
        return 403, {"error": "invalid_grant", "error_description": "Wrong email or password."}
    return service.instead or (200, {"access_token": TOKEN, "id_token": "e30.e30.x", "token_type": "Bearer"})


def cognito(service: OldService, _: str, headers: dict[str, str], body: Any) -> Answer | bytes:
    """Answer as the user pool's InitiateAuth and GetUser do."""
    if headers["x-amz-target"].endswith(".GetUser"):
        if body != {"AccessToken": TOKEN}:
            return 400, _error("NotAuthorizedException", "Invalid Access Token")
        values = {
            "sub": service.sub,
            "email": service.email,
            "email_verified": "true",
            "name": "Ann Old",
            "custom:x": "1",
        }
        named = [{"Name": name, "Value": value} for name, value in values.items()]
        return 200, {"Username": service.sub, "UserAttributes": named}
    given = body["AuthParameters"]
    mac = hmac.digest(COGNITO_SECRET.encode(), (given["USERNAME"] + COGNITO_CLIENT).encode(), hashlib.sha256)
    if given.get("SECRET_HASH") != base64.b64encode(mac).decode():
        return 400, _error("NotAuthorizedException", f"Unable to verify secret hash for client {COGNITO_CLIENT}")
    if not service.is_right(given["USERNAME"], given["PASSWORD"]):
        return 400, _error("NotAuthorizedException", "Incorrect username or password.")
    result = {"AccessToken": TOKEN, "IdToken": "e30.e30.x", "RefreshToken": "r", "ExpiresIn": 3600}
    return service.instead or (200, {"AuthenticationResult": result, "ChallengeParameters": {}})


def cognito_error(name: str, message: str, status: int = 400) -> Answer:
    """Return the answer of a user pool that fails."""
    return status, _error(name, message)


def _error(name: str, message: str) -> dict[str, str]:
    return {"__type": name, "message": message}


@contextmanager
def serve(service: OldService, answer: Callable[..., Answer | bytes]) -> Iterator[OldService]:
    """Serve an old service until the block ends, and set its URL."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            headers = {name.lower(): value for name, value in self.headers.items()}
            content = self.rfile.read(int(headers.get("content-length", 0)))
            body = json.loads(content) if content else None
            service.asked.append((self.path, headers, body))
            if service.slow:
                service.slow.wait(WAIT_S)
            answered = answer(service, self.path, headers, body)
            status, sent = (200, answered) if isinstance(answered, bytes) else (answered[0], json.dumps(answered[1]))
            sent = sent if isinstance(sent, bytes) else sent.encode()
            self.send_response(status)
            if status in (301, 302, 307, 308):
                self.send_header("Location", f"http://127.0.0.1:{server.server_port}/elsewhere")
            self.send_header("Content-Length", str(len(sent)))
            self.end_headers()
            self.wfile.write(sent)

        do_GET = do_POST  # noqa: N815 (the name that http.server calls)

        def log_message(self, *_: object) -> None:
            """Keep still."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    service.url = f"http://127.0.0.1:{server.server_port}/"
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    try:
        yield service
    finally:
        server.shutdown()
        server.server_close()

"""The timesheets of people, each of whom sees their own. Kept in memory."""

from typing import Any

import jwt
from flask import Flask, Response, jsonify, request

from examples.timesheets_api.bearer import AccessTokens, Refused

AUDIENCE = "https://api.example.com/timesheets"
MAX_HOURS, MAX_TEXT, MAX_ENTRIES = 24, 200, 100


def create_app(issuer: str, audience: str = AUDIENCE) -> Flask:
    """Return the API. issuer: the URL of Gatehouse, with its final slash."""
    app = Flask(__name__)
    app.config["MAX_CONTENT_LENGTH"] = 16 * 1024
    tokens = AccessTokens(issuer, audience, "RS256", jwt.PyJWKClient(f"{issuer}.well-known/jwks.json", timeout=5))
    entries: dict[str, list[dict[str, Any]]] = {}

    @app.get("/timesheets")
    def list_timesheets() -> Response:
        claims = tokens.claims(request.headers.get("Authorization"), "read:timesheets")
        return jsonify(entries.get(claims["sub"], []))

    @app.post("/timesheets")
    def add_timesheet() -> tuple[Response, int]:
        claims = tokens.claims(request.headers.get("Authorization"), "create:timesheets")
        entry = _entry(request.get_json(silent=True))
        own = entries.setdefault(claims["sub"], [])
        if entry is None or len(own) >= MAX_ENTRIES:
            return jsonify(error="invalid_request"), 400
        own.append(entry)
        return jsonify(entry), 201

    @app.errorhandler(Refused)
    def refuse(refused: Refused) -> Response:
        answer = jsonify(error={401: "invalid_token", 403: "insufficient_scope"}.get(refused.status, "unavailable"))
        answer.status_code = refused.status
        if refused.challenge:
            answer.headers["WWW-Authenticate"] = refused.challenge
        return answer

    return app


def _entry(sent: object) -> dict[str, Any] | None:
    """Return the entry of a request's body, or None if it is none."""
    match sent:
        case {"hours": int() | float() as hours, "text": str() as text} if 0 < hours <= MAX_HOURS:
            return {"hours": hours, "text": text} if 0 < len(text) <= MAX_TEXT else None
    return None

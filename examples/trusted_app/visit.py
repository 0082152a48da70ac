"""Helpers of every view: the visitor's session, their address, and the client of Gatehouse."""

import time
from typing import Any

from flask import current_app, redirect, request, session, url_for
from werkzeug.wrappers import Response

from examples.trusted_app.gatehouse import Gatehouse, SecondFactorOwed
from examples.trusted_app.sessions import Person, Session, Sessions, Step

SESSION_ID = "sid"


def gatehouse() -> Gatehouse:
    """Return the client of Gatehouse."""
    found: Gatehouse = current_app.extensions["gatehouse"]
    return found


def sessions() -> Sessions:
    """Return all sessions."""
    found: Sessions = current_app.extensions["sessions"]
    return found


def own_session() -> Session | None:
    """Return the visitor's session, or None."""
    return sessions().find(session.get(SESSION_ID))


def start_session() -> Session:
    """Return a new session of the visitor, in place of the one they had."""
    session_id, started = sessions().start(session.get(SESSION_ID))
    session[SESSION_ID] = session_id
    return started


def end_session() -> None:
    """Forget all of the visitor."""
    sessions().end(session.get(SESSION_ID))
    session.clear()


def person_ip() -> str:
    """Return the visitor's address. Behind a proxy, Werkzeug's ProxyFix puts the right one there."""
    return request.remote_addr or ""


def typed(name: str) -> str:
    """Return a field of the form, without the spaces around it."""
    return request.form.get(name, "").strip()


def go_to(view: str) -> Response:
    """Return a redirect that a reload does not repeat."""
    return redirect(url_for(view), 303)


def finish_login(realm: str, username: str, tokens: dict[str, Any]) -> Response:
    """Keep a person's tokens in a new session, and show their page."""
    started = start_session()
    started.person = Person(
        realm=realm,
        username=username,
        claims=gatehouse().person_of(tokens["id_token"]),
        scope=tokens["scope"],
        access_token=tokens["access_token"],
        refresh_token=tokens.get("refresh_token", ""),
        expires_at=time.time() + tokens["expires_in"],
    )
    started.recovery_code = tokens.get("recovery_code", "")
    return go_to("me")


def begin_step(visitor: Session, owed: SecondFactorOwed, adding: bool = False) -> Response:
    """Keep the second factor that is owed, and ask for it."""
    visitor.step = Step(owed.mfa_token, owed.enroll, owed.challenge, adding)
    return go_to("second_factor.show")

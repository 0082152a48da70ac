"""The application: log in by realm, see one's claims and timesheets, refresh, log out."""

import secrets
import time
from typing import Any
from urllib.parse import urlsplit

import requests
from flask import Flask, current_app, flash, render_template, request
from flask_wtf.csrf import CSRFError, CSRFProtect  # type: ignore[import-untyped]  # no types
from werkzeug.wrappers import Response

from examples.trusted_app import accounts, second_factor
from examples.trusted_app.gatehouse import Gatehouse, Refused, SecondFactorOwed, Settings
from examples.trusted_app.sessions import Person, Sessions
from examples.trusted_app.visit import (
    begin_step,
    end_session,
    finish_login,
    gatehouse,
    go_to,
    own_session,
    person_ip,
    start_session,
    typed,
)

REALMS = {"employees": "Employees", "customers": "Customers"}
# No script, nothing from elsewhere; QR codes are data: images.
POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": POLICY,
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}
# Refreshed a little before the end, so that the API never sees a token that is over.
MARGIN_S = 30
API_TIMEOUT_S = 10
FORBIDDEN = 403


def create_app(settings: Settings, url: str, timesheets_url: str = "", demo_url: str = "") -> Flask:
    """Return the application. url: its own, which decides its hosts and cookie. timesheets_url: "" for no API.

    demo_url: the page that lists a demo's people and messages, "" for no demo.
    """
    app = Flask(__name__)
    own = urlsplit(url)
    app.config.update(
        SECRET_KEY=secrets.token_bytes(32),
        SESSION_COOKIE_NAME="timesheets",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=own.scheme == "https",
        TRUSTED_HOSTS=[own.hostname, "localhost"],
        MAX_CONTENT_LENGTH=16 * 1024,
        TIMESHEETS_URL=timesheets_url,
        DEMO_URL=demo_url,
    )
    app.extensions |= {"gatehouse": Gatehouse(settings), "sessions": Sessions()}
    CSRFProtect(app)
    app.add_url_rule("/", "home", home)
    app.add_url_rule("/login", "log_in", log_in, methods=["POST"])
    app.add_url_rule("/me", "me", me)
    for act in (refresh, log_out, add_timesheet):
        app.add_url_rule(f"/{act.__name__.replace('_', '-')}", act.__name__, act, methods=["POST"])
    app.register_blueprint(second_factor.views)
    app.register_blueprint(accounts.views)
    app.register_error_handler(CSRFError, form_is_over)
    app.register_error_handler(Refused, refuse)
    app.context_processor(lambda: {"realms": REALMS, "visitor": own_session()})
    app.after_request(add_headers)
    return app


def home() -> Response | str:
    """Show the form, or the page of a person who is logged in."""
    visitor = own_session()
    return go_to("me") if visitor and visitor.person else render_template("login.html", typed={}, error="")


def log_in() -> Response | tuple[str, int]:
    """Send the password to Gatehouse, and nowhere else."""
    realm, username, password = typed("realm"), typed("username"), request.form.get("password", "")
    shown = {"realm": realm, "username": username}
    if realm not in REALMS:
        return render_template("login.html", typed=shown, error="Choose one of the two."), 400
    try:
        tokens = gatehouse().log_in(realm, username, password, person_ip())
    except SecondFactorOwed as owed:
        visitor = start_session()
        visitor.realm, visitor.username = realm, username
        return begin_step(visitor, owed)
    except Refused as refused:
        return render_template("login.html", typed=shown, error=str(refused)), 400
    return finish_login(realm, username, tokens)


def me() -> Response | str:
    """Show what is known of the person, and their timesheets. No token is in the page."""
    visitor = own_session()
    if not visitor or not visitor.person:
        return go_to("home")
    timesheets, problem = _timesheets(visitor.person)
    code, visitor.recovery_code = visitor.recovery_code, ""
    ends = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(visitor.person.expires_at))
    return render_template(
        "me.html", person=visitor.person, timesheets=timesheets, problem=problem, recovery_code=code, ends=ends
    )


def refresh() -> Response:
    """Refresh the tokens, though they may be good still."""
    visitor = own_session()
    if not visitor or not visitor.person:
        return go_to("home")
    try:
        _refresh(visitor.person)
    except Refused:
        end_session()
        flash("Your login is over. Please log in again.")
        return go_to("home")
    flash("The tokens are new.")
    return go_to("me")


def log_out() -> Response:
    """End the login here and at Gatehouse."""
    visitor = own_session()
    end_session()
    if visitor and visitor.person and visitor.person.refresh_token:
        try:
            gatehouse().revoke(visitor.person.refresh_token)
        except Refused:
            flash("You are logged out here. Gatehouse could not be told.")
            return go_to("home")
    flash("You are logged out.")
    return go_to("home")


def add_timesheet() -> Response:
    """Add a timesheet by the API."""
    visitor = own_session()
    if not visitor or not visitor.person:
        return go_to("home")
    hours = typed("hours")
    entry = {"hours": float(hours) if hours.replace(".", "", 1).isdigit() else 0, "text": typed("text")}
    answer, problem = _call_api(visitor.person, "POST", entry)
    flash(problem or f"{answer['hours']:g} hours are added.")
    return go_to("me")


def form_is_over(error: CSRFError) -> tuple[str, int]:
    """Answer a form that another site made, or that was open for too long."""
    return render_template("login.html", typed={}, error="The form was open for too long. Please try again."), 400


def refuse(refused: Refused) -> Response:
    """Answer what no view expects, such as a Gatehouse that is gone."""
    flash(str(refused))
    return go_to("home")


def add_headers(response: Response) -> Response:
    """Add the headers of every page; a style sheet may be kept."""
    response.headers.update(HEADERS)
    return response


def _timesheets(person: Person) -> tuple[list[dict[str, Any]], str]:
    found, problem = _call_api(person, "GET")
    return found or [], problem


def _call_api(person: Person, method: str, entry: dict[str, Any] | None = None) -> tuple[Any, str]:
    """Return the API's answer, or None and a sentence for the person."""
    url = current_app.config["TIMESHEETS_URL"]
    if not url:
        return None, ""
    try:
        if person.expires_at < time.time() + MARGIN_S:
            _refresh(person)
        bearer = {"Authorization": f"Bearer {person.access_token}"}
        answer = requests.request(method, f"{url}timesheets", json=entry, headers=bearer, timeout=API_TIMEOUT_S)
    except (Refused, requests.RequestException):
        return None, "The timesheets cannot be reached."
    if answer.status_code == FORBIDDEN:
        return None, "You may not do that."
    return (answer.json(), "") if answer.ok else (None, "The timesheets said no.")


def _refresh(person: Person) -> None:
    """Replace the tokens of a person; raises Refused if the login is over."""
    used = person.refresh_token
    with person.lock:
        if person.refresh_token != used:
            return
        tokens = gatehouse().refresh(used)
        person.access_token, person.scope = tokens["access_token"], tokens["scope"]
        person.refresh_token = tokens.get("refresh_token", used)
        person.expires_at = time.time() + tokens["expires_in"]
        person.claims = gatehouse().person_of(tokens["id_token"])

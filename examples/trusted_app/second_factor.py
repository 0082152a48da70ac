"""The second factor: one that a login owes, and one that a person adds."""

from typing import Any

import segno
from flask import Blueprint, flash, render_template, request
from werkzeug.wrappers import Response

from examples.trusted_app.gatehouse import Refused, SecondFactorOwed
from examples.trusted_app.sessions import Session, Step
from examples.trusted_app.visit import begin_step, finish_login, gatehouse, go_to, own_session, person_ip, typed

views = Blueprint("second_factor", __name__)

NAMES = {
    "otp": "Authenticator app",
    "phone": "Text message",
    "email": "Email",
    "recovery-code": "Recovery code",
}
CHANNELS = {"phone": "sms", "email": "email"}
GRANTS = {"otp": "mfa-otp", "phone": "mfa-oob", "email": "mfa-oob", "recovery-code": "mfa-recovery-code"}
OVER = "That took too long. Please log in again."


@views.get("/second-factor")
def show(error: str = "") -> Any:
    """Ask which factor, or for its code."""
    visitor = own_session()
    if not visitor or not visitor.step:
        return go_to("home")
    step = visitor.step
    if not step.kind and len(step.challenge) == 1 and not error:
        return _choose(visitor, step, step.challenge[0], "")
    picture = segno.make(step.barcode_uri, error="m").svg_data_uri(scale=5, light="#fff") if step.barcode_uri else ""
    status = 400 if error else 200
    return render_template("second_factor.html", step=step, names=NAMES, picture=picture, error=error), status


@views.post("/second-factor/choose")
def choose() -> Any:
    """Enrol the kind that was chosen, or have its code sent."""
    visitor = own_session()
    if not visitor or not visitor.step:
        return go_to("home")
    return _choose(visitor, visitor.step, typed("kind"), typed("to"))


@views.post("/second-factor/back")
def back() -> Response:
    """Show the choice again."""
    visitor = own_session()
    if visitor and visitor.step:
        visitor.step.kind = visitor.step.barcode_uri = visitor.step.secret = ""
    return go_to("second_factor.show")


@views.post("/second-factor/code")
def prove() -> Any:
    """Show Gatehouse the code, which ends the login, or adds the factor."""
    visitor = own_session()
    if not visitor or not visitor.step or not visitor.step.kind:
        return go_to("home")
    step = visitor.step
    try:
        tokens = gatehouse().prove(GRANTS[step.kind], step.token, _proof(step, typed("code")), person_ip())
    except SecondFactorOwed as owed:
        return begin_step(visitor, owed, step.adding)
    except Refused as refused:
        return _after_refusal(visitor, refused)
    if not step.adding:
        answer = finish_login(visitor.realm, visitor.username, tokens)
        _hand_over(step)
        return answer
    if step.challenge:
        # The login for the MFA API is complete, and its token enrols.
        visitor.step = Step(tokens["access_token"], ["otp"], [], adding=True)
        return _choose(visitor, visitor.step, "otp", "")
    visitor.step = None
    visitor.recovery_code = next(iter(step.recovery_codes), "")
    flash("Your app is added. It is asked for at your next login.")
    return go_to("me")


@views.route("/add-factor", methods=["GET", "POST"])
def add() -> Any:
    """Ask for the password again, and begin to add an authenticator app."""
    visitor = own_session()
    if not visitor or not visitor.person:
        return go_to("home")
    if request.method == "GET":
        return render_template("add_factor.html", error="")
    person = visitor.person
    try:
        tokens = gatehouse().log_in(
            person.realm, person.username, request.form.get("password", ""), person_ip(), for_factors=True
        )
    except SecondFactorOwed as owed:
        if owed.challenge:
            return begin_step(visitor, owed, adding=True)
        tokens = {"access_token": owed.mfa_token}
    except Refused as refused:
        return render_template("add_factor.html", error=str(refused)), 400
    visitor.step = Step(tokens["access_token"], ["otp"], [], adding=True)
    return _choose(visitor, visitor.step, "otp", "")


def _choose(visitor: Session, step: Step, kind: str, to: str) -> Any:
    """Enrol a kind, or ask for its code; `to` is a number or an address that is enrolled."""
    if kind not in (*step.enroll, *step.challenge):
        return show("Choose one of these.")
    try:
        if kind in step.enroll:
            _enrol(step, kind, to)
        elif kind in CHANNELS:
            channel = {"challenge_type": "oob", "oob_channel": CHANNELS[kind]}
            step.oob_code = gatehouse().challenge(step.token, channel, person_ip())["oob_code"]
    except Refused as refused:
        return _after_refusal(visitor, refused)
    step.kind = kind
    return go_to("second_factor.show")


def _enrol(step: Step, kind: str, to: str) -> None:
    if kind == "otp":
        asked: dict[str, Any] = {"authenticator_types": ["otp"]}
    else:
        name = "phone_number" if kind == "phone" else "email"
        asked = {"authenticator_types": ["oob"], "oob_channels": [CHANNELS[kind]], name: to}
    made = gatehouse().enrol(step.token, asked, person_ip())
    step.barcode_uri, step.secret = made.get("barcode_uri", ""), made.get("secret", "")
    step.oob_code = made.get("oob_code", "")
    step.recovery_codes = made.get("recovery_codes") or step.recovery_codes


def _proof(step: Step, code: str) -> dict[str, str]:
    match step.kind:
        case "otp":
            return {"otp": code.replace(" ", "")}
        case "recovery-code":
            return {"recovery_code": code}
    return {"oob_code": step.oob_code, "binding_code": code.replace(" ", "")}


def _after_refusal(visitor: Session, refused: Refused) -> Any:
    """Ask again, or for the password if the login under way is over."""
    if refused.code == "expired_token" or "mfa_token" in str(refused):
        visitor.step = None
        flash(OVER)
        return go_to("home")
    return show(str(refused))


def _hand_over(step: Step) -> None:
    """Show the recovery code of an enrolment, once, on the page that follows."""
    visitor = own_session()
    if visitor and step.recovery_codes:
        visitor.recovery_code = step.recovery_codes[0]

"""Sign up, verify an email, and set a new password: all by codes that Gatehouse mails."""

from typing import Any

from flask import Blueprint, flash, render_template, request, session

from examples.trusted_app.gatehouse import Refused
from examples.trusted_app.visit import gatehouse, go_to, person_ip, typed

views = Blueprint("accounts", __name__)

# Employees are made by their company.
OPEN_REALM = "customers"


@views.route("/sign-up", methods=["GET", "POST"])
def sign_up() -> Any:
    """Make an account for a customer."""
    if request.method == "GET":
        return render_template("sign_up.html", email="", error="")
    email = typed("email")
    try:
        gatehouse().sign_up(OPEN_REALM, email, request.form.get("password", ""), person_ip())
    except Refused as refused:
        return render_template("sign_up.html", email=email, error=str(refused)), 400
    session["email"], session["realm"] = email, OPEN_REALM
    flash("We have sent you an email with a code.")
    return go_to("accounts.verify")


@views.route("/verify", methods=["GET", "POST"])
def verify() -> Any:
    """Verify an email by its code."""
    if request.method == "GET":
        return render_template("verify.html", email=session.get("email", ""), error="")
    email, realm = typed("email"), session.get("realm", OPEN_REALM)
    try:
        if "again" in request.form:
            gatehouse().send_verification(realm, email, person_ip())
            flash("If there is an account to verify, we have sent a new code.")
            return go_to("accounts.verify")
        gatehouse().verify_email(realm, email, typed("code"), person_ip())
    except Refused as refused:
        return render_template("verify.html", email=email, error=str(refused)), 400
    flash("Your email is verified. You can log in.")
    return go_to("home")


@views.route("/forgotten", methods=["GET", "POST"])
def forgotten() -> Any:
    """Have a code mailed, with which a new password can be set."""
    if request.method == "GET":
        return render_template("forgotten.html", email="", realm=OPEN_REALM, error="")
    email, realm = typed("email"), typed("realm")
    try:
        gatehouse().send_reset(realm, email, person_ip())
    except Refused as refused:
        return render_template("forgotten.html", email=email, realm=realm, error=str(refused)), 400
    session["email"], session["realm"] = email, realm
    flash("If there is such an account, we have sent it an email with a code.")
    return go_to("accounts.reset")


@views.route("/reset", methods=["GET", "POST"])
def reset() -> Any:
    """Set a new password by the code."""
    if request.method == "GET":
        return render_template("reset.html", email=session.get("email", ""), error="")
    email, realm = typed("email"), session.get("realm", OPEN_REALM)
    try:
        gatehouse().reset_password(realm, email, typed("code"), request.form.get("password", ""), person_ip())
    except Refused as refused:
        return render_template("reset.html", email=email, error=str(refused)), 400
    flash("Your password is new. You can log in with it.")
    return go_to("home")

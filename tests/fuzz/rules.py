"""The rules of a fuzzed server: they cause answers that only rules can cause, if a request asks for them."""

from typing import Any


def require_second_factor(user: Any, context: Any) -> None:
    """Require a second factor of bob, unless he logs in to enrol one."""
    if user.email == "bob@example.com" and not context.request.body.get("audience", "").endswith("/mfa/"):
        context.multifactor = {"provider": "any"}


def do_as_asked(user: Any, context: Any) -> None:
    """Deny or redirect if a parameter says so that the server does not know."""
    if context.request.body.get("rule") == "deny":
        context.deny("Not you.")
    if context.request.body.get("rule") == "redirect":
        context.redirect = {"url": "https://example.com/"}


RULES = [require_second_factor, do_as_asked]

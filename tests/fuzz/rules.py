"""The rules of a fuzzed server: what only rules bring about, where a request or a person asks for it."""

from typing import Any


def require_second_factor(user: Any, context: Any) -> None:
    """Ask bob for a second factor, but where he enrols one."""
    if user.email == "bob@example.com" and not context.request.body.get("audience", "").endswith("/mfa/"):
        context.multifactor = {"provider": "any"}


def do_as_asked(user: Any, context: Any) -> None:
    """Deny or redirect by a parameter that the server itself does not know."""
    if context.request.body.get("rule") == "deny":
        context.deny("Not you.")
    if context.request.body.get("rule") == "redirect":
        context.redirect = {"url": "https://example.com/"}


RULES = [require_second_factor, do_as_asked]

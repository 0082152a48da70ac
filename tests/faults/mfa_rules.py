"""A team's rule that asks everybody who logs in for a second factor."""

from types import SimpleNamespace


def owes(_: SimpleNamespace, context: SimpleNamespace) -> None:
    if context.protocol == "oauth2-password":
        context.multifactor = {"provider": "any"}


RULES = [owes]

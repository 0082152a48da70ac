"""A team's rules, as the flows with rules have them: one that needs the settings and changes metadata every time."""

from types import SimpleNamespace


def greet(user: SimpleNamespace, context: SimpleNamespace) -> None:
    context.access_token["https://example.com/greeting"] = context.configuration["GREETING"]
    user.app_metadata["visits"] = user.app_metadata.get("visits", 0) + 1


RULES = [greet]

"""Check a stage's name: it is part of the names of the stage's tables, stacks, keys and functions."""

import re

STAGE = re.compile(r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*")
MAX_LENGTH = 32
# `gatehouse-dev-users-x` is a table of stage dev. The tables of a stage `dev-users` would begin with the same words,
# `gatehouse-dev-alarms` and `gatehouse-dev-waf` are stacks of stage dev, and `gatehouse-dev-events` and
# `gatehouse-dev-management` functions, as that of a stage's API is named after the stage alone.
TAKEN = ("alarms", "events", "management", "realm", "users", "waf")


class BadStageName(ValueError):
    """No stage can have this name; the message says why."""


def require_stage_name(name: str) -> str:
    """Return the name of a stage. Raises BadStageName if it is malformed, or its tables could be another stage's."""
    if len(name) > MAX_LENGTH or not STAGE.fullmatch(name):
        raise BadStageName(
            f"A stage's name is up to {MAX_LENGTH} lower-case letters, digits and single hyphens, "
            "and begins with a letter, such as dev or prod-eu."
        )
    taken = [part for part in name.split("-")[1:] if part in TAKEN]
    if taken:
        raise BadStageName(
            f"A stage's name holds no part `{taken[0]}`: "
            "its tables, stacks and functions could be those of another stage's realm, alarms, web ACL or functions."
        )
    return name

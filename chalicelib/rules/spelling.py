"""Names that a rule spells as JavaScript does, or nearly: `idToken` for `id_token`."""

from collections.abc import Iterable
from types import SimpleNamespace


def find_meant(name: object, members: Iterable[str]) -> str:
    """Return the member that a name is another spelling of, or "" if it is none or a member itself."""
    known = tuple(members)
    if not isinstance(name, str) or name in known:
        return ""
    return next((member for member in known if _flat(member) == _flat(name)), "")


def members_of(thing: object) -> tuple[str, ...]:
    """Return the attributes of an object among a rule's arguments; empty for any other object."""
    if isinstance(thing, SimpleNamespace):
        return tuple(vars(thing))
    return ("scope",) if isinstance(thing, dict) and hasattr(thing, "scope") else ()


def _flat(name: str) -> str:
    return name.replace("_", "").lower()

"""Copy the values that rules set, as JSON that no rule can change any more."""

import json
from typing import Any

from chalicelib.model.user import User
from chalicelib.rules.context import RuleArguments
from chalicelib.rules.faults import BadRule
from chalicelib.rules.loading import Rule

Metadata = dict[str, Any]
METADATA = ("app_metadata", "user_metadata")
MAX_METADATA_BYTES = 32 * 1024
MAX_METADATA_DEPTH = 32


def changed_metadata(arguments: RuleArguments, user: User) -> dict[str, Metadata]:
    """Return copies of a user's metadata that rules changed, by name; raises BadRule if it cannot be stored."""
    shown = arguments.user
    changed = [name for name in METADATA if getattr(shown, name) != getattr(user, name)]
    return {name: _metadata(name, getattr(shown, name)) for name in changed}


def _metadata(name: str, value: Any) -> Metadata:
    """Return a copy of changed metadata; raises BadRule if it is too large to store, or to copy at each login."""
    copied: Metadata = as_json(value, None, f"made {name} no JSON")
    if nesting(copied) > MAX_METADATA_DEPTH:
        raise BadRule(None, f"nested {name} deeper than {MAX_METADATA_DEPTH} levels")
    if len(json.dumps(copied, ensure_ascii=False).encode(errors="surrogatepass")) > MAX_METADATA_BYTES:
        raise BadRule(None, f"made {name} longer than 32 KiB")
    return copied


def nesting(value: Any) -> int:
    """Return how many levels of objects and lists there are, at most one more than MAX_METADATA_DEPTH."""
    level, depth = [value], 0
    while depth <= MAX_METADATA_DEPTH and (level := [one for one in level if isinstance(one, dict | list)]):
        level = [inner for one in level for inner in (one.values() if isinstance(one, dict) else one)]
        depth += 1
    return depth


def as_json(value: Any, rule: Rule | None, fault: str) -> Any:
    """Return a JSON copy of a value, which shares no object with it; raises BadRule with this fault."""
    try:
        return json.loads(json.dumps(value, allow_nan=False, ensure_ascii=False).encode())
    except (TypeError, ValueError, RecursionError):
        raise BadRule(rule, fault) from None

"""A part of a stage, and the names by which it is found."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from infra.stage.aws import Stage
from infra.stage.names import BadStageName, require_stage_name

# Chalice names the role of a function after it, and that of the API's function so.
ROLES = ("api_handler", "events", "help_desk", "management", "rotate_keys", "tell_blocked")
_CONFIG_TABLE = re.compile("gatehouse-(.+)-config")


@dataclass(frozen=True, slots=True)
class Part:
    """Something that a stage has. what: its kind and name. delete: deletes it; it does no harm twice."""

    what: str
    delete: Callable[[], object]


@dataclass(frozen=True, slots=True)
class Names:
    """The names that begin as a stage's do. others: the stages whose names begin so too, as `dev-eu` does for `dev`."""

    stage: str
    others: Sequence[str] = ()

    @classmethod
    def of(cls, stage: Stage, listed: Sequence[str]) -> "Names":
        """Return the names of a stage in its account. listed: the stages of the project."""
        pages = stage.clients.dynamodb.get_paginator("list_tables").paginate()
        found = [_CONFIG_TABLE.fullmatch(name) for page in pages for name in page["TableNames"]]
        known = {*listed, *(match[1] for match in found if match)}
        return cls(stage.name, [one for one in known if one.startswith(f"{stage.name}-") and _is_stage(one)])

    def has(self, name: str) -> bool:
        """Return whether a thing of this name is the stage's."""
        return _begins(name, self.stage) and not any(_begins(name, other) for other in self.others)

    def has_role(self, name: str) -> bool:
        """Return whether a role is the stage's. IAM has no Region, so another's may begin as its do."""
        return name.removeprefix(f"gatehouse-{self.stage}-") in ROLES

    def has_group(self, name: str) -> bool:
        """Return whether a log group is the stage's: `/aws/lambda/gatehouse-dev-...` or `/gatehouse/dev/...`."""
        return any(map(self.has, name.split("/"))) or name.startswith(f"/gatehouse/{self.stage}/")


def _begins(name: str, stage: str) -> bool:
    return f"{name}-".startswith(f"gatehouse-{stage}-")


def _is_stage(name: str) -> bool:
    try:
        require_stage_name(name)
    except BadStageName:
        return False
    return True

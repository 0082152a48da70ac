"""The options of `gatehouse up` for the web ACL before a stage's API."""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from infra.deploy.web_acl import protection_changes, protection_end
from infra.errors import OperatorError
from infra.stage.aws import Stage
from infra.stage.changes import PlannedChange
from infra.stage.cloudformation.web_acl import LOGIN_LIMIT, REQUEST_LIMIT, WebAcl
from infra.tenant.schema import TenantFile

# The highest limit of a rate rule.
MAX_LIMIT = 2_000_000_000
SETTINGS = ("--waf-requests", "--waf-logins", "--waf-account-takeover")


class AccountTakeover(StrEnum):
    """The form of the bodies that AWS's account-takeover rules read, or none for no such rules."""

    none = "none"
    form = "form"
    json = "json"


WafOption = Annotated[
    bool | None,
    typer.Option(
        "--waf/--no-waf",
        help="Put AWS WAF before the API, with rate rules on the token endpoint; or take it away. "
        "The plan shows its price. Without either, it stays as it is.",
        show_default=False,
    ),
]
WafRequests = Annotated[
    int,
    typer.Option(
        "--waf-requests", min=10, max=MAX_LIMIT, help="With --waf: token requests of one address in five minutes."
    ),
]
WafLogins = Annotated[
    int,
    typer.Option(
        "--waf-logins", min=10, max=MAX_LIMIT, help="With --waf: password grants of one address in five minutes."
    ),
]
WafAccountTakeover = Annotated[
    AccountTakeover,
    typer.Option(
        "--waf-account-takeover",
        help="With --waf: add AWS's account-takeover rules, for clients whose bodies have this form. They cost more.",
    ),
]


@dataclass(frozen=True, slots=True)
class Protection:
    """The options for the web ACL, as they were given. is_wanted: --waf, --no-waf, or None for neither."""

    is_wanted: bool | None
    requests: int
    logins: int
    takeover: AccountTakeover

    def changes(self, stage: Stage, project: Path, file: TenantFile, dry_run: bool) -> list[PlannedChange]:
        """Return what they change, and change it unless dry_run.

        Raises OperatorError if a setting of the web ACL is given without --waf, or if proxies stand before the API.
        """
        if not self.is_wanted:
            if self != Protection(self.is_wanted, REQUEST_LIMIT, LOGIN_LIMIT, AccountTakeover.none):
                raise OperatorError(f"{', '.join(SETTINGS)} are for --waf: give it too.")
            return [] if self.is_wanted is None else protection_end(stage, project, dry_run)
        allowlist = tuple(file.attack_protection.suspicious_ip_throttling.allowlist)
        wanted = WebAcl(self.requests, self.logins, self.takeover.value, allowlist)
        return protection_changes(stage, project, wanted, dry_run)

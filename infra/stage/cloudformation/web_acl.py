"""The stack of a stage's web ACL (infra/stage/waf.yaml): its settings, its price, and what `up` changes of it."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from ipaddress import ip_network
from typing import Literal

from infra.errors import OperatorError
from infra.stage.aws import Stage
from infra.stage.changes import PlannedChange
from infra.stage.cloudformation.stack_status import (
    StackFailed,
    Unsound,
    failure_lines,
    find_stack,
    settle,
    status_fault,
)
from infra.stage.cloudformation.stacks import TEMPLATES, Stack, stack_changes

# Of one address in five minutes.
REQUEST_LIMIT, LOGIN_LIMIT = 3_000, 600
# CloudFormation takes so many bytes of a parameter.
MAX_PARAMETER_BYTES = 4_096
# AWS's public prices in dollars, as of 2026-11 in us-east-1.
ACL_USD, RULE_USD, MILLION_USD = 5.00, 1.00, 0.60
TAKEOVER_USD, THOUSAND_LOGINS_USD = 10.00, 1.00
RATE_RULES = 2


@dataclass(frozen=True, slots=True)
class WebAcl:
    """The settings of a web ACL. request_limit, login_limit: of one address in five minutes.

    account_takeover: the form of the bodies that AWS's account-takeover rules read; "none" for no such rules.
    allowlist: the addresses and CIDR blocks that no rule counts.
    """

    request_limit: int = REQUEST_LIMIT
    login_limit: int = LOGIN_LIMIT
    account_takeover: Literal["none", "form", "json"] = "none"
    allowlist: tuple[str, ...] = ()

    def stack(self, stage: str) -> Stack:
        """Return the stack of a stage's web ACL. Raises OperatorError if its allowlist is too long."""
        parameters = {
            "Stage": stage,
            "RequestLimit": str(self.request_limit),
            "LoginLimit": str(self.login_limit),
            "AllowlistIpv4": ",".join(_blocks(self.allowlist, 4)),
            "AllowlistIpv6": ",".join(_blocks(self.allowlist, 6)),
            "AccountTakeover": self.account_takeover,
        }
        if max(map(len, parameters.values())) > MAX_PARAMETER_BYTES:
            raise OperatorError(
                "The allowlist of suspicious_ip_throttling is too long for --waf. Name larger blocks, or fewer."
            )
        return Stack(stack_name(stage), (TEMPLATES / "waf.yaml").read_text(), parameters)

    def price(self) -> list[str]:
        """Return lines with what it costs."""
        has_takeover = self.account_takeover != "none"
        rules = RATE_RULES + has_takeover
        month = ACL_USD + rules * RULE_USD + has_takeover * TAKEOVER_USD
        each = [f"${MILLION_USD:.2f} a million requests"]
        each += [f"${THOUSAND_LOGINS_USD:.2f} a thousand logins"] if has_takeover else []
        parts = [f"${ACL_USD:.0f} the web ACL", f"${RULE_USD:.0f} each of {rules} rules"]
        parts += [f"${TAKEOVER_USD:.0f} the account-takeover rules"] if has_takeover else []
        return [
            f"price: ${month:.2f} a month, and {', '.join(each)}",
            f"  a month: {', '.join(parts)}",
            "  as of 2026-11, us-east-1, AWS's public price list: check it for your Region",
        ]


def stack_name(stage: str) -> str:
    """Return the name of the stack of a stage's web ACL."""
    return f"gatehouse-{stage}-waf"


def acl_name(stage: str) -> str:
    """Return the name of a stage's web ACL, as the template gives it."""
    return f"gatehouse-{stage}"


def web_acl_changes(stage: Stage, wanted: WebAcl, dry_run: bool) -> list[PlannedChange]:
    """Return the changes that bring the web ACL to its settings, with the price, and make them unless dry_run.

    Raises Unsound, before anything is made, if its stack has a fault that this does not mend.
    """
    _require_usable(stage)
    changes = stack_changes(stage, wanted.stack(stage.name), dry_run)
    if not changes:
        return []
    first, *others = changes
    detail = "\n".join([*filter(None, [first.detail]), *wanted.price()])
    return [replace(first, detail=detail), *others]


def web_acl_deletion(stage: Stage, dry_run: bool) -> list[PlannedChange]:
    """Return the deletion of the web ACL's stack, if there is one, and delete it unless dry_run. Raises StackFailed.

    AWS deletes no web ACL that protects an API.
    """
    state = find_stack(stage.cloudformation, stack_name(stage.name))
    if state is None:
        return []
    if not dry_run:
        stage.cloudformation.delete_stack(StackName=state.id)
        settle(stage, state.id)
        left = find_stack(stage.cloudformation, state.id)
        if left:
            raise StackFailed(failure_lines(stage.cloudformation, state.name, left))
    return [PlannedChange("delete", f"stack {state.name}", "the web ACL before the API")]


def _require_usable(stage: Stage) -> None:
    state = find_stack(stage.cloudformation, stack_name(stage.name))
    faults = status_fault(stage.cloudformation, state) if state else []
    if faults:
        raise Unsound(faults)


def _blocks(allowlist: Iterable[str], version: int) -> list[str]:
    """Return the CIDR blocks of one version of IP. AWS WAF takes no /0: such a block is two halves."""
    blocks = [ip_network(text, strict=False) for text in allowlist]
    wanted = [block for block in blocks if block.version == version]
    return [str(part) for block in wanted for part in (block.subnets() if block.prefixlen == 0 else [block])]

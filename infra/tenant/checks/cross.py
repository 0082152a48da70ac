"""Run the cross-checks of a tenant file: they find the faults that no field shows alone."""

from collections.abc import Callable
from itertools import chain

from infra.tenant.checks.clients import client_checks
from infra.tenant.checks.partial import Findings, take_readable
from infra.tenant.checks.references import reference_checks
from infra.tenant.checks.sizes import size_checks
from infra.tenant.checks.token_sizes import token_size_checks
from infra.tenant.checks.unique import repetition_checks
from infra.tenant.checks.users import user_checks
from infra.tenant.faults import Fault
from infra.tenant.schema import TenantFile
from infra.tenant.yaml_lines import Document, Steps

CHECKS = (reference_checks, client_checks, size_checks, token_size_checks, user_checks)


def cross_faults(file: TenantFile, document: Document) -> list[Fault]:
    """Return the faults of all cross-checks, each with its line. A check ends at a field that cannot be read."""
    return [Fault(document.line(path), message) for path, message in cross_findings(file, document.line)]


def cross_findings(file: TenantFile, line: Callable[[Steps], int]) -> Findings:
    """Yield the path and the message of what the cross-checks find. line: returns the line of a path."""
    checks = chain(*(take_readable(checks(file)) for checks in CHECKS), repetition_checks(file, line))
    return (found for check in checks for found in take_readable(check))

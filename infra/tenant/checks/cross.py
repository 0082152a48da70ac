"""Run the cross-checks of a tenant file: they find the faults that no field shows alone."""

from itertools import chain

from infra.tenant.checks.clients import client_checks
from infra.tenant.checks.partial import take_readable
from infra.tenant.checks.references import reference_checks
from infra.tenant.checks.sizes import size_checks
from infra.tenant.checks.unique import repetition_checks
from infra.tenant.checks.users import user_checks
from infra.tenant.faults import Fault
from infra.tenant.schema import TenantFile
from infra.tenant.yaml_lines import Document

CHECKS = (reference_checks, client_checks, size_checks, user_checks)


def cross_faults(file: TenantFile, document: Document) -> list[Fault]:
    """Return the faults of all cross-checks, each with its line. A check ends at a field that cannot be read."""
    checks = chain(*(take_readable(checks(file)) for checks in CHECKS), repetition_checks(file, document.line))
    return [Fault(document.line(path), message) for check in checks for path, message in take_readable(check)]

"""Common rules, to copy from. They import nothing of Gatehouse.

Rules that deny come first, so that a refused login runs no others.
"""

from .access import allowed_addresses, mfa_for_client, office_hours, only_verified_emails
from .claims import first_client, roles_claim, scopes_by_role

RULES = [
    only_verified_emails,
    allowed_addresses,
    office_hours,
    mfa_for_client,
    scopes_by_role,
    roles_claim,
    first_client,
]

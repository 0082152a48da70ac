"""The rules that teams ask for most, as a team would keep them: copy what you need. They import nothing of Gatehouse.

They deny before they add, so that a refused login does no more than it has to.
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

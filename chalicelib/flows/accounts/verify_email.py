"""POST /accounts/verify_email: a person shows the code or the ticket of an email, so the email is theirs."""

from dataclasses import dataclass
from typing import Any

from chalicelib.accounts.outgoing import VERIFY
from chalicelib.accounts.proofs import EmailProofs
from chalicelib.flows.accounts.admission import Admission
from chalicelib.model.request import Request


@dataclass(slots=True, eq=False, repr=False)
class VerifyEmailFlow:
    """Answers whoever verifies an email."""

    admission: Admission
    proofs: EmailProofs

    def answer(self, request: Request) -> dict[str, Any]:
        """Verify the email, and make the account of a sign-up that waited for this. Raises InvalidGrant."""
        call = self.admission.admit(request)
        self.proofs.verify_email(self.admission.open_ticket(call, VERIFY), request.outcome)
        request.outcome.event = "sv"
        return {}

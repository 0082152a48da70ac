"""POST /accounts/reset_password: a person sets a new password by the code or the ticket of an email."""

from dataclasses import dataclass
from typing import Any

from chalicelib.accounts.outgoing import RESET
from chalicelib.accounts.proofs import EmailProofs
from chalicelib.flows.accounts.admission import Admission
from chalicelib.model.request import Request


@dataclass(slots=True, eq=False, repr=False)
class ResetPasswordFlow:
    """Answers whoever sets a new password."""

    admission: Admission
    proofs: EmailProofs

    def answer(self, request: Request) -> dict[str, Any]:
        """Set the password. Raises InvalidGrant, and InvalidPassword, after which the code still works."""
        call = self.admission.admit(request)
        password = call.request.require("password")
        self.proofs.reset_password(self.admission.open_ticket(call, RESET), password, call.request)
        request.outcome.event = "scp"
        return {}

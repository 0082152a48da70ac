"""POST /accounts/send_verification: a person has the email of a verification sent once more."""

from dataclasses import dataclass
from typing import Any

from chalicelib.accounts.outgoing import MailQueue
from chalicelib.flows.accounts.admission import Admission
from chalicelib.model.request import Request
from chalicelib.protection.calls import MAILS


@dataclass(slots=True, eq=False, repr=False)
class SendVerificationFlow:
    """Answers whoever waits for a verification's email."""

    admission: Admission
    mails: MailQueue

    def answer(self, request: Request) -> dict[str, Any]:
        """Return nothing, whoever has the email; nobody is looked up. Raises TooManyAttempts."""
        call = self.admission.admit(request)
        email = self.admission.read_email(call.request)
        self.admission.count(call, MAILS)
        self.mails.ask_verification(call.realm.name, email)
        request.outcome.event = "svr"
        return {}

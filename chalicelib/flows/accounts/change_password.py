"""POST /dbconnections/change_password: a person who forgot the password has an email sent."""

from dataclasses import dataclass

from chalicelib.accounts.outgoing import RESET, MailQueue
from chalicelib.flows.accounts.admission import Admission
from chalicelib.model.request import Request
from chalicelib.protection.calls import MAILS
from chalicelib.store.outgoing import OutgoingMail

SENT = "We've just sent you an email to reset your password."


@dataclass(slots=True, eq=False, repr=False)
class ChangePasswordFlow:
    """Answers whoever forgot a password."""

    admission: Admission
    mails: MailQueue

    def answer(self, request: Request) -> str:
        """Return the same words whoever has the email; nobody is looked up. Raises TooManyAttempts."""
        call = self.admission.admit(request)
        email = self.admission.read_email(call.request)
        self.admission.count(call, MAILS)
        if call.realm.password_reset.enabled:
            self.mails.request(OutgoingMail(RESET, call.realm.name, email))
        request.outcome.event = "scpr"
        return SENT

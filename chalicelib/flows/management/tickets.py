"""/tickets and /jobs/verification-email of the Management API: links for a backend to hand on, and an email."""

import secrets
from dataclasses import dataclass
from typing import Any

from pydantic import Field

from chalicelib.accounts.outgoing import MailQueue
from chalicelib.accounts.preparation import link_of
from chalicelib.accounts.tickets import Tickets, leads_to
from chalicelib.errors import InexistentUser, InvalidBody
from chalicelib.flows.management.admission import ManagementAdmission, note_change
from chalicelib.flows.management.bodies import Body, read_body
from chalicelib.flows.management.people import PeopleFinder, Person
from chalicelib.flows.management.shapes import iso_time
from chalicelib.model.clock import Clock
from chalicelib.model.request import Request
from chalicelib.store.outgoing import OutgoingMail
from chalicelib.store.tickets import RESET, VERIFY, TicketSubject

DAY_S = 86_400
# As Auth0 has it; 0 stands for it too.
DEFAULT_TTL_S = 5 * DAY_S
MAX_TTL_S = 30 * DAY_S
JOB_ID_BYTES = 8


class TicketRequest(Body):
    """The body of POST /tickets/email-verification. client_id: for Auth0's sake, ignored."""

    user_id: str
    client_id: str | None = None
    ttl_sec: int | None = Field(default=None, ge=0, le=MAX_TTL_S)
    result_url: str | None = None


class ResetRequest(Body):
    """The body of POST /tickets/password-change: user_id, or email with connection_id."""

    user_id: str | None = None
    email: str | None = None
    connection_id: str | None = None
    client_id: str | None = None
    ttl_sec: int | None = Field(default=None, ge=0, le=MAX_TTL_S)
    mark_email_as_verified: bool | None = None
    result_url: str | None = None


class JobRequest(Body):
    """The body of POST /jobs/verification-email."""

    user_id: str
    client_id: str | None = None


@dataclass(slots=True, eq=False, repr=False)
class TicketsFlow:
    """Makes tickets and jobs. Each ticket takes the place of an earlier one of its purpose and email."""

    admission: ManagementAdmission
    finder: PeopleFinder
    tickets: Tickets
    mails: MailQueue
    clock: Clock

    def reset_password(self, request: Request) -> dict[str, Any]:
        """Return a link by which a person chooses a new password, whatever the realm lets people ask for."""
        self.admission.admit(request, "create:user_tickets")
        body = read_body(ResetRequest, request.body)
        return self._issue(request, RESET, self._find(request, body), body)

    def verify_email(self, request: Request) -> dict[str, Any]:
        """Return a link that verifies a person's email."""
        self.admission.admit(request, "create:user_tickets")
        body = read_body(TicketRequest, request.body)
        return self._issue(request, VERIFY, self.finder.of_request(request, body.user_id), body)

    def mail_verification(self, request: Request) -> dict[str, Any]:
        """Queue the email that verifies a person's address, within the bounds of such emails; return the job."""
        self.admission.admit(request, "update:users")
        person = self.finder.of_request(request, read_body(JobRequest, request.body).user_id)
        self.mails.request(OutgoingMail(VERIFY, person.realm.name, _email(person)))
        note_change(request, person.realm.name, person.user.user_id)
        job_id, made_at = f"job_{secrets.token_hex(JOB_ID_BYTES)}", iso_time(self.clock.now_s())
        return {"id": job_id, "type": "verification_email", "status": "pending", "created_at": made_at}

    def _issue(
        self, request: Request, purpose: str, person: Person, body: TicketRequest | ResetRequest
    ) -> dict[str, Any]:
        realm, user = person.realm, person.user
        # Nobody has shown yet that the email is theirs: the link may be handed on in any way.
        verifies = purpose == VERIFY or bool(isinstance(body, ResetRequest) and body.mark_email_as_verified)
        result_url = body.result_url or ""
        if result_url and not leads_to(result_url, realm.result_hosts):
            raise InvalidBody("result_url must be an https URL of a host that stands in result_hosts of the realm.")
        subject = TicketSubject(
            purpose,
            realm.name,
            user.user_id,
            _email(person),
            user.credential_version,
            verifies=verifies,
            result_url=result_url,
        )
        issued = self.tickets.issue(subject, body.ttl_sec or DEFAULT_TTL_S)
        note_change(request, realm.name, user.user_id)
        return {"ticket": link_of(purpose, realm, request.issuer).replace("{ticket}", issued.ticket)}

    def _find(self, request: Request, body: ResetRequest) -> Person:
        """Return the person of a body; raises InvalidBody, InexistentUser."""
        if body.user_id is not None:
            return self.finder.of_request(request, body.user_id)
        realm = self.finder.realm(body.connection_id or "")
        if body.email is None or realm is None:
            raise InvalidBody("user_id is missing, or email with the connection_id of a realm.")
        people = self.finder.named(body.email, ("email",), [realm])
        if not people:
            raise InexistentUser
        return people[0]


def _email(person: Person) -> str:
    if not person.user.email:
        raise InvalidBody("The user has no email.")
    return person.user.email

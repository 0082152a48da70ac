"""The endpoints of accounts that people make and mend themselves, and what sends their emails."""

from chalicelib.accounts.passwords import NewPasswords
from chalicelib.accounts.preparation import MailPreparation
from chalicelib.accounts.proofs import EmailProofs
from chalicelib.accounts.tickets import Tickets
from chalicelib.flows.accounts.admission import Admission
from chalicelib.flows.accounts.change_password import ChangePasswordFlow
from chalicelib.flows.accounts.links import LinkFlow
from chalicelib.flows.accounts.reset_password import ResetPasswordFlow
from chalicelib.flows.accounts.send_verification import SendVerificationFlow
from chalicelib.flows.accounts.sign_up import SignUpFlow
from chalicelib.flows.accounts.verify_email import VerifyEmailFlow
from chalicelib.flows.mails import MailFlow
from chalicelib.model.tenant import Realm
from chalicelib.protection.codes import CodeGuard
from chalicelib.protection.mails import StageMailLimit
from chalicelib.settings import Settings
from chalicelib.store.code_attempts import AllowanceStore
from chalicelib.store.people.user_records import UserRecords
from chalicelib.store.people.users import UserStore
from chalicelib.store.tickets import TicketStore
from chalicelib.wiring.externals import Externals
from chalicelib.wiring.parts import Parts
from chalicelib.wiring.stores import Stores

# The services of accounts, each of a class of its own.
AccountServices = tuple[
    SignUpFlow, ChangePasswordFlow, ResetPasswordFlow, VerifyEmailFlow, SendVerificationFlow, LinkFlow, MailFlow
]


def make_account_services(settings: Settings, externals: Externals, stores: Stores, parts: Parts) -> AccountServices:
    """Return the services of accounts. Without a sender, no email is queued."""
    dynamo, clock, mac, config = stores.dynamo, externals.clock, stores.key.mac, stores.config
    allowances = AllowanceStore(dynamo, stores.attempts_table)
    mails, queue = parts.mails, parts.mails.store
    tickets = Tickets(dynamo, TicketStore(dynamo, stores.sessions_table), mac, clock)
    passwords = NewPasswords(config.tenant, externals.range_api, settings.bcrypt_cost)
    admission = Admission(parts.authenticator, config, parts.calls, CodeGuard(allowances, mac, clock), tickets, mac)

    def records_of(realm: Realm) -> UserRecords:
        return UserRecords(dynamo, realm.users_table)

    def users_of(realm: Realm) -> UserStore:
        return UserStore(dynamo, realm.users_table)

    proofs = EmailProofs(config, records_of, tickets, passwords, stores.attempts, queue)
    limit = StageMailLimit(allowances, dynamo.commit, lambda: config.tenant().mfa, clock)
    preparation = MailPreparation(config, users_of, tickets, settings.issuer)
    return (
        SignUpFlow(admission, records_of, passwords, mails, allowances, externals.verify, clock),
        ChangePasswordFlow(admission, mails),
        ResetPasswordFlow(admission, proofs),
        VerifyEmailFlow(admission, proofs),
        SendVerificationFlow(admission, mails),
        LinkFlow(config, tickets, proofs, parts.calls),
        MailFlow(settings.issuer, queue, preparation, limit, parts.mailer, clock),
    )

"""POST /dbconnections/signup: a person makes an account. Source: docs/use/accounts.md, as Auth0 has it."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from chalicelib.accounts.outgoing import SIGN_UP, MailQueue
from chalicelib.accounts.passwords import NewPasswords
from chalicelib.accounts.sign_up import ID_BYTES, read_fields, render
from chalicelib.errors import InvalidSignup, SignupDisabled, UsernameExists
from chalicelib.flows.accounts.admission import Admission, AdmittedCall
from chalicelib.model.account import Account
from chalicelib.model.bucket import Bucket
from chalicelib.model.clock import Clock
from chalicelib.model.request import Request
from chalicelib.model.tenant import Realm
from chalicelib.model.user import User
from chalicelib.protection.calls import SIGN_UPS
from chalicelib.store.code_attempts import Allowance, AllowanceStore
from chalicelib.store.outgoing import OutgoingMail
from chalicelib.store.people.user_records import IdentifierTaken, UserRecords

EMAIL_KIND, ANY_KIND = ("email",), ("email", "username")
# For so long a sign-up that is sent again finds the account that it made, if its answer was lost.
RETRY_S = 600
# How often. Each time the password is compared, so this is also how often it can be guessed.
RETRIES = Bucket(5, RETRY_S * 1000)


@dataclass(slots=True, eq=False, repr=False)
class SignUpFlow:
    """Answers sign-ups. records_of: returns a realm's records. verify: checks a password against its stored form."""

    admission: Admission
    records_of: Callable[[Realm], UserRecords]
    passwords: NewPasswords
    mails: MailQueue
    allowances: AllowanceStore
    verify: Callable[[str, str], bool]
    clock: Clock

    def answer(self, request: Request) -> dict[str, Any]:
        """Return the new account.

        If the realm asks for verified email, nobody is looked up, and nothing but the email is stored. So known and
        unknown people get the same answer by the same work. The email's code or ticket makes the account.
        Raises SignupDisabled, InvalidPassword, TooManyAttempts; in other realms InvalidSignup and UsernameExists too.
        """
        call = self.admission.admit(request)
        realm, request = call.realm, call.request
        if not realm.signup.enabled:
            raise SignupDisabled
        self.admission.read_email(request)
        fields, password = read_fields(request, realm), request.require("password")
        self.admission.count(call, SIGN_UPS)
        user = User(user_id=f"{realm.name}|{secrets.token_hex(ID_BYTES)}", **fields)
        if realm.signup.requires_verified_email:
            hashed = self.passwords.hash(password, user, realm, request.outcome.warnings.append)
            values = {"fields": fields | {"password_hash": hashed}}
            self.mails.request(OutgoingMail(SIGN_UP, realm.name, user.email, user.user_id, values))
        else:
            user = self._create(call, user, password)
        request.outcome.event = "ss"
        return render(user)

    def _create(self, call: AdmittedCall, user: User, password: str) -> User:
        """Return the user who is made, or whom the same sign-up made before."""
        realm, records = call.realm, self.records_of(call.realm)
        if self._is_taken(records, user):
            return self._find_made(realm, user, password)
        now = self.clock.now_s()
        hashed = self.passwords.hash(password, user, realm, call.request.outcome.warnings.append)
        made = replace(user, password_hash=hashed, created_at=now, updated_at=now)
        try:
            records.create(made)
        except IdentifierTaken:
            return self._find_made(realm, user, password)
        call.request.outcome.user = made.user_id
        self.mails.ask_verification(realm.name, made.email)
        return made

    def _is_taken(self, records: UserRecords, user: User) -> bool:
        return any(records.users.locate(name, ANY_KIND) for name in (user.email, user.username) if name)

    def _find_made(self, realm: Realm, user: User, password: str) -> User:
        """Return the account of the same sign-up, whose answer was lost; raises InvalidSignup, UsernameExists.

        The password is compared a few times only, and only while nobody has logged in yet.
        """
        records = self.records_of(realm)
        user_id = records.users.locate(user.email, EMAIL_KIND)
        if user_id is None:
            raise UsernameExists
        found = records.users.read(user_id)
        if found is None or not self._is_same(realm, found, user, password):
            raise InvalidSignup
        self.mails.ask_verification(realm.name, found.email)
        return found

    def _is_same(self, realm: Realm, found: User, user: User, password: str) -> bool:
        is_fresh = found.created_at > self.clock.now_s() - RETRY_S and not (
            found.last_login or found.last_password_reset
        )
        if not is_fresh or render(found) | {"_id": ""} != render(user) | {"_id": ""}:
            return False
        account = Account(realm.name, found.user_id)
        allowance = Allowance(f"sign-up#{account.key}", "retries", RETRIES)
        return not self.allowances.take(allowance, self.clock.now_ms()) and self.verify(password, found.password_hash)

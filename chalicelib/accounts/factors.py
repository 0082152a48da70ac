"""Reset the second factors of a user, as operators, backends and the help desk do."""

from chalicelib.model.account import Account
from chalicelib.model.enrolment import Enrolment
from chalicelib.model.user import User
from chalicelib.store.attempts import AttemptStore
from chalicelib.store.people.enrolments import EnrolmentStore


def reset_factors(enrolments: EnrolmentStore, attempts: AttemptStore, user: User, before: Enrolment) -> None:
    """Remove all factors and the recovery code of a user, and forget the counts of codes and messages.

    Logins that wait for a second factor and access tokens of the MFA API end. before: the enrolment as it was read.
    Raises ConditionFailed if the user or the enrolment has changed since.
    """
    enrolments.reset(user, before)
    attempts.clear_codes(Account(enrolments.realm.name, user.user_id))

"""Look at who moved from a legacy store, and at whose attempts are counted."""

from chalicelib.identifiers import digest
from chalicelib.model.account import Account
from chalicelib.model.user import User
from chalicelib.store.attempts import AttemptStore
from infra.stage.aws import Stage
from infra.stage.keys import stage_key
from tests.support.attempts import sum_of_counts
from tests.support.people import PeopleMaker

WRONG = {"error": "invalid_grant", "error_description": "Wrong email or password."}


def count_attempts(stage: Stage, name: str) -> tuple[int, int]:
    """Return how many attempts at a name that nobody has are counted, and how many of them as failed."""
    attempts = AttemptStore(stage.dynamo, f"{stage.prefix}attempts")
    account = Account("employees", f"name:{digest(name, stage_key(stage).mac)}")
    return sum_of_counts(attempts.item(attempts.key_of(account)))


def find_moved(people: PeopleMaker, email: str) -> User:
    return people.of("employees").find(email)


def is_unknown(people: PeopleMaker, email: str) -> bool:
    return people.of("employees").users.locate(email, ("username", "email")) is None

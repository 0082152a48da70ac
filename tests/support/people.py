"""Make users for one test."""

import itertools
from dataclasses import dataclass, field
from typing import Any

from chalicelib.model.user import User
from infra.stage.aws import Stage
from infra.stage.people import People

PASSWORD = "correct horse battery staple"
_numbers = itertools.count(1)


@dataclass
class PeopleMaker:
    """Makes users with names that no other test has."""

    stage: Stage
    bcrypt_cost: int
    made: list[User] = field(default_factory=list)

    def of(self, realm: str) -> People:
        """Return the tools' access to the users of a realm."""
        return People.of(self.stage, realm, self.bcrypt_cost)

    def make(self, realm: str = "employees", password: str | None = PASSWORD, **fields: Any) -> User:
        """Make a user, with a new username and email unless fields name them."""
        number = next(_numbers)
        given = {"username": f"person{number}", "email": f"person{number}@example.com"} if realm == "employees" else {}
        given = given or {"email": f"person{number}@example.com"}
        user = self.of(realm).add(password=password, password_hash=fields.pop("password_hash", None), **given | fields)
        self.made.append(user)
        return user

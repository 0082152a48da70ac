"""Finds the person of an access token."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from chalicelib.directories.dynamodb import DynamoDirectory
from chalicelib.errors import InvalidToken
from chalicelib.model.tenant import Realm
from chalicelib.model.user import User
from chalicelib.store.config import ConfigStore


@dataclass(frozen=True, slots=True)
class PersonFinder:
    """Looks in the realms of the token's client."""

    config: ConfigStore
    directory_of: Callable[[Realm], DynamoDirectory]

    def find(self, claims: dict[str, Any]) -> tuple[Realm, User]:
        """Return the token's person, fresh, and their realm; raises InvalidToken where they are gone or blocked."""
        client = self.config.client(claims["client_id"])
        own_realm = claims["sub"].partition("|")[0]
        # A user_id begins with its realm, so one read finds the person; those who kept an imported one are looked for.
        for name in sorted(client.realms if client else (), key=lambda name: name != own_realm):
            realm = self.config.realm(name)
            user = self.directory_of(realm).read(claims["sub"]) if realm else None
            if realm and user and not user.blocked:
                return realm, user
        raise InvalidToken(reason="the user is gone or blocked")


def bearer(authorization: str) -> str:
    """Return the token of an Authorization header; raises InvalidToken where there is none (RFC 6750 2.1)."""
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise InvalidToken(reason="no access token", is_missing=True)
    return token.strip()

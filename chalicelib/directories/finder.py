"""Find the user of an access token."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from chalicelib.errors import InvalidToken
from chalicelib.model.credential_state import CredentialState
from chalicelib.model.directory import Directory
from chalicelib.model.tenant import Client, Realm
from chalicelib.model.user import User
from chalicelib.store.configuration.config import ConfigStore
from chalicelib.store.dynamo import Dynamo
from chalicelib.store.revocations import RevocationStore


@dataclass(slots=True, eq=False, repr=False)
class UserFinder:
    """Finds a token's user in its realm, if the token's client may still use that realm."""

    dynamo: Dynamo
    config: ConfigStore
    revocations: RevocationStore
    directory_of: Callable[[Realm], Directory]

    def find(self, claims: dict[str, Any]) -> tuple[Realm, User]:
        """Return the token's user, freshly read, and their realm.

        Raises InvalidToken if the client or the user is gone, or the user is blocked or has a new password. For a token
        of the MFA API, any change of credentials counts. The first realm that has the user_id decides: the same ID in
        another realm is another user.
        """
        client, state = self.config.client(claims["client_id"]), CredentialState.of(claims)
        if client is None or state is None:
            raise InvalidToken(reason="the client is gone, or the token is its own")
        for name in self._realms_to_search(state, client):
            realm = self.config.realm(name)
            user = self._read(realm, state, client) if realm else None
            if realm and user:
                _require_unchanged(state, user)
                return realm, user
        raise InvalidToken(reason="the user is gone")

    def _read(self, realm: Realm, state: CredentialState, client: Client) -> User | None:
        """Return the user's record, in one call; for a token of the MFA API, with the count of revocations."""
        user_read = self.directory_of(realm).read_of(state.sub)
        if not state.is_on_credentials:
            return self.dynamo.read(user_read)
        user, count = self.dynamo.read_all(user_read, self.revocations.read_of(realm.name, client.client_id))
        return replace(user, revocations=count) if user else None

    def _realms_to_search(self, state: CredentialState, client: Client) -> list[str]:
        """Return the realms to look in: the one that the token names, or that its user_id begins with.

        Tokens of imported user_ids from before tokens named the realm are looked for in each of the client's.
        """
        named = state.realm or state.sub.partition("|")[0]
        if state.realm or self.config.realm(named):
            return [named] if named in client.realms else []
        return sorted(client.realms)


def _require_unchanged(state: CredentialState, user: User) -> None:
    if user.blocked:
        raise InvalidToken(reason="the user is blocked")
    if not state.holds_for(user):
        raise InvalidToken(reason="the user was changed after the login")


def bearer(authorization: str) -> str:
    """Return the token of an Authorization header; raises InvalidToken if there is none (RFC 6750 2.1)."""
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise InvalidToken(reason="no access token", is_missing=True)
    return token.strip()

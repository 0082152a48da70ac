"""Find the user of an access token."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from chalicelib.errors import InvalidToken
from chalicelib.model.credential_state import CredentialState
from chalicelib.model.directory import Directory
from chalicelib.model.storage import Read
from chalicelib.model.tenant import Client, Realm
from chalicelib.model.user import Credentials, User, with_profile
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

    def find(self, claims: dict[str, Any]) -> tuple[Realm, Credentials]:
        """Return the token's user, freshly read, and their realm.

        Raises InvalidToken if the client or the user is gone, or the user is blocked or has a new password. For a token
        of the MFA API, any change of credentials counts. No realm is read but the token's own.
        """
        return self._find(claims, has_profile=False)

    def find_with_profile(self, claims: dict[str, Any]) -> User:
        """Return the token's user with the profile, as `find` does."""
        _, user = self._find(claims, has_profile=True)
        return with_profile(user)

    def _find(self, claims: dict[str, Any], has_profile: bool) -> tuple[Realm, Credentials]:
        client, state = self.config.client(claims["client_id"]), CredentialState.of(claims)
        if client is None or state is None:
            raise InvalidToken(reason="the client is gone, or the token is its own")
        realm = self.config.realm(state.realm) if state.realm in client.realms else None
        user = self._read(realm, state, client, has_profile) if realm else None
        if realm is None or user is None:
            raise InvalidToken(reason="the user is gone, or the realm is not the client's")
        _require_unchanged(state, user)
        return realm, user

    def _read(self, realm: Realm, state: CredentialState, client: Client, has_profile: bool) -> Credentials | None:
        """Return the user, in one call; for a token of the MFA API, with the count of revocations."""
        directory = self.directory_of(realm)
        user_read: Read[Credentials | None] = (directory.read_of if has_profile else directory.credentials_of)(
            state.sub
        )
        if not state.is_on_credentials:
            return self.dynamo.read(user_read) or directory.find(state.sub)
        found, count = self.dynamo.read_all(user_read, self.revocations.read_of(realm.name, client.client_id))
        user = found or directory.find(state.sub)
        return replace(user, revocations=count) if user else None


def _require_unchanged(state: CredentialState, user: Credentials) -> None:
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

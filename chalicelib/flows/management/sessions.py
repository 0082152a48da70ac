"""The refresh tokens of a person in the Management API. A session is a family of them: there are no others."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from chalicelib.accounts.changes import AccountChanges
from chalicelib.flows.management.admission import ManagementAdmission, note_change
from chalicelib.flows.management.paging import read_page
from chalicelib.flows.management.people import PeopleFinder
from chalicelib.flows.management.shapes import iso_time
from chalicelib.model.family import RefreshFamily
from chalicelib.model.request import Request
from chalicelib.model.tenant import Realm, RefreshTokenPolicy
from chalicelib.store.configuration.config import ConfigStore

Answer = dict[str, Any] | list[Any]


@dataclass(slots=True, eq=False, repr=False)
class SessionsFlow:
    """Answers for refresh tokens and sessions."""

    admission: ManagementAdmission
    finder: PeopleFinder
    changes_of: Callable[[Realm], AccountChanges]
    config: ConfigStore

    def list_tokens(self, request: Request) -> Answer:
        """Return the live families of a person's refresh tokens."""
        self.admission.admit(request, "read:refresh_tokens")
        return self._list(request, "tokens", self._token)

    def end_tokens(self, request: Request) -> None:
        """End all refresh tokens of a person, and what waits for a second factor."""
        self._end(request, "delete:refresh_tokens")

    def list_sessions(self, request: Request) -> Answer:
        """Return the same families as sessions."""
        self.admission.admit(request, "read:sessions")
        return self._list(request, "sessions", _session)

    def end_sessions(self, request: Request) -> None:
        """Do the same as `end_tokens`."""
        self._end(request, "delete:sessions")

    def _list(self, request: Request, name: str, shape: Callable[[RefreshFamily], dict[str, Any]]) -> Answer:
        person = self.finder.of_path(request)
        families = self.changes_of(person.realm).live_families(person.user)
        # These lists have no pages by number at Auth0.
        page = read_page({"take": "50", **request.query})
        return page.show_of(name, families, lambda family: family.key.family_id, shape)

    def _end(self, request: Request, scope: str) -> None:
        self.admission.admit(request, scope)
        person = self.finder.of_path(request)
        self.changes_of(person.realm).end_families(person.user)
        note_change(request, person.realm.name, person.user.user_id)

    def _token(self, family: RefreshFamily) -> dict[str, Any]:
        client = self.config.client(family.client_id)
        policy = client.refresh_token if client else RefreshTokenPolicy()
        ends_at = family.ends_unused_at(policy)
        api = [{"audience": family.audience, "scopes": " ".join(family.scopes)}] if family.audience else []
        return {
            "id": family.key.family_id,
            "user_id": family.key.user_id,
            "client_id": family.client_id,
            "session_id": None,
            "rotating": policy.is_rotating,
            "created_at": iso_time(family.created_at),
            "last_exchanged_at": iso_time(family.last_used_at),
            **({"idle_expires_at": iso_time(ends_at)} if ends_at else {}),
            **({"expires_at": iso_time(family.ends_at)} if family.ends_at else {}),
            "device": {"initial_ip": family.created_ip, "last_ip": family.last_used_ip},
            "resource_servers": api,
        }


def _session(family: RefreshFamily) -> dict[str, Any]:
    return {
        "id": family.key.family_id,
        "user_id": family.key.user_id,
        "created_at": iso_time(family.created_at),
        "updated_at": iso_time(family.last_used_at),
        "authenticated_at": iso_time(family.auth_time),
        **({"expires_at": iso_time(family.ends_at)} if family.ends_at else {}),
        "device": {"initial_ip": family.created_ip, "last_ip": family.last_used_ip},
        "clients": [{"client_id": family.client_id}],
    }

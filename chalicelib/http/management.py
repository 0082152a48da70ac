"""The routes of the Management API, and its errors in Auth0's form."""

from collections.abc import Callable
from functools import partial
from http import HTTPStatus
from typing import Any, Protocol, TypeVar

from chalicelib.errors import WireError
from chalicelib.flows.management.admission import ManagementAdmission
from chalicelib.flows.management.blocks import BlocksFlow
from chalicelib.flows.management.configuration import ConfigurationFlow
from chalicelib.flows.management.factors import FactorsFlow
from chalicelib.flows.management.roles import RolesFlow
from chalicelib.flows.management.sessions import SessionsFlow
from chalicelib.flows.management.tickets import TicketsFlow
from chalicelib.flows.management.users import UsersFlow
from chalicelib.http.application import Application
from chalicelib.http.routes import BEARER, DELETE, GET, NO_CONTENT, POST, Caller, Route
from chalicelib.http.wire import NO_STORE, Body, Reply
from chalicelib.model.request import Request

PATCH = ("PATCH",)
CREATED = 201
# The log code of a change that failed.
FAILED = "fapi"


def error_reply(error: WireError) -> Reply:
    """Return an error in the form of Auth0's Management API, with OAuth's description beside it."""
    body = {
        "statusCode": error.status,
        "error": HTTPStatus(error.status).phrase,
        "message": error.description,
        "errorCode": error.error,
        "error_description": error.description,
    }
    return Reply(body, error.status, {**NO_STORE, **error.headers})


# A backend with an access token of its own. Its lists take a client_id as a filter.
MANAGER = Caller(BEARER, error_reply=error_reply, in_links=frozenset({"client_id"}))


class Audited(Protocol):
    """A service whose changes are audited."""

    @property
    def admission(self) -> ManagementAdmission:
        """The admission of its requests."""


A = TypeVar("A", bound=Audited)


def _change(
    path: str, methods: tuple[str, ...], service: type[A], answer: Callable[[A, Request], Body], status: int = 200
) -> Route[A]:
    """Return the row of a change. Its result is written into the audit log."""

    def audited(changing: A, request: Request) -> Body:
        try:
            body = answer(changing, request)
        except Exception as failure:
            error = failure.error if isinstance(failure, WireError) else type(failure).__name__
            changing.admission.note_result(request, error)
            raise
        changing.admission.note_result(request)
        return body

    return Route(path, methods, service, audited, MANAGER, event=FAILED, status=status)


def _removal(path: str, service: type[A], answer: Callable[[A, Request], None]) -> Route[A]:
    """Return the row of a DELETE, whose answer is empty."""
    return _change(path, DELETE, service, answer, NO_CONTENT)


def _creation(path: str, answer: Callable[[TicketsFlow, Request], dict[str, Any]]) -> Route[TicketsFlow]:
    """Return the row of a ticket or a job that is made."""
    return _change(path, POST, TicketsFlow, answer, CREATED)


def _assignment(path: str, answer: Callable[[RolesFlow, Request], None]) -> Route[RolesFlow]:
    """Return the row of a POST that gives roles or permissions, whose answer is empty."""
    return _change(path, POST, RolesFlow, answer, NO_CONTENT)


ROUTES = (
    Route("/api/v2/users", GET, UsersFlow, UsersFlow.list_users, MANAGER),
    _change("/api/v2/users", POST, UsersFlow, UsersFlow.create, CREATED),
    Route("/api/v2/users-by-email", GET, UsersFlow, UsersFlow.list_by_email, MANAGER),
    Route("/api/v2/users/{id}", GET, UsersFlow, UsersFlow.show, MANAGER),
    _change("/api/v2/users/{id}", PATCH, UsersFlow, UsersFlow.update),
    _removal("/api/v2/users/{id}", UsersFlow, UsersFlow.delete),
    Route("/api/v2/users/{id}/authenticators", GET, FactorsFlow, FactorsFlow.list_authenticators, MANAGER),
    _removal("/api/v2/users/{id}/authenticators", FactorsFlow, FactorsFlow.remove),
    Route("/api/v2/users/{id}/authentication-methods", GET, FactorsFlow, FactorsFlow.list_methods, MANAGER),
    Route("/api/v2/users/{id}/enrollments", GET, FactorsFlow, FactorsFlow.list_enrollments, MANAGER),
    _change("/api/v2/users/{id}/recovery-code-regeneration", POST, FactorsFlow, FactorsFlow.renew_recovery_code),
    Route("/api/v2/users/{id}/refresh-tokens", GET, SessionsFlow, SessionsFlow.list_tokens, MANAGER),
    _removal("/api/v2/users/{id}/refresh-tokens", SessionsFlow, SessionsFlow.end_tokens),
    Route("/api/v2/users/{id}/sessions", GET, SessionsFlow, SessionsFlow.list_sessions, MANAGER),
    _removal("/api/v2/users/{id}/sessions", SessionsFlow, SessionsFlow.end_sessions),
    Route("/api/v2/user-blocks", GET, BlocksFlow, BlocksFlow.show_named, MANAGER),
    _removal("/api/v2/user-blocks", BlocksFlow, BlocksFlow.lift_named),
    Route("/api/v2/user-blocks/{id}", GET, BlocksFlow, BlocksFlow.show, MANAGER),
    _removal("/api/v2/user-blocks/{id}", BlocksFlow, BlocksFlow.lift),
    Route("/api/v2/anomaly/blocks/ips/{ip}", GET, BlocksFlow, BlocksFlow.check_address, MANAGER),
    _removal("/api/v2/anomaly/blocks/ips/{ip}", BlocksFlow, BlocksFlow.lift_address),
    _creation("/api/v2/tickets/password-change", TicketsFlow.reset_password),
    _creation("/api/v2/tickets/email-verification", TicketsFlow.verify_email),
    _creation("/api/v2/jobs/verification-email", TicketsFlow.mail_verification),
    Route("/api/v2/users/{id}/roles", GET, RolesFlow, RolesFlow.list_of_user, MANAGER),
    _assignment("/api/v2/users/{id}/roles", RolesFlow.add_to_user),
    _removal("/api/v2/users/{id}/roles", RolesFlow, RolesFlow.remove_from_user),
    Route("/api/v2/users/{id}/permissions", GET, RolesFlow, RolesFlow.list_permissions_of_user, MANAGER),
    _assignment("/api/v2/users/{id}/permissions", RolesFlow.add_permissions),
    _removal("/api/v2/users/{id}/permissions", RolesFlow, RolesFlow.remove_permissions),
    Route("/api/v2/roles", GET, RolesFlow, RolesFlow.list_roles, MANAGER),
    Route("/api/v2/roles/{id}", GET, RolesFlow, RolesFlow.show, MANAGER),
    Route("/api/v2/roles/{id}/permissions", GET, RolesFlow, RolesFlow.list_permissions, MANAGER),
    Route("/api/v2/roles/{id}/users", GET, RolesFlow, RolesFlow.list_members, MANAGER),
    _assignment("/api/v2/roles/{id}/users", RolesFlow.add_members),
    Route("/api/v2/clients", GET, ConfigurationFlow, ConfigurationFlow.list_clients, MANAGER),
    _change("/api/v2/clients/{id}/rotate-secret", POST, ConfigurationFlow, ConfigurationFlow.rotate_secret),
    Route("/api/v2/resource-servers", GET, ConfigurationFlow, ConfigurationFlow.list_apis, MANAGER),
    Route("/api/v2/connections", GET, ConfigurationFlow, ConfigurationFlow.list_connections, MANAGER),
    Route("/api/v2/client-grants", GET, ConfigurationFlow, ConfigurationFlow.list_grants, MANAGER),
)

# Makes an application of the Management API, as `make_app` of app.py makes the other one.
make_management_app = partial(Application, ROUTES)

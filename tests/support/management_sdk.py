"""auth0-python's management client, unchanged, against any server: a local run, or the deployed zip.

Each function of CASES is one test; it makes the people that it needs, and deletes them.
"""

import contextlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import httpx
from auth0.management import ManagementClient
from auth0.management.core.api_error import ApiError
from auth0.management.types.permission_request_payload import PermissionRequestPayload

from tests.support.http import BACKEND, TIMESHEETS
from tests.support.mfa import MFA_OTP, App

M2M = {"client_id": "demo-m2m", "client_secret": "demo-m2m-secret"}
NOBODY = "customers|nobody"
PASSWORD, OTHER_PASSWORD = "quiet words at 753", "other quiet words 358"
RESULT_URL = "https://app.example.com/done"


@dataclass(frozen=True, slots=True)
class Served:
    """A served issuer of the demo tenant. url: the issuer. http: a client that trusts its certificate."""

    url: str
    http: httpx.Client

    def sdk(self, **credentials: Any) -> ManagementClient:
        """Return Auth0's client, by default with the credentials of the demo's backend."""
        domain = self.url.removeprefix("https://").rstrip("/")
        return ManagementClient(domain=domain, httpx_client=self.http, **(credentials or M2M))

    def token(self, **form: str) -> httpx.Response:
        """Ask for tokens."""
        return self.http.post(f"{self.url}oauth/token", data=form)

    def login(self, username: str, password: str, **form: str) -> httpx.Response:
        """Log in a person of the customers."""
        grant = {"grant_type": "http://auth0.com/oauth/grant-type/password-realm", "realm": "customers", **BACKEND}
        return self.token(**grant, username=username, password=password, **form)


@contextlib.contextmanager
def person(client: ManagementClient, email: str) -> Iterator[str]:
    """Make a customer, yield the user_id, and delete the customer."""
    made = client.users.create(connection="customers", email=email, password=PASSWORD)
    yield str(made.user_id)
    client.users.delete(str(made.user_id))


@contextlib.contextmanager
def refused(status: int, code: str) -> Iterator[None]:
    """Expect an error of this status and errorCode."""
    try:
        yield
    except ApiError as error:
        assert (error.status_code, error.body["errorCode"]) == (status, code)
    else:
        raise AssertionError(f"{code} was expected")


def person_is_made_found_changed_and_deleted(served: Served) -> None:
    client = served.sdk()
    made = client.users.create(
        connection="customers", email="sdk@example.com", password=PASSWORD, app_metadata={"a": 1, "b": {"c": 2}}
    )
    user_id: Any = made.user_id

    assert client.users.get(user_id).email == "sdk@example.com"
    assert [one.user_id for one in client.users.list_users_by_email(email="SDK@example.com")] == [user_id]
    assert [one.user_id for one in client.users.list(q='email:"sdk@example.com"').items or []] == [user_id]
    patched = client.users.update(user_id, app_metadata={"a": None, "d": [3]}, user_metadata={"plan": "free"})
    assert (patched.app_metadata, patched.user_metadata) == ({"b": {"c": 2}, "d": [3]}, {"plan": "free"})
    changed = client.users.update(user_id, email="sdk2@example.com")
    assert (changed.email, changed.email_verified) == ("sdk2@example.com", False)
    client.users.update(user_id, password=OTHER_PASSWORD)
    assert served.login("sdk2@example.com", PASSWORD).status_code == 400
    assert served.login("sdk2@example.com", OTHER_PASSWORD).status_code == 200
    assert client.users.update(user_id, blocked=True).blocked
    assert served.login("sdk2@example.com", OTHER_PASSWORD).status_code == 403
    client.users.update(user_id, blocked=False)
    assert served.login("sdk2@example.com", OTHER_PASSWORD).status_code == 200
    client.users.delete(user_id)
    with refused(404, "inexistent_user"):
        client.users.get(user_id)
    assert served.login("sdk2@example.com", OTHER_PASSWORD).status_code == 400


def people_are_listed_page_by_page_with_their_total(served: Served) -> None:
    client = served.sdk()
    with person(client, "sdk-one@example.com"), person(client, "sdk-two@example.com"):
        emails = [one.email for one in client.users.list(per_page=2, q="identities.connection:customers")]
        page = client.users.list(per_page=1, include_totals=True)

    assert {"sdk-one@example.com", "sdk-two@example.com"} <= {*emails}
    assert len(emails) == len({*emails})
    assert page.response is not None
    assert (page.response.total or 0) >= 2


def blocks_and_factors_are_seen_and_ended(served: Served) -> None:
    client, email = served.sdk(), "sdk-blocks@example.com"
    with person(client, email) as user_id:
        for _ in range(10):
            served.login(email, "wrong")
        blocks = client.user_blocks.list(user_id).blocked_for or []
        assert [(one.identifier, one.connection) for one in blocks] == [(email, "customers")]
        assert client.user_blocks.list_by_identifier(identifier=email).blocked_for
        assert served.login(email, PASSWORD).status_code == 429
        client.user_blocks.delete(user_id)
        assert client.user_blocks.list(user_id).blocked_for == []
        assert served.login(email, PASSWORD).status_code == 200
        assert [*client.users.authentication_methods.list(user_id)] == []
        assert client.users.enrollments.get(user_id) == []
        with refused(404, "not_found"):
            client.anomaly.blocks.check_ip("192.0.2.1")


def refresh_tokens_are_listed_and_ended(served: Served) -> None:
    client, email = served.sdk(), "sdk-offline@example.com"
    with person(client, email) as user_id:
        answer = served.login(email, PASSWORD, audience=TIMESHEETS, scope="offline_access")
        refresh = {"grant_type": "refresh_token", "refresh_token": answer.json()["refresh_token"], **BACKEND}
        assert [one.client_id for one in client.users.refresh_token.list(user_id)] == [BACKEND["client_id"]]
        client.users.refresh_token.delete(user_id)
        assert [*client.users.refresh_token.list(user_id)] == []
        assert served.token(**refresh).json()["error"] == "invalid_grant"


def refusals_have_the_statuses_of_auth0(served: Served) -> None:
    client = served.sdk()
    with person(client, "sdk-taken@example.com") as user_id:
        with refused(409, "auth0_idp_error"):
            client.users.create(connection="customers", email="sdk-taken@example.com", password=PASSWORD)
        with person(client, "sdk-other@example.com") as other_id, refused(409, "auth0_idp_error"):
            client.users.update(other_id, email="sdk-taken@example.com")
        with refused(400, "invalid_body"):
            client.users.create(connection="nowhere", email="sdk3@example.com", password=PASSWORD)
        with refused(400, "invalid_password"):
            client.users.create(connection="customers", email="sdk3@example.com", password="short")
        with refused(400, "invalid_query_string"):
            client.users.list(q="name:Alice*")
        with refused(404, "inexistent_user"):
            client.users.update(NOBODY, nickname="N")
        with refused(404, "inexistent_user"):
            client.users.get(user_id.replace("customers|", "employees|"))


def tokens_that_do_not_suffice_are_refused(served: Served) -> None:
    client = served.sdk()
    asked = {"grant_type": "client_credentials", "audience": f"{served.url}api/v2/", **M2M}
    reader = served.token(**asked, scope="read:users").json()["access_token"]
    with person(client, "sdk-person@example.com") as user_id:
        own = served.login("sdk-person@example.com", PASSWORD).json()["access_token"]
        with refused(403, "insufficient_scope"):
            served.sdk(token=reader).users.delete(user_id)
        assert served.sdk(token=reader).users.get(user_id).user_id == user_id
        for token in (own, "nonsense"):
            with refused(401, "invalid_token"):
                served.sdk(token=token).users.get(user_id)
        bare = served.http.get(f"{served.url}api/v2/users/{user_id}")
    assert (bare.status_code, bare.json()["errorCode"]) == (401, "invalid_token")


def configuration_is_read(served: Served) -> None:
    client = served.sdk()
    assert "demo-backend" in {one.client_id for one in client.clients.list(per_page=50)}
    assert "Timesheets" in {one.name for one in client.resource_servers.list(per_page=50)}
    assert {"customers", "employees"} <= {one.name for one in client.connections.list()}
    assert "demo-m2m" in {one.client_id for one in client.client_grants.list()}


def roles_and_permissions_are_given_and_taken_away(served: Served) -> None:
    client = served.sdk()
    (role,) = [one for one in client.roles.list(name_filter="approver") if one.name == "approver"]
    role_id: Any = role.id
    create = PermissionRequestPayload(resource_server_identifier=TIMESHEETS, permission_name="create:timesheets")

    assert client.roles.get(role_id).description == "Approves timesheets"
    of_role = {one.permission_name for one in client.roles.permissions.list(role_id)}
    assert of_role == {"read:timesheets", "approve:timesheets"}
    with person(client, "sdk-role@example.com") as user_id:
        client.users.roles.assign(user_id, roles=[role_id])
        client.users.permissions.create(user_id, permissions=[create])
        assert [one.id for one in client.users.roles.list(user_id)] == [role_id]
        held = {one.permission_name for one in client.users.permissions.list(user_id)}
        assert held == {*of_role, "create:timesheets"}
        assert [one.user_id for one in client.roles.users.list(role_id)] == [user_id]
        client.users.roles.delete(user_id, roles=[role_id])
        client.users.permissions.delete(user_id, permissions=[create])
        assert [*client.users.roles.list(user_id)] == [*client.users.permissions.list(user_id)] == []
        with refused(404, "not_found"):
            client.users.roles.assign(user_id, roles=["rol_0000000000000000"])


def people_of_a_role_are_listed_to_the_last(served: Served) -> None:
    client = served.sdk()
    (role_id,) = [str(one.id) for one in client.roles.list(name_filter="approver")]
    emails = [f"sdk-member{number}@example.com" for number in range(6)]
    with contextlib.ExitStack() as made:
        ids = [made.enter_context(person(client, email)) for email in emails]
        client.roles.users.assign(role_id, users=ids[::2])
        assert [one.id for one in client.users.roles.list(ids[0])] == [role_id]
        # The SDK's iterator ends at the first empty page.
        assert {one.user_id for one in client.roles.users.list(role_id, take=1)} == set(ids[::2])


def tickets_lead_to_their_result_url(served: Served) -> None:
    client = served.sdk()
    with person(client, "sdk-ticket@example.com") as user_id:
        reset = client.tickets.change_password(user_id=user_id, result_url=RESULT_URL, ttl_sec=60).ticket
        verification = client.tickets.verify_email(user_id=user_id, result_url=RESULT_URL).ticket
        for link, typed in (
            (verification, {}),
            (reset, {"password": OTHER_PASSWORD, "password_repeat": OTHER_PASSWORD}),
        ):
            page, _, ticket = link.partition("?ticket=")
            done = served.http.post(page, data={"ticket": ticket, **typed})
            assert (done.status_code, done.headers["Location"]) == (303, RESULT_URL)
        assert client.users.get(user_id).email_verified
        with refused(400, "invalid_body"):
            client.tickets.verify_email(user_id=user_id, result_url="https://evil.example.com/")


def verification_is_mailed_by_a_job(served: Served) -> None:
    client = served.sdk()
    with person(client, "sdk-job@example.com") as user_id:
        job = client.jobs.verification_email.create(user_id=user_id)

    assert (job.type, job.status) == ("verification_email", "pending")
    with refused(404, "inexistent_user"):
        client.jobs.verification_email.create(user_id=NOBODY)


def recovery_code_is_renewed_beside_another_factor(served: Served) -> None:
    client, email = served.sdk(), "sdk-recovery@example.com"
    with person(client, email) as user_id:
        with refused(400, "invalid_body"):
            client.users.regenerate_recovery_code(user_id)
        token = served.login(email, PASSWORD, audience=f"{served.url}mfa/", scope="enroll").json()["access_token"]
        bearer, app = {"Authorization": f"Bearer {token}"}, {"authenticator_types": ["otp"]}
        enrolled = served.http.post(f"{served.url}mfa/associate", json=app, headers=bearer).json()
        otp = App(enrolled["secret"], time.time).code()
        assert served.token(grant_type=MFA_OTP, mfa_token=token, otp=otp, **BACKEND).status_code == 200

        code = client.users.regenerate_recovery_code(user_id).recovery_code
        assert code
        assert code not in enrolled["recovery_codes"]
        assert {one.type for one in client.users.authentication_methods.list(user_id)} == {"totp", "recovery-code"}


CASES: tuple[Callable[[Served], None], ...] = (
    person_is_made_found_changed_and_deleted,
    people_are_listed_page_by_page_with_their_total,
    blocks_and_factors_are_seen_and_ended,
    refresh_tokens_are_listed_and_ended,
    refusals_have_the_statuses_of_auth0,
    tokens_that_do_not_suffice_are_refused,
    configuration_is_read,
    roles_and_permissions_are_given_and_taken_away,
    people_of_a_role_are_listed_to_the_last,
    tickets_lead_to_their_result_url,
    verification_is_mailed_by_a_job,
    recovery_code_is_renewed_beside_another_factor,
)

"""auth0-python's management client, unchanged, against a local run over HTTPS."""

import contextlib
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from auth0.management import ManagementClient
from auth0.management.core.api_error import ApiError
from auth0.management.types.permission_request_payload import PermissionRequestPayload

from tests.clients.support import domain
from tests.support.http import BACKEND, TIMESHEETS
from tests.support.limits import WAIT_S
from tests.support.local_run import LocalProcess
from tests.support.mfa import MFA_OTP, App

M2M = {"client_id": "demo-m2m", "client_secret": "demo-m2m-secret"}
EMAIL = "sdk-own@example.com"
PASSWORD, OTHER_PASSWORD = "quiet words at 753", "other quiet words 358"


# The SDK's own sources have such texts.
pytestmark = pytest.mark.filterwarnings("ignore:invalid escape sequence")


@pytest.fixture
def connection(trusted: LocalProcess) -> Iterator[httpx.Client]:
    """The connection that the SDK's clients send by; without one they leave theirs open."""
    with httpx.Client(timeout=WAIT_S) as opened:
        yield opened


@pytest.fixture
def client(trusted: LocalProcess, connection: httpx.Client) -> ManagementClient:
    client_id, secret = M2M.values()
    return ManagementClient(domain=domain(trusted), client_id=client_id, client_secret=secret, httpx_client=connection)


@contextlib.contextmanager
def refused(status: int, code: str) -> Iterator[None]:
    """Expect an error of this status and errorCode."""
    with pytest.raises(ApiError) as caught:
        yield
    assert (caught.value.status_code, caught.value.body["errorCode"]) == (status, code)


def login(run: LocalProcess, username: str, password: str) -> httpx.Response:
    form = {"grant_type": "http://auth0.com/oauth/grant-type/password-realm", "realm": "customers", **BACKEND}
    return httpx.post(f"{run.url}oauth/token", data=form | {"username": username, "password": password}, timeout=WAIT_S)


def test_person_is_made_found_changed_and_deleted(trusted: LocalProcess, client: ManagementClient) -> None:
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
    assert login(trusted, "sdk2@example.com", PASSWORD).status_code == 400
    assert login(trusted, "sdk2@example.com", OTHER_PASSWORD).status_code == 200
    assert client.users.update(user_id, blocked=True).blocked
    assert login(trusted, "sdk2@example.com", OTHER_PASSWORD).status_code == 403
    client.users.update(user_id, blocked=False)
    assert login(trusted, "sdk2@example.com", OTHER_PASSWORD).status_code == 200
    client.users.delete(user_id)
    with refused(404, "inexistent_user"):
        client.users.get(user_id)


def test_people_are_listed_page_by_page(client: ManagementClient) -> None:
    emails = [one.email for one in client.users.list(per_page=2, q="identities.connection:customers")]

    assert {"alice@example.com", "bob@example.com"} <= {*emails}
    assert len(emails) == len({*emails})


def test_blocks_refresh_tokens_and_factors_are_seen_and_ended(trusted: LocalProcess, client: ManagementClient) -> None:
    made = client.users.create(connection="customers", email="sdk-blocks@example.com", password=PASSWORD)
    user_id: Any = made.user_id
    for _ in range(10):
        login(trusted, "sdk-blocks@example.com", "wrong")
    blocks = client.user_blocks.list(user_id).blocked_for or []
    assert [(one.identifier, one.connection) for one in blocks] == [("sdk-blocks@example.com", "customers")]
    assert client.user_blocks.list_by_identifier(identifier="sdk-blocks@example.com").blocked_for
    client.user_blocks.delete(user_id)
    assert client.user_blocks.list(user_id).blocked_for == []
    assert login(trusted, "sdk-blocks@example.com", PASSWORD).status_code == 200
    assert [*client.users.refresh_token.list(user_id)] == []
    client.users.refresh_token.delete(user_id)
    assert [*client.users.authentication_methods.list(user_id)] == []
    assert client.users.enrollments.get(user_id) == []
    with refused(404, "not_found"):
        client.anomaly.blocks.check_ip("192.0.2.1")
    client.users.delete(user_id)


def test_refusals_have_the_statuses_of_auth0(
    trusted: LocalProcess, client: ManagementClient, connection: httpx.Client
) -> None:
    with refused(409, "auth0_idp_error"):
        client.users.create(connection="customers", email="bob@example.com", password=PASSWORD)
    with refused(400, "invalid_body"):
        client.users.create(connection="nowhere", email="sdk3@example.com", password=PASSWORD)
    with refused(400, "invalid_password"):
        client.users.create(connection="customers", email="sdk3@example.com", password="short")
    with refused(404, "inexistent_user"):
        client.users.update("customers|nobody", nickname="N")
    with refused(401, "invalid_token"):
        ManagementClient(domain=domain(trusted), token="nonsense", httpx_client=connection).users.get(
            "customers|nobody"
        )
    asked = {"grant_type": "client_credentials", "audience": f"{trusted.url}api/v2/", "scope": "read:users", **M2M}
    token = httpx.post(f"{trusted.url}oauth/token", data=asked, timeout=WAIT_S).json()["access_token"]
    with refused(403, "insufficient_scope"):
        ManagementClient(domain=domain(trusted), token=token, httpx_client=connection).users.delete("customers|nobody")
    person = login(trusted, "bob@example.com", "bob's long password").json()["access_token"]
    with refused(401, "invalid_token"):
        ManagementClient(domain=domain(trusted), token=person, httpx_client=connection).users.get("customers|nobody")


def test_configuration_is_read(client: ManagementClient) -> None:
    assert "demo-backend" in {one.client_id for one in client.clients.list(per_page=50)}
    assert "Timesheets" in {one.name for one in client.resource_servers.list(per_page=50)}
    assert {"customers", "employees"} <= {one.name for one in client.connections.list()}
    assert "demo-m2m" in {one.client_id for one in client.client_grants.list()}


@pytest.fixture
def user_id(client: ManagementClient) -> Iterator[str]:
    """A person of this test, who is deleted after it."""
    made = client.users.create(connection="customers", email=EMAIL, password=PASSWORD)
    yield str(made.user_id)
    client.users.delete(str(made.user_id))


def test_roles_and_permissions_are_given_and_taken_away(client: ManagementClient, user_id: str) -> None:
    (role,) = [one for one in client.roles.list(name_filter="approver") if one.name == "approver"]
    role_id: Any = role.id
    read = PermissionRequestPayload(resource_server_identifier=TIMESHEETS, permission_name="create:timesheets")

    assert client.roles.get(role_id).description == "Approves timesheets"
    of_role = {one.permission_name for one in client.roles.permissions.list(role_id)}
    assert of_role == {"read:timesheets", "approve:timesheets"}
    client.users.roles.assign(user_id, roles=[role_id])
    client.users.permissions.create(user_id, permissions=[read])
    assert [one.id for one in client.users.roles.list(user_id)] == [role_id]
    held = {one.permission_name for one in client.users.permissions.list(user_id)}
    assert held == {*of_role, "create:timesheets"}
    assert [one.user_id for one in client.roles.users.list(role_id)] == [user_id]
    client.users.roles.delete(user_id, roles=[role_id])
    client.users.permissions.delete(user_id, permissions=[read])
    assert [*client.users.roles.list(user_id)] == [*client.users.permissions.list(user_id)] == []
    client.roles.users.assign(role_id, users=[user_id])
    assert [one.id for one in client.users.roles.list(user_id)] == [role_id]
    with refused(404, "not_found"):
        client.users.roles.assign(user_id, roles=["rol_0000000000000000"])


def test_tickets_lead_to_their_result_url(client: ManagementClient, connection: httpx.Client, user_id: str) -> None:
    result_url = "https://app.example.com/done"
    reset = client.tickets.change_password(user_id=user_id, result_url=result_url, ttl_sec=60).ticket
    verification = client.tickets.verify_email(user_id=user_id, result_url=result_url).ticket
    for link, typed in (
        (verification, {}),
        (reset, {"password": OTHER_PASSWORD, "password_repeat": OTHER_PASSWORD}),
    ):
        page, _, ticket = link.partition("?ticket=")
        done = connection.post(page, data={"ticket": ticket, **typed})
        assert (done.status_code, done.headers["Location"]) == (303, result_url)
    assert client.users.get(user_id).email_verified
    with refused(400, "invalid_body"):
        client.tickets.verify_email(user_id=user_id, result_url="https://evil.example.com/")


def test_verification_is_mailed_by_a_job(client: ManagementClient, user_id: str) -> None:
    job = client.jobs.verification_email.create(user_id=user_id)

    assert (job.type, job.status) == ("verification_email", "pending")
    with refused(404, "inexistent_user"):
        client.jobs.verification_email.create(user_id="customers|nobody")


def test_recovery_code_is_renewed_beside_another_factor(
    trusted: LocalProcess, client: ManagementClient, connection: httpx.Client, user_id: str
) -> None:
    with refused(400, "invalid_body"):
        client.users.regenerate_recovery_code(user_id)
    form = {"grant_type": "http://auth0.com/oauth/grant-type/password-realm", "realm": "customers", **BACKEND}
    own = {"username": EMAIL, "password": PASSWORD, "audience": f"{trusted.url}mfa/", "scope": "enroll"}
    token = connection.post(f"{trusted.url}oauth/token", data=form | own).json()["access_token"]
    bearer = {"Authorization": f"Bearer {token}"}
    enrolled = connection.post(f"{trusted.url}mfa/associate", json={"authenticator_types": ["otp"]}, headers=bearer)
    otp = App(enrolled.json()["secret"], time.time).code()
    confirmed = {"grant_type": MFA_OTP, "mfa_token": token, "otp": otp, **BACKEND}
    assert connection.post(f"{trusted.url}oauth/token", data=confirmed).status_code == 200

    code = client.users.regenerate_recovery_code(user_id).recovery_code
    assert code
    assert code not in enrolled.json()["recovery_codes"]
    assert {one.type for one in client.users.authentication_methods.list(user_id)} == {"totp", "recovery-code"}


def test_total_of_people_is_read(client: ManagementClient, user_id: str) -> None:
    page = client.users.list(per_page=1, include_totals=True)

    assert page.response is not None
    assert (page.response.total or 0) >= 3

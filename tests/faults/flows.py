"""The flows that the calls are made to fail in, as data: a new one is an entry of FLOWS.

Each is set up anew for every fault. What must hold after the failure and after the retry is read in the store.
"""

import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import httpx
import jwt
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm

from chalicelib.identifiers import digest
from chalicelib.model.account import Account
from chalicelib.store.sessions import PendingStore, Ticket, stored_id
from chalicelib.store.tickets import RESET, VERIFY
from infra.stage.keys import stage_key
from tests.faults import account_flows, mfa_flows, moving_flows, page_flows
from tests.faults.case import OFFLINE, Case
from tests.faults.workbench import Bench
from tests.support.clients import make_client
from tests.support.config import document_of
from tests.support.fixed import ISSUER
from tests.support.http import BACKEND, TIMESHEETS

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
RULES = ("tests.faults.team_rules",)
MFA = ("tests.faults.mfa_rules",)
TRANSACTION = "TransactWriteItems"
_KEY = ec.generate_private_key(ec.SECP256R1())


@dataclass(frozen=True)
class Flow:
    """name: its row. begin: sets it up. status: what it answers. rules: the packages that run.

    is_cold: whether the process has cached nothing. shows: what the names of those of its calls begin with that have
    rows; another flow has the rest. uses_up: the write after whose lost reply the person begins anew.
    refused_by: a write of this flow alone whose failed condition is a 400.
    """

    name: str
    begin: Callable[[Bench], Case]
    status: int = 200
    rules: tuple[str, ...] = ()
    is_cold: bool = False
    shows: tuple[str, ...] = ("",)
    uses_up: str = ""
    refused_by: str = ""


def login(bench: Bench, scope: str = "read:timesheets", is_realm: bool = False) -> Case:
    """A right password: it is never counted as failed, and no family stays whose token nobody got."""
    user = bench.people.make()
    send = partial(bench.http.realm_login, "employees") if is_realm else bench.http.login

    def failed(is_lost: bool) -> None:
        attempts, undecided = bench.attempts(user.user_id)
        assert undecided == 0
        assert attempts == 0 or is_lost
        assert bench.families(user) == []

    def done(response: httpx.Response) -> None:
        body = response.json()
        bench.require_live(body["access_token"])
        assert ("id_token" in body) == ("openid" in scope)
        assert bench.attempts(user.user_id) == (0, 0)
        assert ("refresh_token" in body) == ("offline_access" in scope)
        if "refresh_token" in body:
            assert len(bench.families(user)) == 1
            assert bench.refresh(body["refresh_token"]).status_code == 200

    return Case(lambda: send(username=user.username, scope=scope), failed, done)


def wrong_login(bench: Bench, is_known: bool) -> Case:
    """A password that is not right: no password is looked at that is not counted."""
    user = bench.people.make()
    name = user.username if is_known else f"nobody {user.username}"
    account = user.user_id if is_known else f"name:{digest(name, stage_key(bench.stage).mac)}"
    hashed = bench.hashes.count

    def all_is_counted(_: bool) -> None:
        assert bench.attempts(account)[0] >= bench.hashes.count - hashed

    def done(response: httpx.Response) -> None:
        assert response.json()["error"] == "invalid_grant"
        all_is_counted(False)
        assert bench.attempts(account)[1] >= 1

    return Case(lambda: bench.http.login(username=name, password="wrong"), all_is_counted, done)


def blocked_login(bench: Bench) -> Case:
    """The right password of somebody who is blocked: told so, and not counted as a guess."""
    user = bench.people.make(blocked=True)

    def failed(is_lost: bool) -> None:
        attempts, undecided = bench.attempts(user.user_id)
        assert undecided == 0
        assert attempts == 0 or is_lost

    def done(response: httpx.Response) -> None:
        assert response.json()["error"] == "unauthorized"
        assert bench.attempts(user.user_id) == (0, 0)

    return Case(lambda: bench.http.login(username=user.username), failed, done)


def lasting_refresh(bench: Bench) -> Case:
    """The same for a client that keeps its token."""
    policy = document_of(bench.stage, "client#demo-basic")["refresh_token"]
    return refresh(
        bench, {"client_id": make_client(bench.stage, secret="s", refresh_token=policy), "client_secret": "s"}
    )


def refresh(bench: Bench, client: dict[str, Any] = BACKEND, scope: str = OFFLINE) -> Case:
    """A refresh: one family whatever happens, and the token that was sent can be sent again, also without leeway."""
    user = bench.people.make()
    token = bench.http.login(username=user.username, scope=scope, **client).json()["refresh_token"]

    def again(sent: str) -> httpx.Response:
        return bench.refresh(sent, **client)

    def failed(_: bool) -> None:
        assert len(bench.families(user)) == 1

    def done(response: httpx.Response) -> None:
        bench.require_live(response.json()["access_token"])
        assert again(response.json().get("refresh_token", token)).status_code == 200
        assert len(bench.families(user)) == 1

    return Case(lambda: again(token), failed, done)


def reuse(bench: Bench) -> Case:
    """A superseded refresh token: it never yields anything, and its family ends."""
    user = bench.people.make()
    token = bench.http.login(username=user.username, scope=OFFLINE).json()["refresh_token"]
    current = bench.refresh(token).json()["refresh_token"]

    def done(response: httpx.Response) -> None:
        assert response.json()["error"] == "invalid_grant"
        assert bench.families(user) == []
        assert bench.refresh(current).status_code == 400

    return Case(lambda: bench.refresh(token), done=done)


def client_credentials(bench: Bench) -> Case:
    def done(response: httpx.Response) -> None:
        bench.require_live(response.json()["access_token"])

    m2m = {"client_id": "demo-m2m", "client_secret": "demo-m2m-secret"}
    params = {"grant_type": "client_credentials", "audience": TIMESHEETS, **m2m}
    bench.http.token(params)  # The process knows the client from now on.
    return Case(lambda: bench.http.token(params), done=done)


def private_key_jwt(bench: Bench) -> Case:
    """A client's signed assertion: a new one for each request, and none that brought a token brings another."""
    jwk = {**json.loads(ECAlgorithm.to_jwk(_KEY.public_key())), "use": "sig"}
    client_id = make_client(
        bench.stage,
        token_endpoint_auth_method="private_key_jwt",
        jwks=[jwk],
        grant_types=["client_credentials"],
        client_grants={TIMESHEETS: ["read:timesheets"]},
    )
    sent: list[dict[str, str]] = []

    def act() -> httpx.Response:
        now = int(bench.clock())
        claims = {"iss": client_id, "sub": client_id, "aud": ISSUER, "exp": now + 60, "jti": secrets.token_hex(8)}
        assertion = jwt.encode(claims, _KEY, "ES256")
        shown = {"client_assertion_type": ASSERTION_TYPE, "client_assertion": assertion}
        sent.append({"grant_type": "client_credentials", "audience": TIMESHEETS, **shown})
        return bench.http.token(sent[-1])

    def done(response: httpx.Response) -> None:
        bench.require_live(response.json()["access_token"])
        assert bench.http.token(sent[-1]).status_code == 401

    act()  # The process knows the client from now on.
    return Case(act, done=done)


def revocation(bench: Bench) -> Case:
    user = bench.people.make()
    token = bench.http.login(username=user.username, scope=OFFLINE).json()["refresh_token"]

    def done(response: httpx.Response) -> None:
        assert response.content == b""
        assert bench.families(user) == []
        assert bench.refresh(token).status_code == 400

    return Case(lambda: bench.http.post("/oauth/revoke", data={**BACKEND, "token": token}), done=done)


def introspection(bench: Bench, kind: str) -> Case:
    """It uses nothing up."""
    user = bench.people.make()
    token = bench.http.login(username=user.username, scope=OFFLINE).json()[kind]

    def done(response: httpx.Response) -> None:
        assert response.json()["sub"] == user.user_id

    return Case(lambda: bench.http.post("/oauth/introspect", data={**BACKEND, "token": token}), done=done)


def userinfo(bench: Bench) -> Case:
    user = bench.people.make()
    token = bench.http.login(username=user.username, scope="openid").json()["access_token"]

    def done(response: httpx.Response) -> None:
        assert response.json()["sub"] == user.user_id

    return Case(lambda: bench.http.get("/userinfo", headers={"Authorization": f"Bearer {token}"}), done=done)


def public(bench: Bench, path: str, member: str) -> Case:
    def done(response: httpx.Response) -> None:
        assert response.json()[member]

    return Case(lambda: bench.http.get(path), done=done)


def unblock(bench: Bench) -> Case:
    """A link that lets a person in again: it works once, and where it was answered with a failure the next time too."""
    bench.move()
    user, token = bench.people.make(), secrets.token_urlsafe()
    tickets = PendingStore(bench.stage.dynamo, f"{bench.stage.prefix}sessions")
    tickets.put_ticket(Ticket(stored_id(token), Account("employees", user.user_id), int(bench.clock()) + 60))
    bench.http.login(username=user.username, password="wrong")
    assert bench.attempts(user.user_id) == (1, 1)

    def act() -> httpx.Response:
        return bench.http.post("/u/unblock", data={"ticket": token})

    def anew() -> httpx.Response:
        assert bench.attempts(user.user_id) == (0, 0)
        return bench.http.login(username=user.username)

    def done(_: httpx.Response) -> None:
        assert bench.attempts(user.user_id) == (0, 0)
        assert act().status_code == 400

    return Case(act, done=done, anew=anew)


def cold(name: str, begin: Callable[[Bench], Case], rules: tuple[str, ...] = ()) -> Flow:
    return Flow(name, begin, rules=rules, is_cold=True, shows=("GetItem config ", "Decrypt"))


FLOWS = (
    Flow("password", login),
    Flow("password, openid", partial(login, scope="openid read:timesheets")),
    Flow("password, offline_access", partial(login, scope=OFFLINE)),
    Flow("password-realm", partial(login, is_realm=True)),
    Flow("wrong password", partial(wrong_login, is_known=True), 400),
    Flow("unknown user", partial(wrong_login, is_known=False), 400),
    Flow("blocked user", blocked_login, 403),
    Flow("first login, legacy store", moving_flows.first_login, refused_by="UpdateItem users cred"),
    Flow("first login, wrong password", moving_flows.wrong_password, 400),
    Flow("first login, legacy store down", moving_flows.store_down, 503),
    Flow("refresh, rotating", refresh),
    Flow("refresh, non-rotating", lasting_refresh),
    Flow("refresh, openid", partial(refresh, scope=f"openid {OFFLINE}")),
    Flow("refresh, superseded token", reuse, 400),
    Flow("client_credentials", client_credentials),
    Flow("client_credentials, private_key_jwt", private_key_jwt),
    Flow("revocation", revocation),
    Flow("introspection, access token", partial(introspection, kind="access_token")),
    Flow("introspection, refresh token", partial(introspection, kind="refresh_token")),
    Flow("userinfo", userinfo),
    Flow("unblock link", unblock, uses_up=TRANSACTION),
    Flow("page, email confirmed", page_flows.verification, uses_up=TRANSACTION),
    Flow("page, new password", page_flows.reset, uses_up=TRANSACTION),
    Flow("sign-up", account_flows.open_sign_up),
    Flow("sign-up, verified email", account_flows.verified_sign_up),
    Flow("forgotten password", partial(account_flows.asking, purpose=RESET)),
    Flow("verification sent", partial(account_flows.asking, purpose=VERIFY)),
    Flow("verification", account_flows.verification, uses_up=TRANSACTION),
    Flow("verification of a sign-up", account_flows.verification_of_a_sign_up, uses_up=TRANSACTION),
    Flow("password reset", account_flows.password_reset, uses_up=TRANSACTION),
    Flow("password, rules", login, rules=RULES),
    Flow("password, MFA owed", mfa_flows.owed, 403, MFA, shows=("PutItem sessions mfa",)),
    Flow("MFA, enrolment", mfa_flows.enrolment, rules=MFA),
    Flow("MFA, text message sent", mfa_flows.sending, rules=MFA),
    Flow("MFA, authenticator app", mfa_flows.otp, rules=MFA, uses_up=TRANSACTION),
    Flow("MFA, text message", mfa_flows.text_message, rules=MFA, uses_up=TRANSACTION),
    Flow("MFA, recovery code", mfa_flows.recovery_code, rules=MFA, uses_up=TRANSACTION),
    cold("password, cold", login, RULES),
    cold("refresh, cold", refresh),
    cold("client_credentials, cold", client_credentials),
    cold("introspection, access token, cold", partial(introspection, kind="access_token")),
    cold("userinfo, cold", userinfo),
    cold("metadata, cold", partial(public, path="/.well-known/openid-configuration", member="issuer")),
    cold("JWKS, cold", partial(public, path="/.well-known/jwks.json", member="keys")),
)

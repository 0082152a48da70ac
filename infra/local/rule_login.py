"""The login that `gatehouse rules try` pretends: somebody of a stage, through a client of it, and no password."""

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from chalicelib.http.viewer import NAMES
from chalicelib.model.login import Login
from chalicelib.model.request import Request
from chalicelib.model.tenant import Client
from chalicelib.model.user import User
from infra.errors import Refused
from infra.local.emulated_aws import local_aws
from infra.local.stage import STAGE, provision
from infra.rules.trial import Attempt
from infra.stage.aws import Stage, reach
from infra.stage.people import People
from infra.tenant.schema import TenantFile
from infra.text_file import read_text

PROTOCOLS = {"oauth2-password": "password", "oauth2-refresh-token": "refresh_token"}
# Nobody ever logs in with the hashes that a try makes.
CHEAP_BCRYPT = 4
_USER = TypeAdapter(User)


@dataclass(frozen=True, slots=True)
class Pretended:
    """The login that the options describe. user: a name or user_id, or a Path of a JSON file. mfa: a factor was shown.

    geoip, body: JSON objects.
    """

    user: str | Path
    realm: str
    client_id: str
    protocol: str
    scope: str
    audience: str
    ip: str
    geoip: str
    body: str
    mfa: bool


@contextmanager
def stage_or_file(stage: str, file: TenantFile | None) -> Iterator[Stage]:
    """Yield the stage, or one in this process that holds what a tenant file says; raises Refused for neither."""
    if file is None:
        if not stage:
            raise Refused("Name a stage with --stage, or a tenant file with --tenant.")
        yield reach(stage)
        return
    with local_aws():
        provision(file, CHEAP_BCRYPT)
        yield reach(STAGE)


def pretend(stage: Stage, pretended: Pretended, configuration: Mapping[str, str]) -> Attempt:
    """Return the attempt of this login; raises Refused for a client, realm or person that there is not."""
    if pretended.protocol not in PROTOCOLS:
        raise Refused(f"The protocol is one of: {', '.join(PROTOCOLS)}.")
    people = People.of(stage, pretended.realm)
    pretended = replace(pretended, realm=people.realm.name)
    client = _client(stage, pretended)
    user = (
        _read_user(pretended.user, pretended.realm) if isinstance(pretended.user, Path) else people.find(pretended.user)
    )
    body = _body(pretended, user)
    params = {name: value for name, value in body.items() if isinstance(value, str)}
    request = Request(
        issuer="",
        source_ip=pretended.ip,
        params=params,
        body=body,
        hostname="localhost",
        user_agent="gatehouse rules try",
        geoip=_geoip(pretended.geoip),
    )
    return Attempt(stage.config(), client, _login(pretended, user), request, configuration)


def _login(pretended: Pretended, user: User) -> Login:
    return Login(
        sub=user.user_id,
        client_id=pretended.client_id,
        gty=(PROTOCOLS[pretended.protocol],),
        protocol=pretended.protocol,
        amr=("pwd", "mfa") if pretended.mfa else ("pwd",),
        auth_time=int(time.time()),
        user=user,
        realm=pretended.realm,
        source_ip=pretended.ip,
    )


def _client(stage: Stage, pretended: Pretended) -> Client:
    client = stage.config().client(pretended.client_id)
    if client is None or pretended.realm not in client.realms:
        raise Refused(f"There is no client {pretended.client_id} that realm {pretended.realm} is enabled for.")
    return client


def _body(pretended: Pretended, user: User) -> dict[str, Any]:
    asked = {
        "grant_type": PROTOCOLS[pretended.protocol],
        "client_id": pretended.client_id,
        "username": user.username or user.email,
        "audience": pretended.audience,
        "scope": pretended.scope,
    }
    more = _object(pretended.body, "The body")
    return {name: value for name, value in (asked | more).items() if value not in (None, "")}


def _geoip(text: str) -> dict[str, Any]:
    """Return the place that an option gives; raises Refused for a member that no proxy tells."""
    given = _object(text, "The geoip")
    if unknown := sorted(given.keys() - NAMES):
        raise Refused(f"The geoip has no {', '.join(unknown)}. It may have: {', '.join(sorted(NAMES))}.")
    return given


def _object(text: str, what: str) -> dict[str, Any]:
    try:
        given = json.loads(text)
    except ValueError:
        given = None
    if not isinstance(given, dict):
        raise Refused(f"{what} must be a JSON object.")
    return given


def _read_user(path: Path, realm: str) -> User:
    """Return the person whom a JSON file describes, with the members that `gatehouse users show --json` has."""
    try:
        given = json.loads(read_text(path))
        unknown = sorted(set(given) - {field.name for field in fields(User)})
        if unknown:
            raise Refused(f"{path}: a user has no {', '.join(unknown)}.")
        return _USER.validate_python({"user_id": f"{realm}|somebody"} | given)
    except ValidationError as error:
        faults = [f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors()]
        raise Refused(f"{path}: {'; '.join(faults)}.") from None
    except (ValueError, TypeError):
        raise Refused(f"{path}: must be a JSON object.") from None

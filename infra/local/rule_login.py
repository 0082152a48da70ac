"""Make the trial login of `gatehouse rules try`: a user of a stage, through one of its clients, without a password."""

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
from infra.errors import OperatorError
from infra.local.emulated_aws import STAGE, local_aws
from infra.local.stage import provision
from infra.rules.trial import TrialLogin
from infra.stage.aws import Stage, reach
from infra.stage.people import People
from infra.tenant.schema import TenantFile
from infra.text_file import read_text

PROTOCOLS = {"oauth2-password": "password", "oauth2-refresh-token": "refresh_token"}
# A trial makes hashes that no login is checked against.
CHEAP_BCRYPT = 4
_USER = TypeAdapter(User)


@dataclass(frozen=True, slots=True)
class TrialOptions:
    """The options of a trial. user: an identifier or a user_id, or the path of a JSON file.

    mfa: a second factor was proved. geoip, body: JSON objects.
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
    """Yield the named stage, or a stage in this process made of the file. Raises OperatorError if there is neither."""
    if file is None:
        if not stage:
            raise OperatorError("Name a stage with --stage, or a tenant file with --tenant.")
        yield reach(stage)
        return
    with local_aws():
        provision(file, CHEAP_BCRYPT)
        yield reach(STAGE)


def make_trial_login(stage: Stage, options: TrialOptions, configuration: Mapping[str, str]) -> TrialLogin:
    """Return the login that the options describe. Raises OperatorError for an unknown client, realm or user."""
    if options.protocol not in PROTOCOLS:
        raise OperatorError(f"The protocol is one of: {', '.join(PROTOCOLS)}.")
    people = People.of(stage, options.realm)
    options = replace(options, realm=people.realm.name)
    client = _client(stage, options)
    user = _read_user(options.user, options.realm) if isinstance(options.user, Path) else people.find(options.user)
    body = _body(options, user)
    params = {name: value for name, value in body.items() if isinstance(value, str)}
    request = Request(
        issuer="",
        source_ip=options.ip,
        params=params,
        body=body,
        hostname="localhost",
        user_agent="gatehouse rules try",
        geoip=_geoip(options.geoip),
    )
    return TrialLogin(stage.config(), client, _login(options, user), request, configuration)


def _login(options: TrialOptions, user: User) -> Login:
    return Login(
        sub=user.user_id,
        client_id=options.client_id,
        gty=(PROTOCOLS[options.protocol],),
        protocol=options.protocol,
        amr=("pwd", "mfa") if options.mfa else ("pwd",),
        auth_time=int(time.time()),
        user=user,
        realm=options.realm,
        source_ip=options.ip,
    )


def _client(stage: Stage, options: TrialOptions) -> Client:
    client = stage.config().client(options.client_id)
    if client is None or options.realm not in client.realms:
        raise OperatorError(f"There is no client {options.client_id} that realm {options.realm} is enabled for.")
    return client


def _body(options: TrialOptions, user: User) -> dict[str, Any]:
    own = {
        "grant_type": PROTOCOLS[options.protocol],
        "client_id": options.client_id,
        "username": user.username or user.email,
        "audience": options.audience,
        "scope": options.scope,
    }
    more = _object(options.body, "The body")
    return {name: value for name, value in (own | more).items() if value not in (None, "")}


def _geoip(text: str) -> dict[str, Any]:
    """Return the location that --geoip gives. Raises OperatorError for a member that no proxy sends."""
    given = _object(text, "The geoip")
    if unknown := sorted(given.keys() - NAMES):
        raise OperatorError(f"The geoip has no {', '.join(unknown)}. It may have: {', '.join(sorted(NAMES))}.")
    return given


def _object(text: str, what: str) -> dict[str, Any]:
    try:
        given = json.loads(text)
    except ValueError:
        given = None
    if not isinstance(given, dict):
        raise OperatorError(f"{what} must be a JSON object.")
    return given


def _read_user(path: Path, realm: str) -> User:
    """Return the user that a JSON file describes, in the form of `gatehouse users show --json`."""
    try:
        given = json.loads(read_text(path))
        unknown = sorted(set(given) - {field.name for field in fields(User)})
        if unknown:
            raise OperatorError(f"{path}: a user has no {', '.join(unknown)}.")
        return _USER.validate_python({"user_id": f"{realm}|somebody"} | given)
    except ValidationError as error:
        faults = [f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors()]
        raise OperatorError(f"{path}: {'; '.join(faults)}.") from None
    except (ValueError, TypeError):
        raise OperatorError(f"{path}: must be a JSON object.") from None

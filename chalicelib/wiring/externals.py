"""The parts of a process that come from outside."""

import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from chalicelib.model.clock import Clock, SystemClock
from chalicelib.model.directory import Directory
from chalicelib.model.tenant import Realm
from chalicelib.passwords.hash import verify
from chalicelib.passwords.range_api import is_pwned


@dataclass(slots=True, eq=False, repr=False)
class Externals:
    """The parts of the process that come from outside, except AWS. Tests replace them.

    pause: sleeps for that many seconds. choose: returns a random number below the given one.
    new_id: returns a fresh jti. verify: checks a password against its stored form.
    range_api: asks Pwned Passwords about a password. directories: by realm, makes a backend other than DynamoDB.
    """

    clock: Clock = field(default_factory=SystemClock)
    pause: Callable[[float], None] = time.sleep
    choose: Callable[[int], int] = secrets.randbelow
    new_id: Callable[[], str] = secrets.token_urlsafe
    verify: Callable[[str, str], bool] = verify
    range_api: Callable[[str], bool] = is_pwned
    directories: Mapping[str, Callable[[Realm], Directory]] = field(default_factory=dict)

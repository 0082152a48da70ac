"""Keep what the application knows of its visitors in memory: tokens never leave the backend."""

import secrets
import threading
import time
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any

LIFETIME_S = 8 * 3600
MAX_SESSIONS = 10_000


@dataclass
class Step:
    """A second factor that is owed, or that is being added. token: an mfa_token, or an access token of the MFA API.

    enroll, challenge: the kinds to choose from. kind: the one whose code is awaited, "" before the choice.
    adding: whether a person who is logged in adds one.
    """

    token: str = field(repr=False)
    enroll: list[str]
    challenge: list[str]
    adding: bool = False
    kind: str = ""
    oob_code: str = field(default="", repr=False)
    barcode_uri: str = field(default="", repr=False)
    secret: str = field(default="", repr=False)
    recovery_codes: list[str] = field(default_factory=list, repr=False)


@dataclass
class Person:
    """A person who is logged in. claims: of their ID token. expires_at: of the access token, in seconds since 1970."""

    realm: str
    username: str
    claims: dict[str, Any]
    scope: str
    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    expires_at: float
    # A refresh token that rotates is used once: two requests must not both use it.
    lock: threading.Lock = field(default_factory=threading.Lock, repr=False)


@dataclass
class Session:
    """One visitor's session. notice: shown on the next page, once. recovery_code: the same."""

    ends_at: float
    realm: str = ""
    username: str = ""
    person: Person | None = None
    step: Step | None = None
    notice: str = ""
    recovery_code: str = field(default="", repr=False)


class Sessions:
    """The sessions, by an identifier that cannot be guessed. The oldest go when there are too many."""

    def __init__(self) -> None:
        self._by_id: OrderedDict[str, Session] = OrderedDict()
        self._lock = threading.Lock()

    def find(self, session_id: str | None) -> Session | None:
        """Return a live session, or None."""
        with self._lock:
            found = self._by_id.get(session_id or "")
        return found if found and found.ends_at > time.time() else None

    def start(self, ended_id: str | None) -> tuple[str, Session]:
        """Return a new session and its identifier; the other one ends, so that nobody can plant a known one."""
        session_id, session = secrets.token_urlsafe(32), Session(time.time() + LIFETIME_S)
        with self._lock:
            self._by_id.pop(ended_id or "", None)
            self._by_id[session_id] = session
            while len(self._by_id) > MAX_SESSIONS:
                self._by_id.popitem(last=False)
        return session_id, session

    def end(self, session_id: str | None) -> None:
        """Forget a session."""
        with self._lock:
            self._by_id.pop(session_id or "", None)

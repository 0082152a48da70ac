"""Values that all tests share: the issuer, the cost of bcrypt, a clock that stands still, counted hashes."""

import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

from chalicelib.passwords.hash import verify

DEMO = Path(__file__).parents[2] / "infra" / "local" / "demo-tenant.yaml"
ISSUER = "https://login.example.com/"
BCRYPT_COST = 4
EMAIL_FROM = "login@example.com"


@dataclass
class Clock:
    """A clock that tests move. It starts now, because PyJWT reads the real clock. paused: the seconds of each wait."""

    now: float = field(default_factory=time.time)
    paused: list[float] = field(default_factory=list)

    def __call__(self) -> float:
        return self.now

    def now_s(self) -> int:
        return int(self.now)

    def now_ms(self) -> int:
        return int(1000 * self.now)

    def pause(self, seconds: float) -> None:
        self.paused.append(seconds)
        self.now += seconds

    def advance(self, seconds: float) -> None:
        self.now += seconds


@dataclass
class Hashes:
    """Counts bcrypt checks, also from several threads."""

    count: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def verify(self, password: str, stored: str) -> bool:
        with self._lock:
            self.count += 1
        return verify(password, stored)

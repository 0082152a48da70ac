"""The users of a soak. locust runs this file in a process of its own, because gevent patches the whole process."""

import json
import os
from collections import Counter, defaultdict
from itertools import count
from pathlib import Path
from random import Random
from typing import Any

from locust import FastHttpUser, between, events, task
from locust.env import Environment

from tests.soak.tenant import PASSWORD, RESULTS, username
from tests.support.http import BACKEND, EVERYTHING, TIMESHEETS

TOKEN = "/oauth/token"
FORM = "application/x-www-form-urlencoded"
JSON = "application/json"
# The number of guessed usernames: few enough that some are blocked in a short run, and enough that not all are.
GUESSED = 60
BAD_BODIES = (
    (FORM, "grant_type=%zz"),
    (FORM, "grant_type=password&grant_type=password"),
    (FORM, "padding=" + "x" * 17_000),
    (JSON, '{"grant_type": '),
    (JSON, "[" * 40 + "]" * 40),
    ("text/plain", "grant_type=password"),
)
REFUSED = ("400 invalid_grant",)

_numbers = count()
_random = Random(1)  # noqa: S311 (it makes no secret)
_answers: defaultdict[str, Counter[str]] = defaultdict(Counter)


class Person(FastHttpUser):
    """A user who logs in, refreshes and makes mistakes, with an account of their own."""

    wait_time = between(0.2, 0.6)

    def on_start(self) -> None:
        """Take an account."""
        self.username = username(next(_numbers))
        self.tokens: dict[str, str] = {}
        self.superseded = ""

    @task(3)
    def log_in(self) -> None:
        """Log in, and keep the tokens."""
        login = {"grant_type": "password", "username": self.username, "password": PASSWORD}
        access = {"audience": TIMESHEETS, "scope": EVERYTHING}
        self.tokens, self.superseded = self.send("login", TOKEN, {**BACKEND, **login, **access}), ""

    @task(2)
    def guess(self) -> None:
        """Guess a password."""
        guess = {"grant_type": "password", "username": f"guessed-{_random.randrange(GUESSED)}", "password": "wrong"}
        self.send("login, wrong", TOKEN, BACKEND | guess, (*REFUSED, "429 too_many_attempts"))

    @task(6)
    def refresh(self) -> None:
        """Use the refresh token, and keep its successor."""
        if not self.tokens:
            self.log_in()
        used = self.tokens.get("refresh_token", "")
        self.tokens, self.superseded = self.send("refresh", TOKEN, self.refresh_params(used)), used

    @task(1)
    def use_again(self) -> None:
        """Use a superseded refresh token, which ends the family."""
        if not self.superseded:
            self.refresh()
        self.send("refresh, superseded", TOKEN, self.refresh_params(self.superseded), REFUSED)
        self.send("refresh, ended", TOKEN, self.refresh_params(self.tokens.get("refresh_token", "")), REFUSED)
        self.tokens, self.superseded = {}, ""

    @task(1)
    def revoke(self) -> None:
        """Revoke the refresh token, and use it once more."""
        if not self.tokens:
            self.log_in()
        token = self.tokens.get("refresh_token", "")
        self.send("revoke", "/oauth/revoke", BACKEND | {"token": token})
        self.send("refresh, revoked", TOKEN, self.refresh_params(token), REFUSED)
        self.tokens, self.superseded = {}, ""

    @task(2)
    def introspect(self) -> None:
        """Introspect the access token."""
        if not self.tokens:
            self.log_in()
        self.send("introspect", "/oauth/introspect", BACKEND | {"token": self.tokens.get("access_token", "")})

    @task(2)
    def userinfo(self) -> None:
        """Read the user of the access token."""
        if not self.tokens:
            self.log_in()
        self.send("userinfo", "/userinfo", {"access_token": self.tokens.get("access_token", "")})

    @task(2)
    def send_bad_body(self) -> None:
        """Send a malformed body."""
        content_type, body = _random.choice(BAD_BODIES)
        expected = ("400 invalid_request", "413 invalid_request")
        self.send("bad body", TOKEN, body, expected, content_type)

    def refresh_params(self, token: str) -> dict[str, str]:
        """Return the parameters of a refresh."""
        return {**BACKEND, "grant_type": "refresh_token", "refresh_token": token}

    def send(
        self,
        kind: str,
        path: str,
        body: dict[str, str] | str,
        expected: tuple[str, ...] = ("200",),
        content_type: str = FORM,
    ) -> dict[str, str]:
        """Post a body and count the answer; return a success's members. An unexpected answer is a failure."""
        headers = {"Content-Type": content_type}
        with self.client.post(path, data=body, name=kind, headers=headers, catch_response=True) as response:
            members = _members(response.text)
            answer = f"{response.status_code} {members.get('error', '')}".rstrip()
            _answers[kind][answer] += 1
            if answer in expected:
                response.success()
            else:
                response.failure(answer)
        return members if answer == "200" else {}


@events.quitting.add_listener  # type: ignore[untyped-decorator]  # locust leaves it untyped
def write_results(environment: Environment, **_: Any) -> None:
    """Write the results to the file that tests/soak/__main__.py reads. Times are in milliseconds."""
    kinds = {
        entry.name: {
            "requests": entry.num_requests,
            "failures": entry.num_failures,
            "per_s": entry.total_rps,
            "p50_ms": entry.get_response_time_percentile(0.50),
            "p95_ms": entry.get_response_time_percentile(0.95),
            "p99_ms": entry.get_response_time_percentile(0.99),
            "answers": dict(_answers[entry.name]),
        }
        for entry in environment.stats.entries.values()
    }
    unexplained = {f"{error.name}: {error.error}": error.occurrences for error in environment.stats.errors.values()}
    Path(os.environ[RESULTS]).write_text(json.dumps({"kinds": kinds, "unexplained": unexplained}), "utf-8")


def _members(text: str | None) -> dict[str, str]:
    try:
        members = json.loads(text or "{}")
    except ValueError:
        return {}
    return members if isinstance(members, dict) else {}

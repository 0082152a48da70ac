"""Simulate an attacker at one account for a day, with a new address for each guess, against the real code on moto.

`python -m tests.figures.simulation GUESSES` prints what docs/run/attack-protection.md quotes.
"""

import sys
from dataclasses import dataclass, field, replace
from pathlib import Path

from chalicelib import wiring
from chalicelib.errors import InvalidGrant, TooManyAttempts
from chalicelib.flows.token import TokenFlow
from chalicelib.model.request import Request
from chalicelib.passwords.hash import verify
from chalicelib.settings import Settings
from infra.local.emulated_aws import local_aws
from infra.stage.aws import Stage, reach
from infra.stage.provision import apply, up
from infra.stage.seed import seed_users
from infra.tenant.file import load
from tests.support.fixed import Clock
from tests.support.function_aws import function_aws

DAY_S = 86_400
STAGE, BCRYPT_COST = "simulation", 4
HOME = "198.51.100.7"
USERNAME, PASSWORD = "alice", "correct horse battery staple"
DEMO = Path(__file__).parents[2] / "infra" / "local" / "demo-tenant.yaml"


@dataclass
class Day:
    """One day. logins: the user's logins from home, besides one at each end of the day.

    looked_at: guesses whose password was checked. let_in, kept_out: the user's logins.
    """

    guesses: int
    logins: int
    looked_at: int = 0
    let_in: int = 0
    kept_out: int = 0
    clock: Clock = field(default_factory=lambda: Clock(1_800_000_000))

    def run(self, stage: Stage) -> "Day":
        """Run the day."""
        externals = wiring.Externals(clock=self.clock, pause=lambda _: None, verify=self._verify)
        settings = Settings(stage.name, "https://login.example.com/", BCRYPT_COST)
        flow = wiring.build(settings, stage.aws, externals)[TokenFlow]
        self._log_in(flow)
        every = self.guesses // self.logins if self.logins else self.guesses + 1
        for number in range(1, self.guesses + 1):
            self.clock.now += DAY_S / self.guesses
            is_let_in(flow, f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}", "a guess")
            if number % every == 0:
                self._log_in(flow)
        self._log_in(flow)
        return self

    def _log_in(self, flow: TokenFlow) -> None:
        if is_let_in(flow, HOME, PASSWORD):
            self.let_in += 1
        else:
            self.kept_out += 1

    def _verify(self, password: str, stored: str) -> bool:
        self.looked_at += password != PASSWORD
        return verify(password, stored)


def is_let_in(flow: TokenFlow, address: str, password: str, username: str = USERNAME) -> bool:
    """Return whether a login in the demo tenant's realm employees succeeds."""
    params = {
        "grant_type": "password",
        "client_id": "demo-native",
        "audience": "https://api.example.com/timesheets",
        "username": username,
        "password": password,
    }
    try:
        flow.answer(Request("https://login.example.com/", address, params))
    except (InvalidGrant, TooManyAttempts):
        return False
    return True


def provision_demo(name: str) -> Stage:
    """Make a stage of the demo tenant, and return it. moto must run."""
    stage, demo = reach(name), load(DEMO)
    up(stage, demo)
    apply(stage, demo)
    seed_users(stage, demo, BCRYPT_COST)
    return replace(stage, aws=function_aws())


def main() -> None:
    """Print a line for each of two days: with hourly logins of the user, and with one login at each end."""
    guesses = int(sys.argv[1])
    with local_aws():
        for logins in (0, 24):
            day = Day(guesses, logins).run(provision_demo(f"{STAGE}{logins}"))
            sys.stdout.write(
                f"{day.guesses} guesses, {day.looked_at} looked at; the person: {day.let_in} logins, "
                f"{day.kept_out} of them refused\n"
            )


if __name__ == "__main__":
    main()

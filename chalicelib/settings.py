"""What differs between stages, read from the environment once. Realms, clients and APIs are data, not settings."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

PREFIX = "GATEHOUSE_"
BCRYPT_COSTS = range(4, 16)
PROXIES = range(11)


class BadSettings(Exception):
    """The environment is at fault; the message lists every fault."""


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of one stage.

    stage: names the tables, `gatehouse-<stage>-...`.
    issuer: the issuer's URL with its final slash; "" takes it from API Gateway's request context.
    bcrypt_cost: the cost of hashes made from now on, 4 to 15.
    trusted_proxies: how many proxies of one's own stand in front of API Gateway, each of which adds to X-Forwarded-For.
    """

    stage: str
    issuer: str = ""
    bcrypt_cost: int = 10
    trusted_proxies: int = 0

    @classmethod
    def from_environ(cls, environ: Mapping[str, str] = os.environ) -> "Settings":
        """Read GATEHOUSE_STAGE, GATEHOUSE_ISSUER, GATEHOUSE_BCRYPT_COST and GATEHOUSE_TRUSTED_PROXIES.

        Raises BadSettings with all faults at once; an unknown GATEHOUSE_ name is one of them.
        """
        ours = {name.removeprefix(PREFIX): value for name, value in environ.items() if name.startswith(PREFIX)}
        stage, issuer, cost = ours.pop("STAGE", ""), ours.pop("ISSUER", ""), ours.pop("BCRYPT_COST", "10")
        proxies = ours.pop("TRUSTED_PROXIES", "0")
        faults = [f"{PREFIX}{name} is no setting of Gatehouse." for name in sorted(ours)]
        if not stage:
            faults.append(f"{PREFIX}STAGE is missing: it names the tables.")
        if issuer and not _is_issuer(issuer):
            faults.append(f"{PREFIX}ISSUER must be an http(s) URL without query that ends in a slash.")
        if cost not in map(str, BCRYPT_COSTS):
            faults.append(f"{PREFIX}BCRYPT_COST must be a number from {BCRYPT_COSTS[0]} to {BCRYPT_COSTS[-1]}.")
        if proxies not in map(str, PROXIES):
            faults.append(f"{PREFIX}TRUSTED_PROXIES must be a number from {PROXIES[0]} to {PROXIES[-1]}.")
        if faults:
            raise BadSettings("\n".join(faults))
        return cls(stage, issuer, int(cost), int(proxies))


def is_in_lambda(environ: Mapping[str, str] = os.environ) -> bool:
    """Whether this process is a function, and not a deployment that looks at the routes."""
    return "AWS_LAMBDA_FUNCTION_NAME" in environ


def _is_issuer(text: str) -> bool:
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return bool(
        parts.scheme in ("http", "https") and parts.netloc and text.endswith("/") and not parts.query + parts.fragment
    )

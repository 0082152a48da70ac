"""The settings of a stage, read once from environment variables. Realms, clients and APIs are data, not settings."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

PREFIX = "GATEHOUSE_"
RULE_PACKAGES = "RULE_PACKAGES"
MAIL_TEMPLATES = "MAIL_TEMPLATES"
IMPORT_PACKAGES = "IMPORT_PACKAGES"
LAMBDA_FUNCTION = "AWS_LAMBDA_FUNCTION_NAME"
BCRYPT_COSTS = range(4, 16)
PROXIES = range(11)
# Lambda ends the function after 20 seconds, and a login has more to do than to run a team's code.
MAX_BUDGET_S = 10


class BadSettings(Exception):
    """The environment variables are at fault. The message lists every fault."""


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of one stage.

    stage: names the tables, `gatehouse-<stage>-...`.
    issuer: the issuer's URL with its final slash; "" takes it from API Gateway's request context.
    bcrypt_cost: the cost of hashes made from now on, 4 to 15.
    trusted_proxies: how many of the operator's proxies are in front of API Gateway; each adds to X-Forwarded-For.
    rule_packages: the importable packages whose rules run, in their order. rule_budget_s: seconds that all rules of a
    login have together. email_from: the sender of emails, which SES has verified; "" sends none.
    mail_templates: the importable packages whose files replace templates of emails; the first that has one decides.
    import_packages: the importable packages that a realm's import_from may name. import_budget_s: seconds that one call
    of such a function has.
    """

    stage: str
    issuer: str = ""
    bcrypt_cost: int = 10
    rule_packages: tuple[str, ...] = ()
    rule_budget_s: float = 5.0
    email_from: str = ""
    trusted_proxies: int = 0
    mail_templates: tuple[str, ...] = ()
    import_packages: tuple[str, ...] = ()
    import_budget_s: float = 4.0

    @classmethod
    def from_environ(cls, environ: Mapping[str, str] = os.environ) -> "Settings":
        """Return the settings of the GATEHOUSE_ variables (docs/run/operating.md) and the three lists of packages.

        Raises BadSettings with all faults at once; an unknown GATEHOUSE_ name is one of them.
        """
        ours = {name.removeprefix(PREFIX): value for name, value in environ.items() if name.startswith(PREFIX)}
        stage, issuer, cost = ours.pop("STAGE", ""), ours.pop("ISSUER", ""), ours.pop("BCRYPT_COST", "10")
        budget, email_from = ours.pop("RULE_BUDGET_S", "5"), ours.pop("EMAIL_FROM", "")
        proxies, import_budget = ours.pop("TRUSTED_PROXIES", "0"), ours.pop("IMPORT_BUDGET_S", "4")
        faults = [f"{PREFIX}{name} is no setting of Gatehouse." for name in sorted(ours)]
        if not stage:
            faults.append(f"{PREFIX}STAGE is missing: it names the tables.")
        if issuer and not is_issuer(issuer):
            faults.append(f"{PREFIX}ISSUER must be an http(s) URL without query that ends in a slash.")
        if cost not in map(str, BCRYPT_COSTS):
            faults.append(f"{PREFIX}BCRYPT_COST must be a number from {BCRYPT_COSTS[0]} to {BCRYPT_COSTS[-1]}.")
        for name, given in (("RULE_BUDGET_S", budget), ("IMPORT_BUDGET_S", import_budget)):
            if not _is_budget(given):
                faults.append(f"{PREFIX}{name} must be a number of seconds, over 0 and up to {MAX_BUDGET_S}.")
        if proxies not in map(str, PROXIES):
            faults.append(f"{PREFIX}TRUSTED_PROXIES must be a number from {PROXIES[0]} to {PROXIES[-1]}.")
        if faults:
            raise BadSettings("\n".join(faults))
        rules, mails, imports = rule_packages(environ), mail_templates(environ), import_packages(environ)
        own = stage, issuer, int(cost), rules, float(budget), email_from, int(proxies), mails
        return cls(*own, imports, float(import_budget))


def rule_packages(environ: Mapping[str, str] = os.environ) -> tuple[str, ...]:
    """Return the packages that RULE_PACKAGES lists, between commas or spaces, in their order."""
    return _listed(environ.get(RULE_PACKAGES, ""))


def mail_templates(environ: Mapping[str, str] = os.environ) -> tuple[str, ...]:
    """Return the packages that MAIL_TEMPLATES lists, in their order, in the form of RULE_PACKAGES."""
    return _listed(environ.get(MAIL_TEMPLATES, ""))


def import_packages(environ: Mapping[str, str] = os.environ) -> tuple[str, ...]:
    """Return the packages that IMPORT_PACKAGES lists, in the form of RULE_PACKAGES."""
    return _listed(environ.get(IMPORT_PACKAGES, ""))


def is_in_lambda(environ: Mapping[str, str] = os.environ) -> bool:
    """Whether this process is a Lambda function, and not the deployment command, which reads the routes."""
    return LAMBDA_FUNCTION in environ


def function_name(environ: Mapping[str, str] = os.environ) -> str:
    """Return Lambda's name of this function, or "" outside of Lambda."""
    return environ.get(LAMBDA_FUNCTION, "")


def environment() -> Mapping[str, str]:
    """Return the environment itself: AWS's settings are none of ours, and its credentials change."""
    return os.environ


def find_aws_folder(environ: Mapping[str, str]) -> str | None:
    """Return the folder that holds the files of AWS's command line, or None if there is none."""
    home = environ.get("HOME") or os.path.expanduser("~")  # noqa: PTH111 (pathlib is slow to import)
    folder = f"{home}/.aws"
    return folder if os.path.isdir(folder) else None  # noqa: PTH112 (the same)


def is_issuer(text: str) -> bool:
    """Return True for an http(s) URL without query or fragment that ends in a slash."""
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return bool(
        parts.scheme in ("http", "https") and parts.netloc and text.endswith("/") and not parts.query + parts.fragment
    )


def _listed(text: str) -> tuple[str, ...]:
    return tuple(text.replace(",", " ").split())


def _is_budget(text: str) -> bool:
    try:
        return 0 < float(text) <= MAX_BUDGET_S
    except ValueError:
        return False

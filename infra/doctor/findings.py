"""A finding of the doctor, and the run of all checks."""

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from botocore.config import Config
from botocore.exceptions import ClientError

from chalicelib.errors import WireError
from infra.errors import OperatorError
from infra.stage.aws import Stage, new_session
from infra.stage.aws_faults import AWS_FAILURES, describe_failure
from infra.tenant.schema import TenantFile

Status = Literal["green", "amber", "red"]
# Names an AWS that is none, such as moto.
EMULATOR = "AWS_ENDPOINT_URL"
# What AWS answers to somebody who may not ask.
NOT_ASKED = (
    "AccessDenied",
    "AccessDeniedException",
    "UnrecognizedClientException",
    "AuthorizationError",
)


# Somebody waits for the doctor, who may come again.
QUICK = Config(retries={"mode": "standard", "total_max_attempts": 2}, connect_timeout=5, read_timeout=20)


@dataclass(frozen=True, slots=True)
class Finding:
    """One finding. check: what was looked at. mend: the command or the step that mends it, "" for a green one."""

    check: str
    status: Status
    message: str
    mend: str = ""

    def as_json(self) -> dict[str, str]:
        """Return it as --json prints it."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Examined:
    """A stage as it is examined. project: of .chalice/config.json. file: the tenant file, if it was named."""

    stage: Stage
    project: Path
    file: TenantFile | None = None

    def client(self, service: str) -> Any:
        """Return a client of another service than the stage's own."""
        return new_session().client(service, config=QUICK)  # type: ignore[call-overload]  # the name is a variable

    def configuration(self, function: str) -> dict[str, Any] | None:
        """Return the configuration of a deployed function, or None if there is none of that name."""
        client = self.client("lambda")
        try:
            found: dict[str, Any] = client.get_function_configuration(FunctionName=function)
        except client.exceptions.ResourceNotFoundException:
            return None
        return found

    def environment(self) -> dict[str, str]:
        """Return the environment variables of the function of logins, none if it is not deployed."""
        found = self.configuration(self.function()) or {}
        return dict(found.get("Environment", {}).get("Variables", {}))

    def function(self, name: str = "") -> str:
        """Return the name of a function; the one of logins by default."""
        return f"gatehouse-{self.stage.name}{f'-{name}' if name else ''}"

    @property
    def is_lasting(self) -> bool:
        """Whether the stage is one that must not be lost: any but dev."""
        return self.stage.name != "dev"


Check = Callable[[Examined], Iterable[Finding]]


def examine(examined: Examined, checks: Iterable[tuple[str, Check]]) -> Iterator[Finding]:
    """Yield the findings of all checks, in their order. A check that fails is a finding too, and ends no other."""
    for name, check in checks:
        try:
            yield from check(examined)
        except AWS_FAILURES as failure:
            yield _failed(name, failure)
        except OperatorError as fault:
            yield Finding(name, "red", str(fault), "see the message")
        except Exception as fault:
            # A stage that is half made may be odd in any way. The message may hold what is not to be printed.
            words = f"The check failed ({type(fault).__name__})."
            yield Finding(name, "red", words, "run doctor again; if it fails so again, report it")


def _failed(name: str, failure: Exception) -> Finding:
    code = failure.response["Error"]["Code"] if isinstance(failure, ClientError) else ""
    if isinstance(failure, WireError):
        # The store writes AWS's word after the operation.
        code = failure.reason.rpartition(": ")[2]
    if code in NOT_ASKED:
        mend = "allow the call, or look in AWS's console"
        return Finding(name, "amber", f"Not looked at: AWS refused the question ({code}).", mend)
    if EMULATOR in os.environ:
        return Finding(name, "amber", "Not looked at: the emulator does not answer the question.")
    return Finding(name, "red", f"AWS: {describe_failure(failure)}", "see the message, then run doctor again")

"""The interfaces of a second factor: one file each, beside this one, and one line in `wiring/grants.py`."""

from collections.abc import Callable
from typing import Any, Protocol

from chalicelib.mfa.session import MfaSession, Proof
from chalicelib.model.enrolment import Authenticator, Enrolment
from chalicelib.model.request import Request

# Stores an enrolment with one authenticator more, and returns the recovery codes that come with the first.
Store = Callable[[Enrolment], dict[str, Any]]


class Factor(Protocol):
    """A second factor and its grant.

    parameters: those that the grant requires. log_codes: of its success and its failure. refusal: the error_description
    for a code that another request used meanwhile.
    """

    @property
    def grant_type(self) -> str: ...
    @property
    def parameters(self) -> tuple[str, ...]: ...
    @property
    def log_codes(self) -> tuple[str, str]: ...
    @property
    def refusal(self) -> str: ...
    def prove(self, session: MfaSession, request: Request) -> Proof: ...


class EnrollableFactor(Factor, Protocol):
    """A factor that a user enrols. kinds: those of its authenticators, each a row of FACTOR_KINDS."""

    @property
    def kinds(self) -> tuple[str, ...]: ...
    def enrol(self, session: MfaSession, kind: str, request: Request, store: Store) -> dict[str, Any]: ...
    def challenge(self, session: MfaSession, authenticator: Authenticator) -> dict[str, Any]: ...
